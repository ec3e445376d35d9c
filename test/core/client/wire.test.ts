import { afterEach, describe, expect, it } from "vitest";
import { rpcClient } from "../../../src/core/client/rpc.ts";
import { MicroError } from "../../../src/core/errors.ts";
import { memoryRegistry } from "../../../src/core/registry/memory.ts";
import type { ServiceNode } from "../../../src/core/registry/registry.ts";
import { defaultSelector } from "../../../src/core/selector/default.ts";
import { roundRobin } from "../../../src/core/selector/strategies.ts";
import { httpTransport } from "../../../src/core/transport/http.ts";
import type { Transport } from "../../../src/core/transport/transport.ts";
import { answer, type RawPeer, rawPeer } from "../../fakes/raw-peer.ts";

/* How the client speaks to servers of every kind, and what it makes of what they do (wire.md §3.1, §4, §10, §11). */

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function peer(behave: Parameters<typeof rawPeer>[0]): Promise<RawPeer> {
  const made = await rawPeer(behave);
  closing.push(() => made.close());
  return made;
}

/** A client that knows the peers as nodes of `svc`. */
async function clientOf(peers: readonly RawPeer[], metadata: Record<string, string> = { protocol: "mucp" }) {
  const nodes = peers.map(({ address }, index): ServiceNode => ({ id: `svc-${index}`, address, metadata }));
  const registry = memoryRegistry({
    services: nodes.length > 0 ? [{ name: "svc", version: "1", metadata: {}, endpoints: [], nodes }] : [],
  })();
  await registry.start();
  const selector = defaultSelector({ strategy: () => (all) => all[0] as ServiceNode })({ registry });
  const client = rpcClient({ timeoutMs: 1000 })({ transport: httpTransport(), selector });
  closing.push(async () => {
    await client.close();
    await registry.stop();
  });
  return client;
}
const bodyOf = (peer: RawPeer, at = 0) => Buffer.from(peer.questions[at]?.frame.body ?? []).toString("utf8");

describe("what is asked", () => {
  it("of a node with a protocol: the bare body and both spellings of the headers", async () => {
    const go = await peer((socket) => socket.write(answer('{"msg":"hi"}\n')));
    const client = await clientOf([go]);
    expect(await client.request("svc", "Say.Hello", { name: "J" }, { timeoutMs: 700 })).toEqual({ msg: "hi" });
    const { startLine, frame } = go.questions[0] as RawPeer["questions"][0];
    expect(startLine).toBe("POST / HTTP/1.1");
    expect(frame.header).toMatchObject({
      "content-type": "application/json",
      accept: "application/json",
      "micro-service": "svc",
      "micro-endpoint": "Say.Hello",
      "micro-method": "Say.Hello",
      "x-micro-service": "svc",
      "x-micro-endpoint": "Say.Hello",
    });
    expect(Number(frame.header["timeout"])).toBeGreaterThan(600e6);
    expect(Number(frame.header["timeout"])).toBeLessThanOrEqual(700e6);
    expect(bodyOf(go)).toBe('{"name":"J"}\n');
  });

  it("of a node without one: the envelope of 2016, with the headers", async () => {
    const old = await peer((socket) => socket.write(answer('{"id":0,"result":{"msg":"hi"},"error":null}\n')));
    const client = await clientOf([old], { server: "rpc" });
    expect(await client.request("svc", "Say.Hello", { name: "J" })).toEqual({ msg: "hi" });
    expect(old.questions[0]?.frame.header).toMatchObject({
      "content-type": "application/json-rpc",
      accept: "application/json",
      "micro-endpoint": "Say.Hello",
    });
    expect(JSON.parse(bodyOf(old))).toMatchObject({ method: "Say.Hello", params: [{ name: "J" }] });
  });

  it("never with the same id twice, one call at a time on a connection of a server that promises nothing", async () => {
    const go = await peer((socket) => setTimeout(() => socket.write(answer("{}\n")), 20));
    const client = await clientOf([go]);
    await Promise.all(Array.from({ length: 5 }, () => client.request("svc", "A.B", {})));
    await client.request("svc", "A.B", {});
    expect(new Set(go.questions.map(({ frame }) => frame.header["micro-id"])).size).toBe(6);
    expect(go.connections).toBe(5);
  });
});

