import { setTimeout as wait } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { parseProto } from "../../src/core/codec/proto.ts";
import { MicroError } from "../../src/core/errors.ts";
import { memoryRegistry } from "../../src/core/registry/memory.ts";
import { createService, defineEndpoint, type Service, type ServiceInit } from "../../src/core/service.ts";

export interface RpcSubject {
  /** How the service is reached: transport, door, address. Called once. */
  create(): Promise<Partial<ServiceInit>>;
  /** Cases that cannot hold, each with the reason. */
  readonly without?: {
    /** Where the other side learns of a cancelled stream late or never. */
    readonly cancel?: string;
    readonly largeBodies?: string;
  };
}

const NAME = "go.micro.srv.ticker";
const hello = defineEndpoint({
  service: NAME,
  name: "Ticker.Hello",
  input: z.object({ name: z.string() }),
  output: z.object({ msg: z.string() }),
});
const count = defineEndpoint({
  service: NAME,
  name: "Ticker.Count",
  input: z.object({ n: z.number().int() }),
  output: z.object({ i: z.number().int() }),
  stream: true,
});
const chat = defineEndpoint({
  service: NAME,
  name: "Ticker.Chat",
  input: z.object({ text: z.string() }),
  output: z.object({ text: z.string() }),
  stream: true,
});
const { greet } = (() => {
  const proto =
    parseProto(`syntax = "proto3"; message Request { string name = 1; int64 user_id = 2; } message Response { string msg = 1; int64 count = 2; }
    service Ticker { rpc Greet(Request) returns (Response); }`);
  const found = proto.endpoints("Ticker", NAME)["Greet"];
  if (found === undefined) throw new Error("no endpoint");
  return { greet: found };
})();

