import { afterEach, describe, expect, it } from "vitest";
import { createAlarms, type Sleeper } from "../../../src/core/client/alarms.ts";
import type { Client } from "../../../src/core/client/client.ts";
import { rpcClient } from "../../../src/core/client/rpc.ts";
import { memoryRegistry } from "../../../src/core/registry/memory.ts";
import type { ServiceNode } from "../../../src/core/registry/registry.ts";
import { rpcServer } from "../../../src/core/server/rpc.ts";
import { httpTransport } from "../../../src/core/transport/http.ts";
import type { Connection, Frame, Transport } from "../../../src/core/transport/transport.ts";
import { MULTIPLEX } from "../../../src/core/wire/rpc.ts";

const cleanUp: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of cleanUp.splice(0).reverse()) await end();
});

/** HTTP, and the connections that were dialled through it. */
function counting(): Transport & { readonly dialled: Connection[]; open(): number } {
  const transport = httpTransport();
  const dialled: Connection[] = [];
  const closed = new Set<Connection>();
  return {
    ...transport,
    dialled,
    open: () => dialled.length - closed.size,
    dial: async (address, options) => {
      const connection = await transport.dial(address, options);
      const counted: Connection = {
        ...connection,
        [Symbol.asyncIterator]: connection[Symbol.asyncIterator],
        receive: (onFrame, onEnd) =>
          connection.receive(onFrame, (error) => {
            closed.add(counted);
            onEnd(error);
          }),
      };
      dialled.push(counted);
      return counted;
    },
  };
}

const selector = {
  select: () => {
    throw new Error("calls here name their node");
  },
  mark: () => {},
};

function clientOver(transport: Transport): Client {
  const client = rpcClient()({ transport, selector });
  cleanUp.push(() => client.close());
  return client;
}

/** One of our servers, with a handler that answers when it is let. */
async function server() {
  const waiting: { readonly name: string; readonly signal: AbortSignal; answer(): void }[] = [];
  const made = rpcServer({ name: "svc", address: "127.0.0.1:0", drainMs: 100 })({
    transport: httpTransport(),
    registry: memoryRegistry()(),
  });
  made.handleRaw("Say.Now", async (input) => input);
  made.handleRaw(
    "Say.Later",
    (input, { signal }) =>
      new Promise((resolve) => {
        waiting.push({ name: (input as { name: string }).name, signal, answer: () => resolve(input) });
      }),
  );
  await made.start();
  cleanUp.push(() => made.stop());
  return { waiting, node: made.record.nodes[0] as ServiceNode };
}

/** A server of somebody else: answers as it is told. */
async function foreign(answer: (frame: Frame, connection: Connection) => void, metadata: Record<string, string>) {
  const listener = await httpTransport().listen(
    "127.0.0.1:0",
    (connection) =>
      new Promise((resolve) =>
        connection.receive(
          (frame) => answer(frame, connection),
          () => resolve(),
        ),
      ),
  );
  cleanUp.push(() => listener.close());
  return { id: "n", address: listener.address, metadata: { protocol: "mucp", ...metadata } };
}

const until = async (met: () => boolean) => {
  for (let turn = 0; turn < 500 && !met(); turn++) await new Promise((resolve) => setTimeout(resolve, 4));
  expect(met()).toBe(true);
};

