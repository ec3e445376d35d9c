import { afterEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { greeter, hello } from "../../examples/greeter.ts";
import { RawJson } from "../../src/core/codec/json.ts";
import { MicroError } from "../../src/core/errors.ts";
import { memoryRegistry } from "../../src/core/registry/memory.ts";
import type { Registry } from "../../src/core/registry/registry.ts";
import { createService, defineEndpoint, type Service } from "../../src/core/service.ts";
import { httpTransport } from "../../src/core/transport/http.ts";
import { memoryTransport } from "../../src/core/transport/memory.ts";

const open: Service[] = [];
afterEach(async () => {
  for (const service of open.splice(0)) await service.stop();
});

describe.each([
  ["http", () => httpTransport(), "127.0.0.1:0"],
  ["memory", () => memoryTransport(), ":0"],
])("a service over %s", (_kind, transportOf, address) => {
  async function pair(prepare: (service: Service) => void = () => {}) {
    const transport = transportOf();
    const registry: Registry = memoryRegistry()();
    await registry.start();
    const shared = { ...registry, start: async () => {}, stop: async () => {} };
    const service = greeter({ registry: shared, transport, address, drainMs: 500 });
    const caller = createService({ name: "caller", registry: shared, transport, address });
    prepare(service);
    open.push(caller, service);
    await service.start();
    return { service, client: caller.client, registry };
  }

  it("answers typed calls", async () => {
    const { client } = await pair();
    expect(await client.call(hello, { name: "John" })).toEqual({ msg: "Hello John" });
  });

  it("answers untyped calls, raw JSON to the letter", async () => {
    const { client } = await pair((service) => service.server.handleRaw("Say.Same", async (input) => input));
    expect(await client.request(hello.service, "Say.Hello", { name: "J" })).toEqual({ msg: "Hello J" });
    const big = new RawJson('{"n":9223372036854775807}');
    const answer = await client.request(hello.service, "Say.Same", big, { raw: true });
    expect((answer as RawJson).text).toBe(big.text);
  });

  it("is registered while it runs, with everything Go's clients look at", async () => {
    const { registry, service } = await pair();
    const [record] = await registry.get(hello.service);
    expect(record).toMatchObject({ name: hello.service, version: "1.0.0" });
    expect(record?.nodes[0]?.metadata).toMatchObject({ protocol: "mucp", server: "mucp", registry: "memory" });
    expect(record?.endpoints).toEqual([
      {
        name: "Say.Hello",
        request: { name: "HelloRequest", type: "HelloRequest", values: [{ name: "name", type: "string", values: [] }] },
        response: {
          name: "HelloResponse",
          type: "HelloResponse",
          values: [{ name: "msg", type: "string", values: [] }],
        },
        metadata: {},
      },
    ]);
    await service.stop();
    await expect(registry.get(hello.service)).rejects.toMatchObject({ code: "not_found" });
  });

  it("answers Debug.Health and Debug.Stats unasked", async () => {
    const { client } = await pair();
    expect(await client.request(hello.service, "Debug.Health", {})).toEqual({ status: "ok" });
    expect(await client.request(hello.service, "Debug.Stats", {})).toMatchObject({ threads: 1, errors: 0 });
  });

  it("carries errors as records, and plain ones as text", async () => {
    const { client } = await pair((service) => {
      service.server.handleRaw("Say.No", async () => {
        throw new MicroError("not_found", "user jo not found");
      });
      service.server.handleRaw("Say.Boom", async () => {
        throw new Error("boom: plain text");
      });
    });
    const ask = (endpoint: string, body: unknown = {}) => client.request(hello.service, endpoint, body);
    await expect(ask("Say.No")).rejects.toMatchObject({
      code: "not_found",
      details: { record: { id: hello.service, code: 404, detail: "user jo not found", status: "Not Found" } },
    });
    await expect(ask("Say.Boom")).rejects.toMatchObject({
      details: { record: { id: "", code: 0, detail: "boom: plain text" } },
    });
    await expect(ask("Say.Nope")).rejects.toThrow("rpc: can't find method Nope");
    await expect(ask("Foo.Bar")).rejects.toThrow("rpc: can't find service Foo");
    await expect(ask("Say.Hello", { name: 7 })).rejects.toMatchObject({ code: "invalid_argument" });
    await expect(client.request("nobody", "A.B", {})).rejects.toMatchObject({
      code: "not_found",
      details: { record: { id: "go.micro.client", code: 500, detail: "service nobody: not found" } },
    });
  });

  it("does not blame the caller for an answer that cannot be written", async () => {
    const { client } = await pair((service) => {
      service.server.handleRaw("Say.Odd", async () => () => {});
      service.server.handleRawStream("Say.Odds", async (stream) => stream.send(() => {}));
    });
    await expect(client.request(hello.service, "Say.Odd", {})).rejects.toMatchObject({
      code: "internal",
      message: "what Say.Odd answered cannot be sent: function cannot be written as JSON",
    });
    await using answers = await client.stream(hello.service, "Say.Odds");
    await expect(answers[Symbol.asyncIterator]().next()).rejects.toMatchObject({
      code: "internal",
      message: "what Say.Odds answered cannot be sent: function cannot be written as JSON",
    });
  });

  it("streams bytes", async () => {
    const { client } = await pair((service) =>
      service.server.handleRawStream("Say.Echo", async (stream) => {
        for await (const bytes of stream) await stream.send(bytes);
      }),
    );
    await using echo = await client.stream(hello.service, "Say.Echo", { contentType: "application/octet-stream" });
    await echo.send(Buffer.of(1, 2, 3));
    await echo.end();
    const heard: number[][] = [];
    for await (const bytes of echo) heard.push([...(bytes as Uint8Array)]);
    expect(heard).toEqual([[1, 2, 3]]);
  });

  it("passes metadata and the deadline on, and what belongs to one message stays behind", async () => {
    const seen: Record<string, string>[] = [];
    const { client } = await pair((service) =>
      service.server.handleRaw("Say.Who", async (_input, context) => {
        seen.push({ ...context.header, left: String((context.deadlineAt ?? 0) - Date.now()) });
        return {};
      }),
    );
    await client.request(
      hello.service,
      "Say.Who",
      {},
      {
        timeoutMs: 700,
        metadata: { "X-User-Id": "ü1", "Micro-Topic": "events", "Content-Type": "text/plain" },
      },
    );
    expect(seen[0]).toMatchObject({ "x-user-id": "ü1", "micro-from-service": "caller" });
    expect(seen[0]?.["micro-topic"]).toBeUndefined();
    expect(Number(seen[0]?.["left"])).toBeLessThanOrEqual(700);
    expect(Number(seen[0]?.["left"])).toBeGreaterThan(300);
  });

  it("gives up at the deadline and when it is told to, and goes on afterwards", async () => {
    const aborted: boolean[] = [];
    const { client } = await pair((service) =>
      service.server.handleRaw("Say.Slow", async (_input, { signal }) => {
        await new Promise<void>((resolve) => {
          setTimeout(resolve, 400);
          signal.addEventListener("abort", () => resolve());
        });
        aborted.push(signal.aborted);
        return {};
      }),
    );
    await expect(client.request(hello.service, "Say.Slow", {}, { timeoutMs: 40 })).rejects.toMatchObject({
      code: "timeout",
      details: { record: { id: "go.micro.client", code: 408, detail: "call timeout: context deadline exceeded" } },
    });
    const stop = new AbortController();
    const call = client.request(hello.service, "Say.Slow", {}, { signal: stop.signal });
    setTimeout(() => stop.abort(), 20);
    await expect(call).rejects.toMatchObject({ code: "cancelled" });
    expect(await client.call(hello, { name: "J" })).toEqual({ msg: "Hello J" });
    expect(aborted).toContain(true);
  });

  it("wraps handlers and calls, the first layer outermost", async () => {
    const order: string[] = [];
    const { client } = await pair((service) => {
      for (const name of ["a", "b"]) {
        service.server.use(async (call, next) => {
          order.push(`${name}>${call.endpoint}`);
          const answer = await next(call);
          order.push(`<${name}`);
          return answer;
        });
      }
    });
    client.use(async (call, next) => next({ ...call, body: { name: "Wrapped" } }));
    expect(await client.request(hello.service, "Say.Hello", {})).toEqual({ msg: "Hello Wrapped" });
    expect(order).toEqual(["a>Say.Hello", "b>Say.Hello", "<b", "<a"]);
  });

  it("finishes calls that run before it stops", async () => {
    const { client, service } = await pair((made) =>
      made.server.handleRaw("Say.Slow", async () => {
        await new Promise((resolve) => setTimeout(resolve, 100));
        return { done: true };
      }),
    );
    const call = client.request(hello.service, "Say.Slow", {});
    await new Promise((resolve) => setTimeout(resolve, 30));
    await service.stop();
    expect(await call).toEqual({ done: true });
  });

  it("runs many calls at once without mixing them", async () => {
    const { client } = await pair();
    const names = Array.from({ length: 200 }, (_, index) => `n${index}`);
    const answers = await Promise.all(names.map((name) => client.call(hello, { name })));
    expect(answers.map(({ msg }) => msg)).toEqual(names.map((name) => `Hello ${name}`));
  });
});

describe("handlers", () => {
  it("are refused a second time for one name, after the start, and without a proper name", async () => {
    const service = greeter({ registry: memoryRegistry()(), transport: memoryTransport() });
    open.push(service);
    expect(() => service.server.handleRaw("Say.Hello", async () => ({}))).toThrow("already");
    const bad = defineEndpoint({ ...hello, name: "Hello", input: z.object({}), output: z.object({}) });
    expect(() => service.handle(bad, () => ({}))).toThrow("Handler.Method");
    await service.start();
    expect(() => service.server.handleRaw("Say.Late", async () => ({}))).toThrow("before start");
  });
});
