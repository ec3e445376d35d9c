import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { parseProto } from "../../../src/core/codec/proto.ts";
import { ERROR_CODES, MicroError } from "../../../src/core/errors.ts";
import { errorRecord } from "../../../src/core/wire/error.ts";
import { readFields } from "../../../src/core/wire/fields.ts";
import {
  endpointOfPath,
  kindOf,
  pathOf,
  readKind,
  readTimeout,
  statedType,
  timeoutText,
} from "../../../src/core/wire/grpc.ts";
import { decodeFrame, encodeFrame } from "../../../src/core/wire/grpc-frame.ts";
import { MessageReader, writeMessage } from "../../../src/core/wire/grpc-messages.ts";
import { readMetadata, writeMetadata } from "../../../src/core/wire/grpc-metadata.ts";
import { decodeMessage, encodeMessage, readStatus, statusOfRecord } from "../../../src/core/wire/grpc-status.ts";

const hex = (text: string) => Buffer.from(text.replaceAll(" ", ""), "hex");

describe("gRPC's messages:", () => {
  const all = (reader: MessageReader) => {
    const found: string[] = [];
    for (let message = reader.next(); message; message = reader.next()) found.push(Buffer.from(message).toString());
    return found;
  };

  it("are written and read as captured (wire.md §7)", () => {
    expect(writeMessage(hex("0a044a6f686e100c")).toString("hex")).toBe("00000000080a044a6f686e100c");
    const reader = new MessageReader(1000);
    reader.push(hex("000000000c 0a0a48656c6c6f204a6f686e"));
    expect(Buffer.from(reader.next() as Uint8Array).toString("hex")).toBe("0a0a48656c6c6f204a6f686e");
    expect(reader.empty).toBe(true);
    expect(reader.next()).toBeUndefined();
  });

  it("are found whatever the borders of the chunks", () => {
    const texts = ["", "a", "bc", "x".repeat(300), "", "end"];
    const bytes = Buffer.concat(texts.map((text) => writeMessage(Buffer.from(text))));
    for (const size of [1, 2, 3, 5, 7, 64, 1000]) {
      const reader = new MessageReader(1000);
      const found: string[] = [];
      for (let at = 0; at < bytes.length; at += size) {
        reader.push(bytes.subarray(at, at + size));
        found.push(...all(reader));
      }
      expect(found).toEqual(texts);
      expect(reader.empty).toBe(true);
    }
  });

  it("may be compressed with gzip, which cannot make them larger than the limit", () => {
    const packed = (bytes: Buffer) => {
      const message = writeMessage(gzipSync(bytes));
      message[0] = 1;
      return message;
    };
    const reader = new MessageReader(1000);
    reader.encoding = "gzip";
    reader.push(packed(Buffer.from("hello")));
    expect(all(reader)).toEqual(["hello"]);
    reader.push(packed(Buffer.alloc(100_000)));
    expect(() => reader.next()).toThrow(expect.objectContaining({ code: "exhausted" }));
    reader.push(Buffer.concat([hex("01 00000003"), Buffer.from("bad")]));
    expect(() => reader.next()).toThrow(expect.objectContaining({ code: "internal" }));
    const unsaid = new MessageReader(1000);
    unsaid.push(packed(Buffer.from("hello")));
    expect(() => unsaid.next()).toThrow(expect.objectContaining({ code: "internal" }));
    const unknown = new MessageReader(1000);
    unknown.encoding = "snappy";
    unknown.push(packed(Buffer.from("hello")));
    expect(() => unknown.next()).toThrow(expect.objectContaining({ code: "unimplemented" }));
    const flag = new MessageReader(1000);
    flag.push(hex("07 00000000"));
    expect(() => flag.next()).toThrow(expect.objectContaining({ code: "internal" }));
  });

  it("are refused beyond the limit before they have come, and when a connection holds too much", () => {
    const reader = new MessageReader(1000);
    reader.push(hex("00 ffffffff"));
    expect(reader.ready).toBe(false);
    expect(() => reader.next()).toThrow(expect.objectContaining({ code: "exhausted" }));
    expect(() => writeMessage(Buffer.alloc(1001), 1000)).toThrow(expect.objectContaining({ code: "exhausted" }));

    const budget = { left: 100 };
    const one = new MessageReader(1000, budget);
    const other = new MessageReader(1000, budget);
    one.push(Buffer.concat([hex("00 000000c8"), Buffer.alloc(55)]));
    expect(() => other.push(Buffer.alloc(41))).toThrow(expect.objectContaining({ code: "exhausted" }));
    one.clear();
    other.push(writeMessage(Buffer.alloc(90)));
    other.next();
    expect(budget.left).toBe(100);
  });
});

