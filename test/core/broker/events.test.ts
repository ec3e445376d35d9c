import { describe, expect, it } from "vitest";
import type { BrokerEvent } from "../../../src/core/broker/broker.ts";
import { publishEvent, readEvent } from "../../../src/core/broker/events.ts";
import { memoryBroker } from "../../../src/core/broker/memory.ts";
import type { Codec } from "../../../src/core/codec/codec.ts";
import { eventually, textOf } from "../../contract/broker.contract.ts";

const upper: Codec = {
  contentType: "application/protobuf",
  encode: (value) => Buffer.from(String(value).toUpperCase()),
  decode: (bytes) => `proto ${Buffer.from(bytes).toString()}`,
};
const event = (contentType: string | undefined, text: string): BrokerEvent => ({
  topic: "events",
  header: contentType === undefined ? {} : { "content-type": contentType },
  body: Buffer.from(text),
});

describe("events", () => {
  it("are published as a Go service does", async () => {
    const broker = memoryBroker()();
    await broker.start();
    const seen: BrokerEvent[] = [];
    await broker.subscribe("events", (each) => void seen.push(each));
    const metadata = {
      "X-User-Id": "u1",
      "Micro-From-Service": "go.micro.api",
      "Micro-Id": "old",
      "Micro-Topic": "other",
      "X-Micro-Endpoint": "Say.Hello",
      "content-length": "7",
      Timeout: "5",
      ":topic": "other",
    };
    await publishEvent(broker, "events", { name: "John" }, { metadata });
    await publishEvent(broker, "events", "john", { codec: upper, contentType: "application/proto-rpc" });
    await eventually(1000, () => expect(seen.length).toBe(2));
    const [first, second] = seen as [BrokerEvent, BrokerEvent];
    const { "micro-id": id, ...rest } = first.header;
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(rest).toEqual({
      "content-type": "application/json",
      "micro-topic": "events",
      "x-user-id": "u1",
      "micro-from-service": "go.micro.api",
    });
    expect(textOf(first)).toBe('{"name":"John"}\n');
    expect(readEvent(first)).toEqual({ name: "John" });
    expect(second.header["content-type"]).toBe("application/proto-rpc");
    expect(second.header["micro-id"]).not.toBe(id);
    expect(readEvent(second, [upper])).toBe("proto JOHN");
    await broker.stop();
  });

  it("are read by what they say of themselves", () => {
    expect(readEvent(event("application/json", '{"n":9007199254740993}\n'))).toEqual({ n: 9007199254740993n });
    expect(readEvent(event("application/json-rpc", '{"a":1}'))).toEqual({ a: 1 });
    expect(readEvent(event(undefined, "x"), [upper])).toBe("proto x");
    expect(Buffer.from(readEvent(event("application/octet-stream", "x")) as Uint8Array).toString()).toBe("x");
    expect(() => readEvent(event("application/msgpack", "x"))).toThrow(/events is application\/msgpack/);
    expect(() => readEvent(event("application/json", "{"))).toThrow(
      expect.objectContaining({ code: "invalid_argument" }),
    );
  });
});
