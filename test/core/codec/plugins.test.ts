import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bsonCodec } from "../../../src/core/codec/bson.ts";
import { jsonrpc2Codec } from "../../../src/core/codec/jsonrpc2.ts";
import { msgpackCodec } from "../../../src/core/codec/msgpack.ts";
import { checkMsgpack } from "../../../src/core/codec/msgpack-check.ts";
import { MicroError } from "../../../src/core/errors.ts";
import { memoryRegistry } from "../../../src/core/registry/memory.ts";
import { createService } from "../../../src/core/service.ts";
import { codecContract } from "../../contract/codec.contract.ts";

const messages = fc.dictionary(
  fc.stringMatching(/^[a-z]{1,8}$/).filter((key) => key !== "__proto__"),
  fc.oneof(
    fc.string(),
    fc.boolean(),
    fc.maxSafeInteger().map((n) => (Object.is(n, -0) ? 0 : n)),
    fc.bigInt({ min: 2n ** 53n, max: 2n ** 63n - 1n }),
    fc.array(fc.string(), { maxLength: 3 }),
  ),
);
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
const bytes = (text: string) => Buffer.from(text, "hex");

codecContract("bson", {
  codec: bsonCodec(),
  values: messages,
  bad: [bytes("00"), bytes("ff00000000"), bytes("0600000000")],
  unwritable: { f: () => 1, deep: deep(200) },
});
codecContract("msgpack", {
  codec: msgpackCodec(),
  values: messages,
  bad: [bytes("dd7fffffff"), bytes("c1"), bytes("a5")],
  unwritable: Symbol("s"),
});
codecContract("jsonrpc2", {
  codec: jsonrpc2Codec("application/json-rpc"),
  values: messages.map((value) => JSON.parse(JSON.stringify(value, (_k, v) => (typeof v === "bigint" ? 1 : v)))),
  bad: [bytes("7b")],
  unwritable: undefined,
});

function deep(levels: number): unknown {
  let value: unknown = 1;
  for (let i = 0; i < levels; i++) value = { value };
  return value;
}

describe("the bson-rpc plugin (wire.md §5.8)", () => {
  const { envelope, encode, decode } = bsonCodec();
  const vector =
    "3100000005536572766963654d6574686f64000d00000000477265657465722e48656c6c6f055365710001000000003000" +
    "14000000054e616d650004000000004a6f686e00";

  it("writes the bytes of Go's plugin", () => {
    expect(hex(envelope?.encodeRequest("Greeter.Hello", "0", encode({ Name: "John" })) ?? new Uint8Array())).toBe(
      vector,
    );
  });
  it("reads them, and an error's empty body", () => {
    const request = envelope?.decodeRequest(bytes(vector));
    expect(request).toMatchObject({ method: "Greeter.Hello", id: "0" });
    expect(decode(request?.payload ?? new Uint8Array())).toEqual({ Name: "John" });
    expect(envelope?.encodeResponse("", "0", { error: "boom", payload: new Uint8Array() })).toHaveLength(0);
  });
  it("refuses documents whose length lies", () => {
    for (const body of ["", "31000000", "ffffff7f00", "0000000000"]) {
      expect(() => envelope?.decodeRequest(bytes(body))).toThrow(MicroError);
    }
  });
});

describe("the msgpack-rpc plugin (wire.md §5.8)", () => {
  it("does not set room aside for what is only promised", () => {
    for (const bomb of ["dd7fffffff", "dd00ffffff".repeat(1000), "df7fffffff", "c6ffffffff", "91".repeat(100_000)]) {
      expect(() => checkMsgpack(bytes(bomb))).toThrow(MicroError);
    }
  });
  it("takes everything that its writer writes", () => {
    const { encode } = msgpackCodec();
    fc.assert(
      fc.property(fc.object({ maxDepth: 4 }), (value) =>
        checkMsgpack(encode(JSON.parse(JSON.stringify(value) ?? "{}"))),
      ),
      { seed: 23, numRuns: 300 },
    );
  });
});

describe("calls in a plugin's codec", () => {
  it.each([
    ["bson", bsonCodec()],
    ["msgpack", msgpackCodec()],
    ["jsonrpc2", jsonrpc2Codec()],
  ])("%s: answers, errors, streams", async (_name, codec) => {
    const service = createService({
      name: "greeter",
      registry: memoryRegistry()(),
      address: "127.0.0.1:0",
      codecs: [codec],
      client: { codecs: [codec] },
    });
    service.server.handleRaw("Say.Hello", async (input) => ({ msg: `Hello ${(input as { name: string }).name}` }));
    service.server.handleRaw("Say.Fail", async () => {
      throw new MicroError("not_found", "user jo not found");
    });
    service.server.handleRawStream("Say.Twice", async (stream) => {
      for await (const input of stream) {
        await stream.send(input);
        await stream.send(input);
        return;
      }
    });
    await service.start();
    const { contentType } = codec;
    try {
      const { client } = service;
      expect(await client.request("greeter", "Say.Hello", { name: "John" }, { contentType })).toEqual({
        msg: "Hello John",
      });
      await expect(client.request("greeter", "Say.Fail", {}, { contentType })).rejects.toMatchObject({
        code: "not_found",
        message: "user jo not found",
      });
      const stream = await client.stream("greeter", "Say.Twice", { contentType });
      await stream.send({ n: 1 });
      const seen: unknown[] = [];
      for await (const one of stream) seen.push(one);
      expect(seen).toEqual([{ n: 1 }, { n: 1 }]);
    } finally {
      await service.stop();
    }
  });
});