describe("a path", () => {
  it.each([
    ["go.micro.srv.greeter", "Greeter.Hello", "/go.micro.srv.greeter.Greeter/Hello"],
    ["", "Greeter.Hello", "/Greeter/Hello"],
    ["x", "/pkg.Greeter/Hello", "/pkg.Greeter/Hello"],
    ["x", "Odd", "/Odd"],
    ["x", "a.b.c", "/a.b.c"],
    ["x", "Ä.\u0000b c", "/x.%C3%84/%00b%20c"],
  ])("of %s %s is %s", (service, endpoint, path) => expect(pathOf(service, endpoint)).toBe(path));

  it.each([
    ["/go.micro.srv.greeter.Greeter/Hello", "Greeter.Hello"],
    ["/Greeter/Hello", "Greeter.Hello"],
    ["/pkg.v1.Greeter/Hello", "Greeter.Hello"],
    ["/Hello", undefined],
    ["Greeter/Hello", undefined],
    ["//Hello", undefined],
    ["/a./Hello", undefined],
    ["/Greeter/", undefined],
    ["", undefined],
    [undefined, undefined],
  ])("%s asks for %s", (path, endpoint) => expect(endpointOfPath(path)).toBe(endpoint));
});

describe("content types:", () => {
  it.each([
    ["application/json", "application/grpc+json", "application/json", "application/json"],
    ["application/grpc+json", "application/grpc+json", "application/json", "application/json"],
    ["application/protobuf", "application/grpc+proto", "application/protobuf", "application/protobuf"],
    ["application/proto", "application/grpc+proto", "application/protobuf", "application/protobuf"],
    ["application/grpc", "application/grpc+proto", "application/protobuf", "application/protobuf"],
    ["application/octet-stream", "application/grpc+bytes", "application/octet-stream", "application/grpc+bytes"],
  ])("%s travels as %s", (ours, wire, payload, stated) => {
    const kind = kindOf(ours);
    expect(kind).toEqual({ wire, payload });
    expect(statedType(kind as NonNullable<typeof kind>)).toBe(stated);
    expect(readKind(wire)).toEqual({ wire, payload });
  });

  it("reads what is written otherwise, and knows what is none", () => {
    expect(readKind("application/grpc")?.payload).toBe("application/protobuf");
    expect(readKind("application/grpc+JSON; charset=utf-8")?.payload).toBe("application/json");
    for (const type of ["application/json", "application/grpcx", "text/plain", "", undefined]) {
      expect(readKind(type)).toBeUndefined();
    }
    expect(kindOf("text/plain")).toBeUndefined();
  });
});

it("reads and writes timeouts in every unit", () => {
  expect(readTimeout("994187u")).toBe(994_187_000);
  expect(["1H", "2M", "3S", "4m", "5u", "6n"].map(readTimeout)).toEqual([3.6e12, 1.2e11, 3e9, 4e6, 5e3, 6]);
  for (const bad of ["", "1", "1x", "-1S", "123456789S", "1.5S"]) expect(readTimeout(bad)).toBeUndefined();
  expect([1, 5000, 99_999_999].map(timeoutText)).toEqual(["1m", "5000m", "99999999m"]);
  expect(timeoutText(100_000_000)).toBe("100000S");
});

describe("how a call ends:", () => {
  it("an error's record travels as JSON, as captured (wire.md §7)", () => {
    const record = errorRecord("go.micro.srv.greeter", 404, "user jo not found");
    const text = '{"id":"go.micro.srv.greeter","code":404,"detail":"user jo not found","status":"Not Found"}';
    expect(statusOfRecord(record)).toEqual({ "grpc-status": "5", "grpc-message": text });
    const error = readStatus({ "grpc-status": "5", "grpc-message": text });
    expect(error).toMatchObject({ code: "not_found", message: "user jo not found", details: { record } });
  });

  it("each code has its status, both ways", () => {
    const codes = [200, 400, 401, 403, 404, 408, 409, 412, 500, 501, 503, 418, 0];
    const statuses = codes.map((code) => Number(statusOfRecord(errorRecord("x", code, "y"))["grpc-status"]));
    expect(statuses).toEqual([0, 3, 16, 7, 5, 4, 6, 9, 13, 12, 14, 2, 2]);
    for (const [code, { status }] of Object.entries(ERROR_CODES)) {
      const sent = statusOfRecord(errorRecord("x", status, "y"));
      expect(readStatus({ ...sent })).toMatchObject({ code });
    }
  });

  it("a bare text gets a record of the client's, with the code of the status", () => {
    expect(readStatus({ "grpc-status": "0" })).toBeUndefined();
    expect(readStatus({ "grpc-status": "2", "grpc-message": "boom: plain text" })).toMatchObject({
      code: "internal",
      message: "boom: plain text",
      details: { record: { id: "go.micro.client", code: 500 } },
    });
    expect(readStatus({ "grpc-status": "12", "grpc-message": "unknown service Greeter.Nope" })).toMatchObject({
      code: "unimplemented",
    });
    expect(readStatus({ "grpc-status": "nonsense" })).toMatchObject({ code: "internal" });
    expect(readStatus({ "grpc-status": "2", "grpc-message": '{"code":0}' })?.message).toBe('{"code":0}');
  });

  it("v2's details come first, and nonsense in them is passed over", () => {
    const proto = parseProto(`syntax = "proto3";
      message Status { int32 code = 1; string message = 2; repeated Any details = 3; }
      message Any { string type_url = 1; bytes value = 2; }
      message Error { string id = 1; int32 code = 2; string detail = 3; string status = 4; }`);
    const value = proto.message("Error").encode({ id: "greeter", code: 409, detail: "größer", status: "Conflict" });
    const any = { type_url: "type.googleapis.com/errors.Error", value };
    const bytes = proto.message("Status").encode({ code: 6, message: "x", details: [any] });
    const details = Buffer.from(bytes).toString("base64").replace(/=+$/, "");
    const headers = { "grpc-status": "6", "grpc-message": "x" };
    expect(readStatus({ ...headers, "grpc-status-details-bin": details })).toMatchObject({
      code: "conflict",
      message: "größer",
      details: { record: { id: "greeter", code: 409, detail: "größer", status: "Conflict" } },
    });
    for (const bad of ["////", "", "Gg==", details.slice(0, 20)]) {
      expect(readStatus({ ...headers, "grpc-status-details-bin": bad })?.message).toBe("x");
    }
  });

  it("its text is percent-encoded, and read even where it is not encoded well", () => {
    for (const text of ["plain", "100%", "größer 💬\n", "", "%41%"])
      expect(decodeMessage(encodeMessage(text))).toBe(text);
    expect(encodeMessage("größer 1%\n")).toBe("gr%C3%B6%C3%9Fer 1%25%0A");
    expect(decodeMessage("50% of %zz %C3%B6%F")).toBe("50% of %zz ö%F");
    expect(decodeMessage("%ff")).toBe("\ufffd");
    expect(decodeMessage(Buffer.from("raw ü").toString("latin1"))).toBe("raw ü");
  });

  it("a long detail is shortened to what a header may have", () => {
    const sent = statusOfRecord(errorRecord("x", 500, "€".repeat(100_000)));
    expect(sent["grpc-message"]?.length).toBeLessThanOrEqual(32 << 10);
    expect(readStatus({ ...sent })).toMatchObject({ code: "internal", message: expect.stringMatching(/^€+…$/) });
  });
});

