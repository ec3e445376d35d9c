import { execFile, spawnSync } from "node:child_process";
import { createSocket } from "node:dgram";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { inflateSync } from "node:zlib";
import { rolldown } from "rolldown";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { cached } from "../../../src/core/registry/cache.ts";
import { mdnsRegistry } from "../../../src/core/registry/mdns.ts";
import { decodeTxt, encodeQuery } from "../../../src/core/registry/mdns-packet.ts";
import { record, registryContract } from "../../contract/registry.contract.ts";
import data from "../../data/mdns-packets.json" with { type: "json" };
import { hasNetns, type Netns, openNetns } from "../../fakes/netns.ts";

/** Never anything but loopback, and a domain that no other run has. */
const loopback = { addresses: ["127.0.0.1"], domain: `t${process.pid}` };
const without = { ttl: "a node lives as long as its process answers for it, which is mDNS" };

registryContract("mdns", {
  create: async () => mdnsRegistry(loopback)(),
  advance: (ms) => sleep(ms),
  settleMs: 2000,
  without,
});

registryContract("cached(mdns)", {
  create: async () => cached(mdnsRegistry(loopback)()),
  advance: (ms) => sleep(ms),
  settleMs: 2000,
  without,
});

describe("mdns registry", () => {
  const opened: { stop(): Promise<void> }[] = [];
  const open = async (init: Parameters<typeof mdnsRegistry>[0] = loopback) => {
    const registry = mdnsRegistry(init)();
    opened.push(registry);
    await registry.start();
    return registry;
  };
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((registry) => registry.stop()));
  });

  it("is seen by another one, and says goodbye when it stops", async () => {
    const [here, there] = [await open(), cached(mdnsRegistry(loopback)())];
    opened.push(there);
    await there.start();
    await here.register(record("foo", "1", 1));
    await here.register(record("foo", "1", 2));
    await within(3000, async () => expect((await there.get("foo"))[0]?.nodes).toHaveLength(2));
    expect(await there.list()).toEqual(["foo"]);
    await here.stop();
    await within(1000, async () => expect(await there.list()).toEqual([]));
  });

  it("announces changed metadata, and nothing when nothing changed", async () => {
    const here = await open();
    const watcher = await (await open()).watch();
    const seen: string[] = [];
    const done = (async () => {
      for await (const { service } of watcher) seen.push(JSON.stringify(service.nodes[0]?.metadata));
    })();
    const foo = record("foo", "1", 1);
    await here.register(foo);
    await sleep(3200); // probes, then three announcements over two seconds
    expect(seen).toEqual(Array(3).fill('{"protocol":"mucp"}'));
    await here.register(foo, { ttlMs: 60_000 });
    await sleep(1000);
    expect(seen).toHaveLength(3);
    await here.register({ ...foo, nodes: [{ ...foo.nodes[0]!, metadata: { az: "b" } }] });
    await within(2000, async () => expect(seen).toContain('{"az":"b"}'));
    await watcher.close();
    await done;
  });

  it("answers a plain query to the port that it came from, and does not answer another domain", async () => {
    const here = await open();
    await here.register(record("foo", "1", 1));
    const replies: Buffer[] = [];
    const socket = createSocket("udp4").on("message", (bytes) => replies.push(bytes));
    await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
    socket.setMulticastInterface("127.0.0.1");
    socket.send(encodeQuery(1, "foo.other"), 5353, "224.0.0.251");
    socket.send(encodeQuery(1, `foo.${loopback.domain}`), 5353, "224.0.0.251");
    await within(2000, async () => expect(replies).toHaveLength(1));
    expect(replies[0]?.subarray(0, 12).toString("hex")).toBe("000084000001000400000000");
    socket.close();
  });

  it("stays up and answers while rubbish arrives", async () => {
    const here = await open();
    await here.register(record("foo", "1", 1));
    const socket = createSocket("udp4");
    await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
    socket.setMulticastInterface("127.0.0.1");
    for (let n = 0; n < 200; n += 1) socket.send(Buffer.alloc(n, n), 5353, "224.0.0.251");
    await within(2000, async () => expect(await here.list()).toEqual(["foo"]));
    socket.close();
  });

  it("takes a node's host by name, and refuses what it cannot announce", async () => {
    const here = await open();
    const at = (address: string) => ({ ...record("foo", "1", 1), nodes: [{ id: "foo-1", address, metadata: {} }] });
    await here.register(at("localhost:9090"));
    expect((await here.get("foo"))[0]?.nodes[0]?.address).toBe("127.0.0.1:9090");
    for (const address of ["some-queue", "10.0.0.1"]) {
      await expect(here.register(at(address))).rejects.toMatchObject({ code: "invalid_argument" });
    }
    await expect(here.register({ ...at("127.0.0.1:1"), name: "x".repeat(64) })).rejects.toThrow(/63 bytes/);
  });

  it("names the interfaces that there are when asked for one that is not", async () => {
    const registry = mdnsRegistry({ addresses: ["nonesuch0"] })();
    await expect(registry.start()).rejects.toMatchObject({ code: "invalid_argument" });
    await expect(registry.start()).rejects.toThrow(/lo \(127\.0\.0\.1\)/);
    await registry.stop();
  });
});

