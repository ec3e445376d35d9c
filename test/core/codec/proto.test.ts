import { describe, expect, it } from "vitest";
import { parseProto } from "../../../src/core/codec/proto.ts";
import { memoryRegistry } from "../../../src/core/registry/memory.ts";
import { createService } from "../../../src/core/service.ts";

const proto = parseProto(`
  syntax = "proto3";
  package go.micro.srv.greeter;
  service Greeter {
    rpc Hello(HelloRequest) returns (HelloResponse) {}
    rpc Count(HelloRequest) returns (stream HelloResponse) {}
  }
  enum Mood { CALM = 0; GLAD = 1; }
  message User { string home_town = 1; }
  message HelloRequest {
    string name = 1;
    int64 user_id = 2;
    Mood mood = 3;
    bytes photo = 4;
    User user = 5;
    repeated string tags = 6;
    map<string, int64> scores = 7;
  }
  message HelloResponse { string msg = 1; int64 count = 2; }
`);

describe("a proto file", () => {
  const request = proto.message("HelloRequest");
  const hex = (value: unknown) => Buffer.from(request.encode(value)).toString("hex");

  it("writes and reads the bytes of wire.md §5.2", () => {
    expect(hex({ name: "John", user_id: 12 })).toBe("0a044a6f686e100c");
    expect(request.decode(Buffer.from("0a044a6f686e100c", "hex"))).toMatchObject({ name: "John", user_id: 12n });
    expect(hex({})).toBe("");
  });

  it("keeps 64 bits, passes over unknown fields", () => {
    const big = 9_007_199_254_740_993n;
    expect(request.decode(request.encode({ user_id: big }))).toMatchObject({ user_id: big });
    expect(request.decode(Buffer.from("0a014ac03e07", "hex"))).toMatchObject({ name: "J" });
  });

  it("reads JSON in every spelling of Go's (wire.md §5.1, trap 9)", () => {
    const spellings = [
      { user_id: 9_007_199_254_740_993n, mood: 1, user: { home_town: "Oslo" } },
      { userId: "9007199254740993", mood: "GLAD", user: { homeTown: "Oslo" }, tags: null, nope: 1 },
    ];
    for (const given of spellings) {
      expect(request.fromJson(given)).toMatchObject({
        user_id: 9_007_199_254_740_993n,
        mood: 1,
        user: { home_town: "Oslo" },
      });
    }
  });

  it("writes JSON that every Go reader takes: proto names, digits, numbers, base64, no zeros", () => {
    expect(request.toJson({ user_id: 12n, mood: 1, photo: Buffer.from("hi"), name: "" })).toEqual({
      user_id: 12n,
      mood: 1,
      photo: "aGk=",
    });
  });

  it("refuses what is no such message", () => {
    expect(() => request.decode(Buffer.from("0a20", "hex"))).toThrow("not a HelloRequest");
    expect(() => request.fromJson([1])).toThrow("not a HelloRequest");
    expect(() => parseProto("message {")).toThrow("not a proto file");
    expect(() => proto.message("Nothing")).toThrow("no message Nothing");
  });

  it("serves and calls in every content type, and registers its fields", async () => {
    const endpoints = proto.endpoints("Greeter", "go.micro.srv.greeter");
    const hello = endpoints["Hello"];
    const count = endpoints["Count"];
    if (!hello || !count) throw new Error("no endpoints");
    const service = createService({ name: hello.service, registry: memoryRegistry()(), address: "127.0.0.1:0" });
    service.handle(hello, (input) => {
      const { name, user_id } = input as { name: string; user_id: bigint };
      return { msg: `Hello ${name}`, count: user_id };
    });
    service.handleStream(count, async (stream) => {
      for await (const input of stream) {
        for (let i = 0n; i < (input as { user_id: bigint }).user_id; i++) await stream.send({ msg: "x", count: i });
        return;
      }
    });
    await service.start();
    try {
      expect(
        service.server.record.endpoints.map(({ name, request, metadata }) => [name, request?.values.length, metadata]),
      ).toEqual([
        ["Greeter.Count", 0, { stream: "true" }],
        ["Greeter.Hello", 7, {}],
      ]);
      for (const contentType of [
        undefined,
        "application/protobuf",
        "application/json",
        "application/json-rpc",
        "application/proto-rpc",
      ]) {
        const options = contentType === undefined ? {} : { contentType };
        const answer = await service.client.call(hello, { name: "John", user_id: 12n }, options);
        expect(answer, contentType).toEqual({ msg: "Hello John", count: 12n });
        const stream = await service.client.open(count, options);
        await stream.send({ user_id: 2 });
        const seen: unknown[] = [];
        for await (const one of stream) seen.push(one);
        expect(seen).toEqual([
          { msg: "x", count: 0n },
          { msg: "x", count: 1n },
        ]);
      }
      // Who knows no types sends JSON and gets JSON.
      expect(await service.client.request(hello.service, hello.name, { name: "Jo" })).toMatchObject({
        msg: "Hello Jo",
      });
    } finally {
      await service.stop();
    }
  });
});
