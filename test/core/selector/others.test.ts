import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { AUTHORITATIVE_ANSWER, decode, encode, RECURSION_DESIRED } from "dns-packet";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { memoryRegistry } from "../../../src/core/registry/memory.ts";
import type { ServiceNode } from "../../../src/core/registry/registry.ts";
import { BLACKLIST, defaultSelector } from "../../../src/core/selector/default.ts";
import { dnsSelector } from "../../../src/core/selector/dns.ts";
import { byVersion, preferLabels } from "../../../src/core/selector/filters.ts";
import { staticSelector } from "../../../src/core/selector/static.ts";
import { roundRobin } from "../../../src/core/selector/strategies.ts";
import { selectorContract } from "../../contract/selector.contract.ts";
import { manualClock } from "../../fakes/clock.ts";

selectorContract("round robin", { create: defaultSelector({ strategy: roundRobin }) });
selectorContract("an empty preference of labels", {
  create: defaultSelector({ filters: [preferLabels({ zone: "nowhere" })] }),
});

const node = (id: string, metadata: Record<string, string> = {}): ServiceNode => ({
  id,
  address: `127.0.0.1:${id.charCodeAt(0)}`,
  metadata: { protocol: "mucp", ...metadata },
});
const a = node("a", { zone: "north" });
const b = node("b", { zone: "south" });
const services = [
  { name: "svc", version: "1", metadata: {}, endpoints: [], nodes: [a, b] },
  { name: "svc", version: "2", metadata: {}, endpoints: [], nodes: [node("c")] },
];

describe("the blacklist selector (wire.md §10)", () => {
  it("leaves a node out after three failures in a row, for half a minute after the last", async () => {
    const clock = manualClock();
    const registry = memoryRegistry({ services: services.slice(0, 1) })();
    await registry.start();
    const selector = defaultSelector({ ...BLACKLIST, strategy: roundRobin })({ registry, clock });
    const seen = async () =>
      new Set(await Promise.all(Array.from({ length: 10 }, async () => (await selector.select("svc")).id)));
    selector.mark("svc", a, "failed");
    selector.mark("svc", a, "failed");
    expect(await seen()).toEqual(new Set(["a", "b"]));
    selector.mark("svc", a, "ok");
    for (let i = 0; i < 3; i++) selector.mark("svc", a, "failed");
    expect(await seen()).toEqual(new Set(["b"]));
    await clock.advance(29_000);
    expect(await seen()).toEqual(new Set(["b"]));
    await clock.advance(1001);
    expect(await seen()).toEqual(new Set(["a", "b"]));
  });
});

describe("the label and version selectors", () => {
  it.each([
    ["a label that is there", preferLabels({ zone: "south" }), ["b"]],
    ["a label that nobody has", preferLabels({ zone: "east" }), ["a", "b", "c"]],
    ["a version", byVersion("2"), ["c"]],
  ])("%s", async (_name, filter, expected) => {
    const registry = memoryRegistry({ services })();
    await registry.start();
    const selector = defaultSelector({ filters: [filter], strategy: roundRobin })({ registry });
    const seen = new Set<string>();
    for (let i = 0; i < 20; i++) seen.add((await selector.select("svc")).id);
    expect([...seen].sort()).toEqual(expected);
  });
});

describe("the static selector", () => {
  it.each([
    ["greeter", {}, "greeter:8080"],
    ["greeter", { domain: "svc.local", port: 80 }, "greeter.svc.local:80"],
    ["10.0.0.1:9090", { domain: "svc.local" }, "10.0.0.1:9090"],
  ])("%s %o", async (service, init, address) => {
    const found = await staticSelector(init).select(service);
    expect(found).toEqual({ id: address, address, metadata: {} });
    await expect(staticSelector(init).select(service, { exclude: new Set([address]) })).rejects.toMatchObject({
      code: "unavailable",
    });
  });
});

describe("the dns selector", () => {
  let server: Socket;
  let asked: string[];
  let silent: boolean;

  beforeEach(async () => {
    asked = [];
    silent = false;
    server = createSocket("udp4");
    server.on("message", (packet, from) => {
      const question = decode(packet);
      const [{ name, type } = { name: "", type: "A" }] = question.questions ?? [];
      asked.push(`${type} ${name}`);
      if (silent) return;
      const answers =
        type === "SRV" && name === "_greeter._tcp.local"
          ? [1, 2].map((n) => ({ type: "SRV" as const, name, data: { target: `node${n}.local`, port: 9000 + n } }))
          : type === "A" && name === "host.test"
            ? [{ type: "A" as const, name, data: "10.0.0.7" }]
            : [];
      const rcode = answers.length > 0 ? 0 : 3;
      const reply = { type: "response" as const, id: question.id, questions: question.questions, answers };
      server.send(
        encode({ ...reply, flags: RECURSION_DESIRED | AUTHORITATIVE_ANSWER | rcode } as never),
        from.port,
        from.address,
      );
    });
    server.bind(0, "127.0.0.1");
    await once(server, "listening");
  });
  afterEach(() => server.close());
  const selector = (clock = manualClock()) =>
    dnsSelector({ servers: [`127.0.0.1:${server.address().port}`] })({ clock });

  it("finds nodes by SRV, believes them for a while, and avoids one that failed", async () => {
    const clock = manualClock();
    const dns = selector(clock);
    const first = await dns.select("greeter");
    expect(["node1.local:9001", "node2.local:9002"]).toContain(first.address);
    expect(first.metadata).toEqual({});
    dns.mark("greeter", first, "failed");
    for (let i = 0; i < 10; i++) expect((await dns.select("greeter")).id).not.toBe(first.id);
    expect(asked).toEqual(["SRV _greeter._tcp.local"]);
    await clock.advance(5001);
    await dns.select("greeter");
    expect(asked).toHaveLength(2);
  });

  it("takes the addresses of a name that brings its port", async () => {
    expect((await selector().select("host.test:81")).address).toBe("10.0.0.7:81");
    expect((await selector().select("127.0.0.1:81")).address).toBe("127.0.0.1:81");
  });

  it("says that a name is not there, and gives up in time on a server that is silent", async () => {
    await expect(selector().select("nobody")).rejects.toMatchObject({ code: "not_found" });
    silent = true;
    await expect(selector().select("greeter", { timeoutMs: 100 })).rejects.toMatchObject({ code: "timeout" });
  });
});