describe("what cannot be asked", () => {
  it("because its network does not carry it, is no sign of a node that is away", async () => {
    const tooLarge = new MicroError("invalid_argument", "a message of 2 bytes is too large");
    const dialled: string[] = [];
    const transport = {
      kind: "narrow",
      dial: async (address: string) => {
        dialled.push(address);
        return { remote: address, receive: () => {}, send: () => Promise.reject(tooLarge), close: async () => {} };
      },
    } as unknown as Transport;
    const marks: string[] = [];
    const node = (id: string): ServiceNode => ({ id, address: id, metadata: { protocol: "mucp" } });
    const selector = {
      select: () => node(`n${dialled.length}`),
      mark: (_service: string, { id }: ServiceNode, outcome: string) => void marks.push(`${id} ${outcome}`),
    };
    const client = rpcClient()({ transport, selector });
    closing.push(() => client.close());
    await expect(client.request("svc", "A.B", {})).rejects.toMatchObject({
      code: "invalid_argument",
      message: tooLarge.message,
    });
    expect(dialled).toEqual(["n0"]);
    expect(marks).toEqual([]);
  });
});

describe("what is answered", () => {
  it.each([
    [
      "Micro-Error",
      { "Micro-Error": '{"id":"svc","code":404,"detail":"no jo","status":"Not Found"}' },
      "",
      "not_found",
      "no jo",
    ],
    ["X-Micro-Error alone", { "X-Micro-Error": "boom" }, "", "internal", "boom"],
    ["an error beside a body", { "Micro-Error": "boom" }, '{"msg":"ignored"}', "internal", "boom"],
    [
      "an error in UTF-8",
      { "Micro-Error": Buffer.from("weg über", "utf8").toString("latin1") },
      "",
      "internal",
      "weg über",
    ],
  ])("%s is an error", async (_what, header, body, code, message) => {
    const go = await peer((socket) => socket.write(answer(body, header), "latin1"));
    const client = await clientOf([go]);
    await expect(client.request("svc", "A.B", {})).rejects.toMatchObject({ code, message });
    expect(go.questions).toHaveLength(1);
  });

  it("echoed headers mean nothing (trap 2)", async () => {
    const go = await peer((socket) =>
      socket.write(
        answer('{"a":1}\n', { "Micro-Id": "999", "Micro-Stream": "1", Timeout: "1", "Micro-Service": "other" }),
      ),
    );
    expect(await (await clientOf([go])).request("svc", "A.B", {})).toEqual({ a: 1 });
  });

  it.each([
    ["another status", answer("moved", {}, "302 Found"), "302 Found: moved"],
    ["what is no HTTP", "hello\r\n\r\n", "answered"],
    ["what is no JSON", answer("<html>"), "not JSON"],
    ["nothing", answer(""), "not JSON"],
  ])("%s is a clear error", async (_what, bytes, words) => {
    const go = await peer((socket) => socket.write(bytes));
    await expect((await clientOf([go])).request("svc", "A.B", {})).rejects.toThrow(words);
  });

  it("a second answer is never given to the next call", async () => {
    const go = await peer((socket, _question, number) => {
      socket.write(answer(`{"n":${number}}\n`));
      if (number === 0) socket.write(answer('{"n":"stray"}\n'));
    });
    const client = await clientOf([go]);
    expect(await client.request("svc", "A.B", {})).toEqual({ n: 0 });
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(await client.request("svc", "A.B", {})).toEqual({ n: 0 });
    expect(go.connections).toBe(2);
  });

  it("an answer in pieces, in chunks, and a closed connection after it are all fine", async () => {
    const go = await peer((socket) => {
      const text = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n{"a\r\n4\r\n":1}\r\n0\r\n\r\n';
      for (const [index, char] of [...text].entries()) setTimeout(() => socket.write(char), index);
      setTimeout(() => socket.end(), text.length + 5);
    });
    const client = await clientOf([go]);
    expect(await client.request("svc", "A.B", {})).toEqual({ a: 1 });
    await new Promise((resolve) => setTimeout(resolve, 40));
    expect(await client.request("svc", "A.B", {})).toEqual({ a: 1 });
  });
});