describe("metadata", () => {
  it("travels in lower case without what belongs to the message, and cannot break a header", () => {
    const headers: Record<string, string> = {};
    writeMetadata(headers, {
      "X-User-Id": "u1",
      "Micro-Error": "x",
      Timeout: "1",
      "grpc-status": "0",
      ":path": "/x",
      Connection: "close",
      "bad name": "x",
      "bad\u0000name": "x",
      "x-split": "a\u0000b\r\ngrpc-status: 0",
      "x-word": "wört",
      "trace-bin": "über",
    });
    expect(headers).toEqual({
      "x-user-id": "u1",
      "x-split": "a b  grpc-status: 0",
      "x-word": Buffer.from("wört").toString("latin1"),
      "trace-bin": Buffer.from("über").toString("base64"),
    });
    expect(
      readMetadata({ ...headers, ":path": "/x", ":authority": "a:1", te: "trailers", "grpc-timeout": "1S" }),
    ).toEqual({
      ":authority": "a:1",
      "x-user-id": "u1",
      "x-split": "a b  grpc-status: 0",
      "x-word": "wört",
      "trace-bin": "über",
    });
    expect(readMetadata({ a: ["1", "2"], b: Buffer.from([0xff]).toString("latin1") })).toEqual({
      a: "1, 2",
      b: "\ufffd",
    });
  });
});

describe("a frame of the gRPC transport", () => {
  it("is the message of wire.md §3.5", () => {
    const { message } = parseProto(
      `syntax = "proto3"; message Message { map<string,string> header = 1; bytes body = 2; }`,
    );
    const header = { "micro-id": "7", "x-user": "über €", "micro-error": "x".repeat(40_000) };
    for (const body of [Buffer.alloc(0), Buffer.from("small"), Buffer.alloc(100_000, "y")]) {
      const bytes = encodeFrame({ header, body });
      expect(message("Message").decode(bytes)).toMatchObject({
        header: { "Micro-Id": "7", "X-User": "über €", "Micro-Error": header["micro-error"] },
      });
      const found = decodeFrame(bytes);
      expect(found.header).toEqual(header);
      expect(Buffer.from(found.body).equals(body)).toBe(true);
    }
    expect(decodeFrame(Buffer.alloc(0))).toEqual({ header: {}, body: new Uint8Array(0) });
  });

  it("is refused when it ends too early or is no message, and unknown fields are passed over", () => {
    const bytes = encodeFrame({ header: { a: "b" }, body: Buffer.from("body") });
    for (let length = 1; length < bytes.length; length++) {
      try {
        decodeFrame(bytes.subarray(0, length));
      } catch (error) {
        expect(error).toBeInstanceOf(MicroError);
      }
    }
    for (const bad of ["0aff", "0affffffffffffffffff7f", "07", "03", "00", "ffffffffffffffffffffff", "09 00"]) {
      expect(() => decodeFrame(hex(bad))).toThrow(MicroError);
    }
    expect(decodeFrame(hex("18 96 01 21 0000000000000000 2d 00000000 12 01 41")).body).toHaveLength(1);
    expect(readFields(hex("08 ffffffff0f"))).toMatchObject([{ number: 1, value: 0xffffffff }]);
  });
});