const noNetns = hasNetns ? "" : " (skipped: needs Linux, root, unshare and nsenter)";

describe.skipIf(!hasNetns)(`mdns in a network of its own${noNetns}`, () => {
  let folder: string;
  let peer: string;
  let netns: Netns;
  const greeter = JSON.stringify({
    name: data.payload.Service,
    version: data.payload.Version,
    endpoints: data.payload.Endpoints,
    nodes: [{ id: "go.micro.srv.greeter-1", address: "127.0.0.1:9090", metadata: data.payload.Metadata }],
  });

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "mdns-peer-"));
    peer = join(folder, "peer.mjs");
    const bundle = await rolldown({
      input: join(import.meta.dirname, "../../fakes/mdns-peer.ts"),
      platform: "node",
      transform: { target: "es2022" },
    });
    await bundle.write({ file: peer, format: "esm", codeSplitting: false });
    await bundle.close();
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));
  afterEach(() => netns.close());

  it("lets two processes find each other without any configuration", async () => {
    netns = await openNetns();
    const look = netns.run(process.execPath, peer, "look", "go.micro.srv.greeter");
    const hold = netns.run(process.execPath, peer, "hold", greeter);
    expect(await hold.next()).toBe("up");
    expect(await look.next()).toMatchObject({
      list: ["go.micro.srv.greeter"],
      get: [{ version: "1.0.0", nodes: [{ id: "go.micro.srv.greeter-1", address: "127.0.0.1:9090" }] }],
    });
    expect(await look.next()).toEqual({ action: "create", nodes: ["go.micro.srv.greeter-1"] });
    await hold.end();
    let event = await look.next();
    while ((event as { action: string }).action === "create") event = await look.next();
    expect(event).toEqual({ action: "delete", nodes: ["go.micro.srv.greeter-1"] });
    await look.end();
  });

  it("says unavailable, and why, where there is no network at all", async () => {
    netns = await openNetns(false);
    const start = netns.run(process.execPath, peer, "start");
    expect(await start.next()).toEqual({
      code: "unavailable",
      message: expect.stringMatching(/no network interface takes IPv4 multicast/),
    });
  });

  const avahi = hasNetns && ["avahi-daemon", "avahi-browse", "dbus-daemon"].every((tool) => installed(tool));
  const noAvahi = avahi ? "" : " (skipped: avahi or dbus-daemon is not installed)";

  // avahi browses types of the form _name._tcp only; its cache is asked for our domain, which is not its own.
  it.skipIf(!avahi)(
    `is browsed by avahi in the domain micro${noAvahi}`,
    async () => {
      netns = await openNetns();
      const node = { id: "greeter-1", address: "127.0.0.1:9090", metadata: { protocol: "mucp" } };
      const service = JSON.stringify({ name: "_greeter._tcp", version: "1", nodes: [node] });
      const script = join(import.meta.dirname, "../../fakes/avahi-browse.sh");
      const hold = [process.execPath, peer, "hold", service];
      const { stdout } = await promisify(execFile)("unshare", [
        "--net",
        "sh",
        script,
        folder,
        "micro",
        "_greeter._tcp",
        ...hold,
      ]);
      const [, , , name, type, domain, , , port, text] = stdout.trim().split(";");
      expect({ name, type, domain, port }).toEqual({
        name: "greeter-1",
        type: "_greeter._tcp",
        domain: "micro",
        port: "9090",
      });
      expect(decodeTxt([Buffer.from(String(text).replaceAll('"', ""))])).toMatchObject({
        service: "_greeter._tcp",
        version: "1",
      });
    },
    40_000,
  );

  const python = hasNetns && spawnSync("/usr/bin/python3", ["-c", "import zeroconf"]).status === 0;
  const noPython = python ? "" : " (skipped: Debian's python3-zeroconf is not installed)";

  it.skipIf(!python)(
    `is seen by python-zeroconf as wire.md §2.2 says${noPython}`,
    async () => {
      netns = await openNetns();
      const observer = netns.run("/usr/bin/python3", join(import.meta.dirname, "../../fakes/mdns-observer.py"));
      expect(await observer.next()).toBe("up");
      const hold = netns.run(process.execPath, peer, "hold", greeter);
      const instance = "go.micro.srv.greeter-1.go.micro.srv.greeter.micro.";
      const text = expect.stringMatching(/^\xff[0-9a-f]{255}.[0-9a-f]+$/);
      const own = (host: unknown, ttl: number) => [
        ["DNSService", instance, ttl, false, [10, 1, 9090, host]],
        ["DNSAddress", host, ttl, false, "127.0.0.1"],
        ["DNSText", instance, ttl, false, text],
      ];

      const group: Seen[] = [];
      const replies: Seen[] = [];
      const hear = async (enough: () => boolean) => {
        while (!enough()) {
          const seen = (await observer.next()) as Seen;
          (seen.how === "reply" ? replies : group).push(seen);
        }
      };
      const about = (name: string) => group.filter(({ records }) => records.some((r) => r[1] === name));
      const announcements = () => about(instance).filter(({ counts, records }) => counts[1] > 0 && records[0]![2] > 0);

      const goodbyes = () => group.filter(({ records }) => records.length > 0 && records.every((r) => r[2] === 0));

      await hear(() => announcements().length >= 3);
      const probes = about(instance).filter(({ counts }) => counts[1] === 0);
      expect(probes).toHaveLength(3);
      for (const probe of probes) {
        expect(probe).toMatchObject({
          valid: true,
          fromPort: 5353,
          flags: 0,
          counts: [1, 0, 2, 0],
          questions: [[instance, 12]],
        });
        expect(probe.records.map(([kind]) => kind)).toEqual(["DNSService", "DNSText"]);
      }
      const host = announcements()[0]!.records[1]![1];
      for (const announcement of announcements()) {
        expect(announcement).toMatchObject({ valid: true, fromPort: 5353, flags: 0x8000, counts: [0, 3, 0, 0] });
        expect(announcement.records).toEqual(own(host, 120));
      }

      observer.tell(data.query);
      await hear(() => replies.length === 1);
      expect(replies[0]).toMatchObject({ valid: true, fromPort: 5353, id: 0, flags: 0x8400, counts: [1, 4, 0, 0] });
      expect(replies[0]!.questions).toEqual([["go.micro.srv.greeter.micro.", 12]]);
      expect(replies[0]!.records).toEqual([
        ["DNSPointer", "go.micro.srv.greeter.micro.", 120, false, instance],
        ...own(host, 120),
      ]);
      const strings = replies[0]!.records[3]![4] as string;
      const hex = strings.slice(1, 256) + strings.slice(257);
      expect(JSON.parse(inflateSync(Buffer.from(hex, "hex")).toString())).toEqual(data.payload);

      observer.tell(data.listQuery);
      await hear(() => replies.length === 2);
      const marker = "go.micro.srv.greeter._services.micro.";
      expect(replies[1]).toMatchObject({ valid: true, id: 0, flags: 0x8400, counts: [1, 4, 0, 0] });
      expect(replies[1]!.records).toEqual([
        ["DNSPointer", "_services.micro.", 120, false, marker],
        ["DNSService", marker, 120, false, [10, 1, 9999, host]],
        ["DNSAddress", host, 120, false, "0.0.0.0"],
        ["DNSText", marker, 120, false, ""],
      ]);

      await hold.end();
      await hear(() => goodbyes().length === 2);
      expect(goodbyes().map(({ flags, counts }) => [flags, counts])).toEqual(Array(2).fill([0x8000, [0, 3, 0, 0]]));
      expect(goodbyes().map(({ records }) => records)).toContainEqual(own(host, 0));
      await observer.end();
    },
    30_000,
  );
});

function installed(tool: string): boolean {
  return spawnSync("sh", ["-c", `command -v ${tool}`]).status === 0;
}

/** A packet as the observer tells it. */
interface Seen {
  readonly how: "group" | "reply";
  readonly flags: number;
  readonly counts: readonly [number, number, number, number];
  readonly questions: readonly [string, number][];
  readonly records: readonly [kind: string, name: string, ttl: number, unique: boolean, data: unknown][];
}

/** Asks again until it says so. */
async function within(ms: number, check: () => Promise<unknown>): Promise<void> {
  const until = performance.now() + ms;
  for (;;) {
    try {
      await check();
      return;
    } catch (error) {
      if (performance.now() > until) throw error;
      await sleep(20);
    }
  }
}