describe("calls to a node that answers by id", () => {
  it("share two connections, and find their answers in any order", async () => {
    const { waiting, node } = await server();
    const transport = counting();
    const client = clientOver(transport);
    const names = Array.from({ length: 50 }, (_, index) => `n${index}`);
    const calls = names.map((name) => client.request("svc", "Say.Later", { name }, { node }));
    await until(() => waiting.length === 50);
    expect(await client.request("svc", "Say.Now", { name: "quick" }, { node })).toEqual({ name: "quick" });
    for (const { answer } of waiting.reverse()) answer();
    expect(await Promise.all(calls)).toEqual(names.map((name) => ({ name })));
    expect(transport.dialled.length).toBe(2);
  });

  it("keep a connection after an error of the service", async () => {
    const { node } = await server();
    const transport = counting();
    const client = clientOver(transport);
    await expect(client.request("svc", "Say.Nothing", {}, { node })).rejects.toThrow("can't find method");
    expect(await client.request("svc", "Say.Now", { a: 1 }, { node })).toEqual({ a: 1 });
    expect(transport.dialled.length).toBe(1);
  });

  it("have a connection of their own when they may be cancelled, which tells the server", async () => {
    const { waiting, node } = await server();
    const transport = counting();
    const client = clientOver(transport);
    const stays = client.request("svc", "Say.Later", { name: "stays" }, { node });
    const stop = new AbortController();
    const goes = client.request("svc", "Say.Later", { name: "goes" }, { node, signal: stop.signal });
    await until(() => waiting.length === 2);
    stop.abort();
    await expect(goes).rejects.toMatchObject({ code: "cancelled" });
    await until(() => waiting.find(({ name }) => name === "goes")?.signal.aborted === true);
    const other = waiting.find(({ name }) => name === "stays");
    expect(other?.signal.aborted).toBe(false);
    other?.answer();
    expect(await stays).toEqual({ name: "stays" });
  });

  it("leave a connection on which one timed out, and close it after the last", async () => {
    const { waiting, node } = await server();
    const transport = counting();
    const client = clientOver(transport);
    const slow = client.request("svc", "Say.Later", { name: "slow" }, { node });
    await expect(
      client.request("svc", "Say.Later", { name: "lost" }, { node, timeoutMs: 30, retries: 0 }),
    ).rejects.toMatchObject({ code: "timeout" });
    expect(await client.request("svc", "Say.Now", {}, { node })).toEqual({});
    expect(transport.dialled.length).toBe(2);
    expect(transport.open()).toBe(2);
    for (const { answer } of waiting) answer();
    expect(await slow).toEqual({ name: "slow" });
    await until(() => transport.open() === 1);
  });

  it("fail together when the connection breaks, and none of many is taken for not begun", async () => {
    let asked = 0;
    const node = await foreign((_frame, connection) => {
      asked++;
      if (asked === 4) void connection.close();
    }, MULTIPLEX);
    const client = clientOver(httpTransport());
    const calls = [1, 2, 3, 4].map((n) => client.request("svc", "A.B", { n }, { node, retries: 3, timeoutMs: 300 }));
    const codes = await Promise.all(calls.map((call) => call.catch((error) => error.code)));
    // Two were on the connection that broke, two on the other, which says nothing.
    expect(codes.sort()).toEqual(["timeout", "timeout", "unavailable", "unavailable"]);
    expect(asked).toBe(4);
  });

  it("do not go on with a server that breaks its promise", async () => {
    const node = await foreign((_frame, connection) => {
      void connection.send({ header: { "content-type": "application/json" }, body: Buffer.from("{}\n") });
    }, MULTIPLEX);
    const transport = counting();
    const client = clientOver(transport);
    await expect(client.request("svc", "A.B", {}, { node, retries: 0 })).rejects.toMatchObject({ code: "unavailable" });
    await until(() => transport.open() === 0);
  });
});

it("a node that promises nothing gets one call at a time on a connection", async () => {
  const answers: (() => void)[] = [];
  const node = await foreign((frame, connection) => {
    // What a server of Go gives back is not always the id of the question (`wire.md §3.1`).
    const header = { "content-type": "application/json", "micro-id": "7" };
    answers.push(() => void connection.send({ header, body: frame.body }));
  }, {});
  const transport = counting();
  const client = clientOver(transport);
  const calls = [1, 2, 3, 4, 5].map((n) => client.request("svc", "A.B", { n }, { node }));
  await until(() => answers.length === 5);
  for (const answer of answers.splice(0).reverse()) answer();
  expect(await Promise.all(calls)).toEqual([1, 2, 3, 4, 5].map((n) => ({ n })));
  expect(transport.dialled.length).toBe(5);
  const again = client.request("svc", "A.B", { n: 6 }, { node });
  await until(() => answers.length === 1);
  answers[0]?.();
  expect(await again).toEqual({ n: 6 });
  expect(transport.dialled.length).toBe(5);
});

describe("alarms", () => {
  const sleeper = (ms: number, expire: () => void): Sleeper => ({
    endsAt: performance.now() + ms,
    before: undefined,
    after: undefined,
    expire,
  });

  it("wake those whose time is over, in order, and not those that have left", async () => {
    const alarms = createAlarms();
    const woken: string[] = [];
    const [a, b, c, d] = ["a", "b", "c", "d"].map((name) => sleeper(20, () => woken.push(name))) as [
      Sleeper,
      Sleeper,
      Sleeper,
      Sleeper,
    ];
    for (const one of [a, b, c, d]) alarms.add(20, one);
    alarms.remove(20, b);
    alarms.remove(20, b);
    alarms.remove(20, d);
    await until(() => woken.length === 2);
    expect(woken).toEqual(["a", "c"]);
    alarms.add(20, b);
    await until(() => woken.length === 3);
    expect(woken).toEqual(["a", "c", "b"]);
    alarms.close();
  });

  it("wake nobody once closed", async () => {
    const alarms = createAlarms();
    let woken = false;
    alarms.add(
      10,
      sleeper(10, () => {
        woken = true;
      }),
    );
    alarms.close();
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(woken).toBe(false);
  });
});
