import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { BrokerEvent } from "../../src/core/broker/broker.ts";
import { publishEvent } from "../../src/core/broker/events.ts";
import { httpBroker } from "../../src/core/broker/http.ts";
import type { Endpoint } from "../../src/core/client/client.ts";
import { loadProto, type Proto } from "../../src/core/codec/proto.ts";
import { MicroError } from "../../src/core/errors.ts";
import { cached } from "../../src/core/registry/cache.ts";
import { consulRegistry } from "../../src/core/registry/consul.ts";
import { mdnsRegistry } from "../../src/core/registry/mdns.ts";
import { grpcDoor } from "../../src/core/server/grpc.ts";
import { createService, type Service } from "../../src/core/service.ts";
import { type ConsulAgent, hasConsul, startConsul } from "../fakes/consul-agent.ts";
import { reasonOf } from "./build.mjs";
import { ERAS } from "./eras.ts";
import { type GoPeer, goCall, goPeer } from "./go-peer.ts";
import { record } from "./table.ts";

const BIG = 9_007_199_254_740_993n;
const JSON_TYPE = { contentType: "application/json" } as const;
const PROTOBUF = ["--content-type", "application/protobuf"] as const;
const MANY = { timeout: 240_000 };

// What to know about a pass. Each was seen between two Go peers of that era as well.
const GARBLES = "this server mixes up answers that follow each other quickly, so ours takes them one by one";
const DEAF = "this server does not tell a handler that its caller is gone";
const NO_DEBUG = "this server has no Debug handler unless asked; our client is told so, and its client finds ours";
const LOSES = "this server leaves a call in some thousands without an answer; ours asks again, at most 1 in 100";
const SWAPS =
  "this client sends one JSON request in place of another when many are made at once, so it makes them in protobuf";

/** Multicast goes nowhere from here: a Go peer joins every interface that there is. */
const alone = Object.keys(networkInterfaces()).every((name) => name === "lo");