/** The definition of a client and a server: what holds between the two, however they are connected. */
export function rpcContract(name: string, { create, without = {} }: RpcSubject): void {
  describe(`a client and a server over ${name}:`, () => {
    let service: Service;
    let log: string[] = [];

    beforeAll(async () => {
      service = createService({
        name: NAME,
        registry: memoryRegistry()(),
        address: "127.0.0.1:0",
        drainMs: 500,
        ...(await create()),
      });
      const { server } = service;
      service.handle(hello, ({ name }) => ({ msg: `Hello ${name}` }));
      service.handle(greet, (input) => {
        const { name, user_id } = input as { name: string; user_id: bigint };
        return { msg: `Hello ${name}`, count: user_id };
      });
      server.handleRaw("Ticker.Echo", async (input, { header, deadlineAt }) => ({
        input,
        header: { user: header["x-user-id"], from: header["micro-from-service"], other: header["lower-key"] },
        leftMs: deadlineAt === undefined ? null : deadlineAt - Date.now(),
      }));
      server.handleRaw("Ticker.Fail", async (input) => {
        const { code, detail } = input as { code: "not_found"; detail: string };
        throw code ? new MicroError(code, detail) : new Error(detail);
      });
      server.handleRaw("Ticker.Slow", async (_input, { signal }) => {
        await wait(20_000, undefined, { signal }).catch(() => log.push("slow aborted"));
        return {};
      });
      service.handleStream(count, async (stream, { signal }) => {
        for await (const { n } of stream) {
          log.push(`asked ${n}`);
          if (n < 0) {
            await stream.send({ i: 0 });
            throw new MicroError("not_found", "nothing to count");
          }
          for (let i = 0; i < n && !signal.aborted; i++) await stream.send({ i });
          return;
        }
      });
      service.handleStream(chat, async (stream, { signal }) => {
        signal.addEventListener("abort", () => log.push("chat aborted"));
        for await (const { text } of stream) await stream.send({ text: text.toUpperCase() });
        log.push("chat ended");
      });
      await service.start();
    }, 120_000);
    afterAll(async () => service?.stop(), 60_000);
    beforeEach(() => {
      log = [];
    });
    const eventually = async (check: () => void): Promise<void> => {
      for (let left = 250; ; left--) {
        try {
          return check();
        } catch (error) {
          if (left === 0) throw error;
          await wait(20);
        }
      }
    };

    it("answers", async () => {
      expect(await service.client.call(hello, { name: "John" })).toEqual({ msg: "Hello John" });
      expect(await service.client.request(NAME, "Ticker.Hello", { name: "Zoë 💬" })).toEqual({ msg: "Hello Zoë 💬" });
    });

    it("answers in protobuf, without losing digits", async () => {
      const big = 9_007_199_254_740_993n;
      expect(await service.client.call(greet, { name: "John", user_id: big })).toEqual({
        msg: "Hello John",
        count: big,
      });
      expect(await service.client.call(greet, {})).toEqual({ msg: "Hello ", count: 0n });
      const json = { contentType: "application/json" };
      expect(await service.client.call(greet, { name: "Jo", user_id: big }, json)).toEqual({
        msg: "Hello Jo",
        count: big,
      });
    });

    it("carries metadata and the deadline, and nothing that belongs to the message", async () => {
      const options = {
        metadata: { "X-User-Id": "u1", "lower-key": "wört", "Micro-Error": "x", Timeout: "1" },
        timeoutMs: 4000,
      };
      const answer = (await service.client.request(NAME, "Ticker.Echo", { a: [1] }, options)) as Record<
        string,
        unknown
      >;
      expect(answer).toMatchObject({ input: { a: [1] }, header: { user: "u1", from: NAME, other: "wört" } });
      expect(answer["leftMs"]).toBeGreaterThan(1000);
      expect(answer["leftMs"]).toBeLessThanOrEqual(4010);
    });

    it.each(["invalid_argument", "unauthenticated", "permission_denied", "not_found", "conflict", "internal"] as const)(
      "tells a handler's error with its code: %s",
      async (code) => {
        const failing = service.client.request(NAME, "Ticker.Fail", { code, detail: "user jö not found" });
        await expect(failing).rejects.toMatchObject({ code, message: "user jö not found" });
        const { details } = (await failing.catch((error) => error)) as MicroError;
        expect(details["record"]).toMatchObject({ id: NAME, detail: "user jö not found" });
      },
    );

    it("tells an error that is only a text", async () => {
      await expect(service.client.request(NAME, "Ticker.Fail", { detail: "boom: plain text" })).rejects.toThrow(
        "boom: plain text",
      );
    });

    it("tells of an endpoint and of a service that are not there", async () => {
      await expect(service.client.request(NAME, "Ticker.Nothing", {})).rejects.toThrow(/Nothing/);
      await expect(service.client.request(NAME, "Nobody.Home", {})).rejects.toThrow(/Nobody/);
      await expect(service.client.request("nobody", "Ticker.Hello", {})).rejects.toMatchObject({ code: "not_found" });
    });

    it("gives up at the deadline and when it is cancelled", async () => {
      const options = { timeoutMs: 200, retries: 0 };
      await expect(service.client.request(NAME, "Ticker.Slow", {}, options)).rejects.toMatchObject({ code: "timeout" });
      const over = new AbortController();
      const calling = service.client.request(NAME, "Ticker.Slow", {}, { signal: over.signal });
      setTimeout(() => over.abort(), 50);
      await expect(calling).rejects.toMatchObject({ code: "cancelled" });
      // Still of use for others.
      expect(await service.client.call(hello, { name: "John" })).toEqual({ msg: "Hello John" });
    });

    it("answers Debug.Health and Debug.Stats unasked", async () => {
      expect(await service.client.request(NAME, "Debug.Health", {})).toEqual({ status: "ok" });
      expect(await service.client.request(NAME, "Debug.Stats", {})).toMatchObject({ threads: 1 });
    });

    it("keeps 500 calls at once apart", async () => {
      const names = Array.from({ length: 500 }, (_, i) => `n${i}`);
      const answers = await Promise.all(
        names.map((name) => service.client.call(hello, { name }, { timeoutMs: 30_000 })),
      );
      expect(answers.map(({ msg }) => msg)).toEqual(names.map((name) => `Hello ${name}`));
    }, 60_000);

    it.skipIf(without.largeBodies)(`carries a megabyte${because(without.largeBodies)}`, async () => {
      const large = "x".repeat(1 << 20);
      const answer = await service.client.request(NAME, "Ticker.Hello", { name: large }, { timeoutMs: 30_000 });
      expect((answer as { msg: string }).msg).toHaveLength(large.length + 6);
    });

    it("gives a stream's request to its handler once, and every answer in order", async () => {
      const stream = await service.client.open(count);
      await stream.send({ n: 1000 });
      const seen: number[] = [];
      for await (const { i } of stream) seen.push(i);
      expect(seen).toEqual(Array.from({ length: 1000 }, (_, i) => i));
      expect(log).toEqual(["asked 1000"]);
    });

    it("carries a stream both ways until the caller ends it", async () => {
      const stream = await service.client.open(chat);
      const answers = stream[Symbol.asyncIterator]();
      for (const text of ["one", "two", "three"]) {
        await stream.send({ text });
        expect(await answers.next()).toEqual({ done: false, value: { text: text.toUpperCase() } });
      }
      await stream.end();
      expect((await answers.next()).done).toBe(true);
      expect(log).toEqual(["chat ended"]);
      await expect(stream.send({ text: "more" })).rejects.toMatchObject({ code: "unavailable" });
    });

    it("throws the error of a stream's handler after what was sent before", async () => {
      const stream = await service.client.open(count);
      await stream.send({ n: -1 });
      const seen: unknown[] = [];
      const read = async () => {
        for await (const one of stream) seen.push(one);
      };
      await expect(read()).rejects.toMatchObject({ code: "not_found", message: "nothing to count" });
      expect(seen).toEqual([{ i: 0 }]);
    });

    it("ends a stream that its caller cancels, on both sides", async () => {
      const over = new AbortController();
      const stream = await service.client.stream(NAME, "Ticker.Chat", { signal: over.signal });
      await stream.send({ text: "x" });
      const read = (async () => {
        for await (const _ of stream) over.abort();
      })();
      await expect(read).rejects.toMatchObject({ code: "cancelled" });
      await expect(stream.send({ text: "y" })).rejects.toMatchObject({ code: "cancelled" });
      if (!without.cancel) await eventually(() => expect(log).toContain("chat ended"));
    });

    it("tells of a stream that is not there, and of a message that is not what the schema says", async () => {
      const read = async () => {
        const nowhere = await service.client.stream(NAME, "Ticker.Nothing");
        await nowhere.send({});
        for await (const _ of nowhere) throw new Error("there was an answer");
      };
      await expect(read()).rejects.toThrow(/Nothing/);
      const stream = await service.client.open(count);
      await expect(stream.send({ n: 0.5 })).rejects.toMatchObject({ code: "invalid_argument" });
      await stream.close();
    });

    it("loses nothing between a fast caller and its handler", async () => {
      const stream = await service.client.open(chat);
      const texts = Array.from({ length: 3000 }, (_, i) => `${i}`);
      const sending = (async () => {
        for (const text of texts) await stream.send({ text });
        await stream.end();
      })();
      const seen: string[] = [];
      for await (const { text } of stream) seen.push(text);
      await sending;
      expect(seen).toEqual(texts.map((text) => text.toUpperCase()));
    }, 60_000);

    it("ends its streams when the server stops, within its patience", async () => {
      const stream = await service.client.open(chat);
      await stream.send({ text: "x" });
      const answers = stream[Symbol.asyncIterator]();
      await answers.next();
      const next = answers.next().catch(() => {});
      await service.server.stop();
      if (!without.cancel) await next;
      expect(log).toContain("chat aborted");
    }, 30_000);
  });
}

function because(reason: string | undefined): string {
  return reason === undefined ? "" : ` (not here: ${reason})`;
}