describe("what is tried again", () => {
  const ok = (socket: { write(text: string): void }) => socket.write(answer('{"ok":true}\n'));

  it("another node, when one cannot be reached", async () => {
    const gone = await peer(() => {});
    const here = await peer(ok);
    await gone.close();
    const client = await clientOf([gone, here]);
    expect(await client.request("svc", "A.B", {})).toEqual({ ok: true });
    expect(await client.request("svc", "A.B", {}, { retries: 0 })).toEqual({ ok: true });
  });

  it("a question to a kept connection that was closed before it was asked, and not one that may have been read", async () => {
    const go = await peer((socket, _question, number) => {
      if (number === 0) ok(socket);
      else socket.destroy();
    });
    const client = await clientOf([go]);
    await client.request("svc", "A.B", {});
    await expect(client.request("svc", "Pay.Now", {})).rejects.toMatchObject({ code: "unavailable" });
    expect(go.questions.filter(({ frame }) => frame.header["micro-endpoint"] === "Pay.Now")).toHaveLength(1);
    await client.request("svc", "A.B", {});
    expect(await client.request("svc", "Get.It", {}, { idempotent: false, retries: 0 }).catch(() => "gone")).toBe(
      "gone",
    );
  });

  it("nothing that the server may have begun", async () => {
    const go = await peer((socket) => socket.destroy());
    const client = await clientOf([go]);
    await expect(client.request("svc", "A.B", {})).rejects.toMatchObject({
      code: "unavailable",
      details: { record: { id: "go.micro.client.transport", code: 500 } },
    });
    expect(go.questions).toHaveLength(1);
  });

  it.each([
    [500, true, 2],
    [408, true, 2],
    [500, false, 1],
    [404, true, 1],
    [0, true, 1],
  ])("a record with code %i, idempotent %s: asked %i times", async (code, idempotent, times) => {
    const error = code === 0 ? "plain" : JSON.stringify({ id: "svc", code, detail: "x", status: "" });
    const go = await peer((socket) => socket.write(answer("", { "Micro-Error": error })));
    await expect((await clientOf([go])).request("svc", "A.B", {}, { idempotent })).rejects.toThrow();
    expect(go.questions).toHaveLength(times);
  });

  it("never beyond the deadline, which covers all attempts", async () => {
    const silent = await peer(() => {});
    const client = await clientOf([silent]);
    const began = performance.now();
    await expect(
      client.request("svc", "A.B", {}, { timeoutMs: 80, idempotent: true, retries: 5 }),
    ).rejects.toMatchObject({
      code: "timeout",
      details: { record: { id: "go.micro.client", code: 408, detail: "call timeout: context deadline exceeded" } },
    });
    expect(performance.now() - began).toBeLessThan(1000);
    expect(silent.questions).toHaveLength(1);
  });
});

describe("who cannot be called", () => {
  it("is told in the words of Go's client (wire.md §6)", async () => {
    const client = await clientOf([]);
    await expect(client.request("nobody", "A.B", {})).rejects.toMatchObject({
      details: { record: { id: "go.micro.client", code: 500, detail: "service nobody: not found" } },
    });
    await expect(client.request("x", "A.B", {}, { address: "127.0.0.1:1" })).rejects.toMatchObject({
      code: "unavailable",
      details: { record: { detail: expect.stringMatching(/^connection error: dial tcp 127\.0\.0\.1:1: /) } },
    });
    await expect(
      client.request("x", "A.B", {}, { contentType: "text/x", address: "127.0.0.1:1" }),
    ).rejects.toMatchObject({
      details: { record: { detail: "Unsupported Content-Type: text/x" } },
    });
    await expect(client.request("x", "A.B", {}, { address: "nonsense" })).rejects.toThrow("write host:port");
  });
});

describe("a node that swallows connections", () => {
  it("is avoided after the first call that waited for it in vain", async () => {
    const well = await peer((socket) => socket.write(answer("{}\n")));
    const metadata = { protocol: "mucp" };
    const nodes = ["10.255.255.1:1", well.address].map((address) => ({ id: address, address, metadata }));
    const registry = memoryRegistry({
      services: [{ name: "svc", version: "1", metadata: {}, endpoints: [], nodes }],
    })();
    await registry.start();
    const real = httpTransport();
    const transport: Transport = {
      ...real,
      dial: (address, options) =>
        address === well.address
          ? real.dial(address, options)
          : new Promise((_resolve, reject) => {
              const cancelled = () => reject(new MicroError("cancelled", "cancelled"));
              options?.signal?.addEventListener("abort", cancelled, { once: true });
            }),
    };
    const selector = defaultSelector({ strategy: roundRobin })({ registry });
    const client = rpcClient()({ transport, selector });
    closing.push(async () => {
      await client.close();
      await registry.stop();
    });
    const outcomes: string[] = [];
    for (let call = 0; call < 8; call++) {
      const asked = client.request("svc", "A.B", {}, { timeoutMs: 300 });
      outcomes.push(await asked.then(() => "ok").catch((error) => error.code));
    }
    expect(outcomes.filter((outcome) => outcome !== "ok")).toEqual(["timeout"]);
  });
});