for (const { era, grpc, end, debug: debugged, garbles, loses, hears, mdns } of ERAS) {
  const met = mdns
    ? !alone && "mDNS takes a network of its own: unshare, as root"
    : !hasConsul && "Consul is not installed";
  const missing = met || reasonOf(era);
  const cell =
    (feature: string, note = "") =>
    (name: string, run: () => Promise<void>, options: { timeout?: number } = {}) => {
      if (missing !== undefined) record(era, feature, `not run: ${missing}`);
      it.skipIf(missing !== undefined)(`${feature}: ${name}`, options, async () => {
        try {
          await run();
          record(era, feature, note === "" ? "pass" : `pass: ${note}`);
        } catch (error) {
          record(era, feature, "fail");
          throw error;
        }
      });
    };

  describe(`go-micro ${era}${missing === undefined ? "" : ` (not run: ${missing})`}`, () => {
    let consul: ConsulAgent | undefined;
    /** What a peer is told of the registry. */
    let where = "mdns";
    let proto: Proto;
    let go: GoPeer;
    let queued: GoPeer[] = [];
    let ours: Service;
    let heard: BrokerEvent[] = [];
    /** How many endless streams of ours were left by their callers. */
    let left = 0;
    const goName = "go.micro.srv.go";
    const ourName = "go.micro.srv.ts";
    const endpoint = (name: string, service = goName): Endpoint => {
      const found = proto.endpoints("Greeter", service)[name];
      if (found === undefined) throw new Error(`no endpoint ${name}`);
      return found;
    };

    beforeAll(async () => {
      if (missing !== undefined) return;
      if (!mdns) {
        consul = await startConsul();
        where = consul.address;
      }
      proto = await loadProto(join(import.meta.dirname, "greeter.proto"));
      const registry = cached(mdns ? mdnsRegistry()() : consulRegistry({ addresses: [where] })());
      const broker = httpBroker({ address: "127.0.0.1:0", eras: ["v0.1", "v1.13", "v1.18", "v2.5"] })({ registry });
      ours = createService({
        name: ourName,
        version: "7",
        registry,
        broker,
        address: "127.0.0.1:0",
        ...(grpc ? { door: grpcDoor() } : {}),
      });
      greeter(
        ours,
        (name) => endpoint(name, ourName),
        () => void left++,
      );
      ours.subscribe(`to-ts.${era}`, (event) => void heard.push(event));
      await ours.start();
      go = goPeer(era, ["serve", "--name", goName, "--registry", where, "--topic", `to-go.${era}`]);
      queued = [1, 2].map((n) =>
        goPeer(era, [
          "serve",
          "--name",
          `queued${n}`,
          "--registry",
          where,
          "--topic",
          `to-queue.${era}`,
          "--queue",
          "q1",
        ]),
      );
      await Promise.all([go, ...queued].map((peer) => peer.until(({ event }) => event === "ready", 60_000)));
      await eventually(async () => expect(await registry.get(goName)).toHaveLength(1));
    });
    afterAll(async () => {
      await Promise.all([go, ...queued].map((peer) => peer?.stop()));
      await ours?.stop();
      await consul?.stop();
    });
    /** Lets the era's client do something with our service. */
    const theirs = (what: readonly string[], options: readonly string[] = [], limitMs?: number) =>
      goCall(era, ["--registry", where, "--service", ourName, ...options], what, limitMs);

    const listed = cell("register and be listed");
    listed("we see it", async () => {
      const [version] = await ours.registry.get(goName);
      expect(version?.nodes).toHaveLength(1);
      const names = version?.endpoints.map(({ name }) => name) ?? [];
      expect(names).toEqual(expect.arrayContaining(["Greeter.Hello", "Greeter.Stream"]));
      const hello = version?.endpoints.find(({ name }) => name === "Greeter.Hello");
      expect(hello?.request).toMatchObject({ name: "HelloRequest" });
      expect(await ours.registry.list()).toEqual(expect.arrayContaining([goName, ourName]));
    });
    listed("it sees us", async () => {
      const services = (await theirs(["services"])).get("services")?.["services"] as Record<string, unknown>[];
      expect(services).toHaveLength(1);
      expect(services[0]).toMatchObject({ name: ourName, version: "7" });
      expect(services[0]?.["endpoints"]).toHaveLength(7);
    });

    const json = cell("unary JSON");
    json("our client", async () => {
      const answer = await ours.client.call(endpoint("Hello"), { name: "John", user_id: BIG }, JSON_TYPE);
      expect(answer).toEqual({ msg: "Hello John", count: BIG });
      expect(await ours.client.request(goName, "Greeter.Hello", { name: "Zoë" })).toMatchObject({ msg: "Hello Zoë" });
    });
    json("its client", async () => {
      const result = (await theirs(["hello"], ["--content-type", "application/json"])).get("hello");
      expect(result).toMatchObject({ msg: "Hello John" });
    });

    const protobuf = cell("unary protobuf");
    protobuf("our client", async () => {
      expect(await ours.client.call(endpoint("Hello"), { name: "John", user_id: BIG })).toEqual({
        msg: "Hello John",
        count: BIG,
      });
    });
    protobuf("its client", async () => {
      const result = (await theirs(["hello"], ["--content-type", "application/protobuf"])).get("hello");
      expect(result).toMatchObject({ msg: "Hello John" });
    });

    const errors = cell("errors of every kind");
    errors("our client", async () => {
      const fail = (code: number) =>
        ours.client
          .call(endpoint("Fail"), { name: "user jo not found", user_id: BigInt(code) }, { retries: 0 })
          .catch((error: MicroError) => error.details["record"]);
      for (const code of [400, 401, 403, 404, 500, 418]) {
        expect(await fail(code)).toMatchObject({ id: "greeter", code, detail: "user jo not found" });
      }
      expect(await fail(0)).toMatchObject({ detail: expect.stringContaining("boom: plain text") });
      await expect(ours.client.request(goName, "Greeter.Nothing", {}, { retries: 0 })).rejects.toThrow(/Nothing|EOF/);
      await expect(ours.client.request(goName, "Nobody.Hello", {}, { retries: 0 })).rejects.toThrow(/Nobody|EOF/);
      expect(await ours.client.request(goName, "Greeter.Hello", { name: "after" })).toMatchObject({
        msg: "Hello after",
      });
    });
    errors("its client", async () => {
      const results = await theirs(["errors"]);
      for (const code of [400, 401, 403, 404, 500, 418]) {
        expect(results.get(`error ${code}`)?.["error"]).toMatchObject({
          id: ourName,
          code,
          detail: "user jo not found",
        });
      }
      expect(results.get("error 0")?.["error"]).toMatchObject({ detail: expect.stringContaining("boom: plain text") });
      for (const one of ["no method", "no handler"]) expect(results.get(one)?.["error"]).toBeDefined();
    });

    const metadata = cell("metadata and deadline");
    metadata("our client", async () => {
      const options = { metadata: { "X-User-Id": "u1" }, timeoutMs: 3000 };
      const { msg, count } = (await ours.client.call(endpoint("Meta"), {}, options)) as { msg: string; count: bigint };
      expect(JSON.parse(msg)).toMatchObject({ "x-user-id": "u1" });
      expect(Number(count)).toBeGreaterThan(1000);
      expect(Number(count)).toBeLessThanOrEqual(3000);
      await expect(
        ours.client.call(endpoint("Slow"), { user_id: 5000n }, { timeoutMs: 300, retries: 0 }),
      ).rejects.toMatchObject({ code: "timeout" });
    });
    metadata("its client", async () => {
      const results = await theirs(["meta", "slow"]);
      const meta = results.get("meta");
      expect(JSON.parse(String(meta?.["msg"]))).toMatchObject({ "x-user-id": "u1" });
      expect(Number(meta?.["count"])).toBeGreaterThan(1000);
      expect(Number(meta?.["count"])).toBeLessThanOrEqual(5000);
      expect(results.get("slow")?.["error"]).toMatchObject({ code: 408 });
    });

    const ends = cell("stream, clean end", garbles ? GARBLES : "");
    ends("our client", async () => {
      for (const options of [{}, JSON_TYPE]) {
        const stream = await ours.client.open(endpoint("Stream"), options);
        await stream.send({ name: garbles ? "step" : "x", user_id: 100n });
        const seen: unknown[] = [];
        for await (const one of stream) {
          seen.push((one as { count: bigint }).count);
          if (garbles) await stream.send({ name: "next" });
        }
        expect(seen).toEqual(Array.from({ length: 100 }, (_, i) => BigInt(i)));
      }
      // The request was given to the handler once. What it prints of that comes by another way, and may come later.
      await expect.poll(() => go.said.filter(({ event }) => event === "stream")).toHaveLength(2);
    });
    ends("its client", async () => {
      const result = (await theirs(["stream"], ["--count", "100"])).get("stream");
      expect(result).toMatchObject({ seen: 100, ended: true });
    });

    const fails = cell("stream, error");
    fails("our client", async () => {
      const stream = await ours.client.open(endpoint("Stream"));
      await stream.send({ name: "fail", user_id: 2n });
      const seen: unknown[] = [];
      const read = async () => {
        for await (const one of stream) seen.push(one);
      };
      await expect(read()).rejects.toMatchObject({ code: "not_found", message: "nothing more" });
      expect(seen).toHaveLength(2);
    });
    fails("its client", async () => {
      const result = (await theirs(["stream-fail"], ["--count", "2"])).get("stream-fail");
      expect(result).toMatchObject({ seen: 2 });
      expect(result?.["error"]).toContain("nothing more");
    });

    const chats = cell("stream, both ways and cancel", hears ? "" : DEAF);
    chats("our client", async () => {
      const stream = await ours.client.open(endpoint("Chat"));
      const answers = stream[Symbol.asyncIterator]();
      for (const name of ["one", "two"]) {
        await stream.send({ name });
        expect((await answers.next()).value).toMatchObject({ msg: name.toUpperCase() });
      }
      await (end === "message" ? stream.end() : stream.close());
      await go.until(({ event }) => event === "chat-over");
      await stream.close();
      const over = new AbortController();
      const endless = await ours.client.stream(goName, "Greeter.Stream", { signal: over.signal });
      await endless.send({ name: "forever", user_id: 100_000 });
      const read = (async () => {
        for await (const _ of endless) over.abort();
      })();
      await expect(read).rejects.toMatchObject({ code: "cancelled" });
      if (hears) await go.until(({ event }) => event === "stream-broke");
      expect(await ours.client.request(goName, "Greeter.Hello", { name: "after" })).toMatchObject({
        msg: "Hello after",
      });
    });
    chats("its client", async () => {
      const result = (await theirs(["chat"])).get("chat");
      expect(result).toMatchObject({ said: ["ONE", "TWO", "THREE"], error: "" });
      expect((await theirs(["hello"])).get("hello")).toMatchObject({ msg: "Hello John" });
      expect((await theirs(["cancel"])).get("cancel")).toMatchObject({ seen: 3, error: "" });
      await eventually(async () => expect(left).toBe(1));
    });

    const published = cell("publish and subscribe");
    published("we publish to it", async () => {
      for (const name of ["a", "b", "c"]) await publish(ours, `to-go.${era}`, { name });
      for (const name of ["a", "b", "c"]) await go.until((said) => said.event === "heard" && said["name"] === name);
      const first = go.said.find(({ event }) => event === "heard");
      expect(first).toMatchObject({ user: "u1" });
    });
    published("it publishes to us", async () => {
      heard = [];
      await theirs(["publish"], ["--topic", `to-ts.${era}`, "--count", "3"]);
      await eventually(async () => expect(heard).toHaveLength(3));
      expect(heard.map(({ body }) => JSON.parse(Buffer.from(body).toString()).name).sort()).toEqual(["n0", "n1", "n2"]);
      expect(heard[0]?.header).toMatchObject({ "content-type": "application/json", "x-user-id": "u1" });
    });

    cell("publish to a queue")("each message reaches one of its members", async () => {
      const names = Array.from({ length: 20 }, (_, i) => `q${i}`);
      for (const name of names) await publish(ours, `to-queue.${era}`, { name });
      const all = () =>
        queued.flatMap((peer) => peer.said.filter(({ event }) => event === "heard").map((said) => said["name"]));
      await eventually(async () => expect(all().sort()).toEqual([...names].sort()));
    });

    const debug = cell("health and stats", debugged ? "" : NO_DEBUG);
    debug("our client", async () => {
      if (!debugged) {
        const asking = ours.client.request(goName, "Debug.Health", {});
        await expect(asking).rejects.toThrow("can't find service Debug");
        return;
      }
      expect(await ours.client.request(goName, "Debug.Health", {})).toEqual({ status: "ok" });
      const stats = (await ours.client.request(goName, "Debug.Stats", {})) as { started: number | string };
      expect(Number(stats.started)).toBeGreaterThan(1_700_000_000);
    });
    debug("its client", async () => {
      const results = await theirs(["health", "stats"]);
      expect(results.get("health")).toMatchObject({ answer: { status: "ok" }, error: "" });
      expect(results.get("stats")).toMatchObject({ answer: { threads: expect.anything() }, error: "" });
    });

    const many = cell("10,000 calls in a row, 1,000 at once", loses ? LOSES : grpc ? SWAPS : "");
    many(
      "our client",
      async () => {
        let lost = 0;
        const ask = async (id: bigint, timeoutMs: number): Promise<bigint> => {
          const asking = ours.client.call(endpoint("Hello"), { name: "x", user_id: id }, { timeoutMs, retries: 0 });
          const answer = await asking.catch((error: MicroError) => {
            if (!loses || error.code !== "timeout" || ++lost > 110) throw error;
          });
          return answer === undefined ? ask(id, timeoutMs) : (answer as { count: bigint }).count;
        };
        for (let id = 1n; id <= 10_000n; id++) {
          const count = await ask(id, loses ? 1000 : 30_000);
          if (count !== id) throw new Error(`answer ${count} for question ${id}`);
        }
        const ids = Array.from({ length: 1000 }, (_, i) => BigInt(i + 1));
        expect(await Promise.all(ids.map((id) => ask(id, loses ? 20_000 : 60_000)))).toEqual(ids);
      },
      MANY,
    );
    many(
      "its client",
      async () => {
        const result = (await theirs(["many"], ["--count", "10000", ...(grpc ? PROTOBUF : [])], 200_000)).get("many");
        expect(result).toMatchObject({ failed: 0 });
      },
      MANY,
    );
  });
}

/** The same service as the Go peers have. */
function greeter(service: Service, endpoint: (name: string) => Endpoint, onLeft: () => void): void {
  type Request = { name: string; user_id: bigint };
  const codes = {
    400: "invalid_argument",
    401: "unauthenticated",
    403: "permission_denied",
    404: "not_found",
    500: "internal",
  } as const;
  service.handle(endpoint("Hello"), (input) => {
    const { name, user_id } = input as Request;
    return { msg: `Hello ${name}`, count: user_id };
  });
  service.handle(endpoint("Meta"), (_input, { header, deadlineAt }) => ({
    msg: JSON.stringify(header),
    count: BigInt(deadlineAt === undefined ? 0 : Math.round(deadlineAt - Date.now())),
  }));
  service.handle(endpoint("Fail"), (input) => {
    const { name, user_id } = input as Request;
    const code = codes[Number(user_id) as keyof typeof codes];
    if (user_id === 0n) throw new Error("boom: plain text");
    const record = { id: service.server.record.name, code: Number(user_id), detail: name, status: "" };
    throw new MicroError(code ?? "internal", name, code ? {} : { details: { record } });
  });
  service.handle(endpoint("Slow"), async (input, { signal }) => {
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(resolve, Number((input as Request).user_id));
      signal.addEventListener("abort", () => {
        clearTimeout(timer);
        // The caller's clock may be behind ours: an answer would still reach it.
        reject(signal.reason);
      });
    });
    return { msg: "slow" };
  });
  service.handleStream(endpoint("Stream"), async (stream) => {
    for await (const input of stream) {
      const { name, user_id } = input as Request;
      try {
        for (let i = 0n; i < user_id; i++) {
          await stream.send({ msg: name, count: i });
          if (name === "forever") await sleep(5);
        }
      } catch (error) {
        onLeft();
        throw error;
      }
      if (name === "fail") throw new MicroError("not_found", "nothing more");
      return;
    }
  });
  service.handleStream(endpoint("Chat"), async (stream) => {
    for await (const input of stream) await stream.send({ msg: (input as Request).name.toUpperCase() });
  });
}

async function publish({ broker }: Service, topic: string, value: unknown): Promise<void> {
  if (broker === undefined) throw new Error("no broker");
  await publishEvent(broker, topic, value, { metadata: { "X-User-Id": "u1" } });
}

async function eventually(check: () => Promise<void>, limitMs = 15_000): Promise<void> {
  const until = performance.now() + limitMs;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (performance.now() > until) throw error;
      await sleep(50);
    }
  }
}
