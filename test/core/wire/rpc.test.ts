import { describe, expect, it } from "vitest";
import { MicroError } from "../../../src/core/errors.ts";
import { errorRecord, errorText, fromRecord, parseErrorText, toRecord } from "../../../src/core/wire/error.ts";
import { members } from "../../../src/core/wire/members.ts";
import { bodyKind, decodeRequest, decodeResponse, encodeRequest, encodeResponse } from "../../../src/core/wire/rpc.ts";

const hex = (text: string) => new Uint8Array(Buffer.from(text.replaceAll(" ", ""), "hex"));
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString("utf8");
const utf8 = (value: string) => new TextEncoder().encode(value);

describe("proto-rpc, the bytes of wire.md §5.4", () => {
  const payload = hex("0a044a6f686e100c");
  const request = hex("00000018 0a0d477265657465722e48656c6c6f 110500000000000000 00000008 0a044a6f686e100c");

  it("request", () => {
    expect(decodeRequest("proto-rpc", request)).toEqual({ method: "Greeter.Hello", id: "5", payload });
    expect(encodeRequest("proto-rpc", "Greeter.Hello", "5", payload)).toEqual(Buffer.from(request));
  });
  it("answer of v1.18", () => {
    const answer = hex("0000000d 0a00 110500000000000000 1a00 0000000e 0a0a48656c6c6f204a6f686e100c");
    expect(decodeResponse("proto-rpc", answer)).toEqual({ error: "", payload: hex("0a0a48656c6c6f204a6f686e100c") });
    const ours = encodeResponse("proto-rpc", "", "5", { error: "", payload: hex("0a0a48656c6c6f204a6f686e100c") });
    expect(ours).toEqual(Buffer.from(answer));
  });
  it("error of v1.18", () => {
    const answer = hex("0000001d 0a00 110000000000000000 1a10626f6f6d3a20706c61696e2074657874 00000000");
    expect(decodeResponse("proto-rpc", answer)).toMatchObject({ error: "boom: plain text" });
    expect(encodeResponse("proto-rpc", "", "0", { error: "boom: plain text", payload })).toEqual(Buffer.from(answer));
  });
  it("takes a header of no fields, as v2.4 sends", () => {
    expect(decodeResponse("proto-rpc", hex("00000000 00000002 0801"))).toEqual({ error: "", payload: hex("0801") });
  });
  it.each(["", "00", "0000000", "000000ff 00", "00000002 0a05 00000000", "00000001 ff 00000000", "ffffffff"])(
    "refuses %s",
    (bytes) => {
      try {
        decodeRequest("proto-rpc", hex(bytes.length % 2 ? `${bytes}0` : bytes));
      } catch (error) {
        expect(error).toMatchObject({ code: "invalid_argument" });
      }
    },
  );
});

describe("json-rpc (wire.md §5.3)", () => {
  it.each([
    ["a number, as in 2016", "7", "7"],
    ["a string, as from v0.20", '"7"', '"7"'],
    ["a large number", "9007199254740993", "9007199254740993"],
    ["none", undefined, "null"],
  ])("gives the id back as it came: %s", (_what, id, back) => {
    const body = `{"method":"Greeter.Hello","params":[{"name":"John","n":9223372036854775807}]${id ? `,"id":${id}` : ""}}\n`;
    const request = decodeRequest("json-rpc", utf8(body));
    expect(request.method).toBe("Greeter.Hello");
    expect(text(request.payload)).toBe('{"name":"John","n":9223372036854775807}');
    expect(text(encodeResponse("json-rpc", "", request.id, { error: "", payload: utf8('{"msg":1.0}\n') }))).toBe(
      `{"id":${back},"result":{"msg":1.0},"error":null}\n`,
    );
    expect(text(encodeResponse("json-rpc", "", request.id, { error: 'no "x"', payload: utf8("") }))).toBe(
      `{"id":${back},"result":{},"error":"no \\"x\\""}\n`,
    );
  });
  it("asks with a string id", () => {
    expect(text(encodeRequest("json-rpc", "A.B", "3", utf8('{"a":1}\n')))).toBe(
      '{"method":"A.B","params":[{"a":1}],"id":"3"}\n',
    );
  });
  it.each([
    ['{"id":0,"result":{"msg":"Hello John","count":12},"error":null}\n', "", '{"msg":"Hello John","count":12}'],
    ['{"id":"","result":null,"error":"{\\"id\\":\\"x\\"}"}\n', '{"id":"x"}', "null"],
    ['{"id":5,"result":{},"error":"EOS"}', "EOS", "{}"],
    ['{ "error" : null , "result" : [ "},{" , {"a":[]} ] }', "", '[ "},{" , {"a":[]} ]'],
  ])("reads %s", (body, error, payload) => {
    const answer = decodeResponse("json-rpc", utf8(body));
    expect([answer.error, text(answer.payload)]).toEqual([error, payload]);
  });
  it.each(["", "null", "[]", '{"id":', '{"a" 1}', "plain"])("refuses %j", (body) => {
    expect(() => decodeResponse("json-rpc", utf8(body))).toThrow(MicroError);
  });
});

describe("which envelope a content type has (wire.md §4.3)", () => {
  it.each([
    ["application/json", "bare", "json-rpc"],
    ["application/protobuf", "bare", "proto-rpc"],
    ["application/octet-stream", "bare", "proto-rpc"],
    ["application/json-rpc", "json-rpc", "json-rpc"],
    ["application/proto-rpc", "proto-rpc", "proto-rpc"],
  ])("%s: %s now, %s in 2016", (type, modern, legacy) => {
    expect(bodyKind(type, false)?.envelope).toBe(modern);
    expect(bodyKind(type, true)?.envelope).toBe(legacy);
  });
  it("is matched exactly", () => {
    expect(bodyKind("application/json; charset=utf-8", false)).toBeUndefined();
    expect(bodyKind("constructor", false)).toBeUndefined();
  });
});

describe("errors (wire.md §6)", () => {
  const record = errorRecord("go.micro.srv.greeter", 404, "user jo not found");
  const wire = '{"id":"go.micro.srv.greeter","code":404,"detail":"user jo not found","status":"Not Found"}';

  it("are written in Go's order and read again", () => {
    expect(errorText(record)).toBe(wire);
    expect(parseErrorText(wire)).toEqual(record);
  });
  it("are texts without a code when they are no record", () => {
    for (const plain of ["boom: plain text", "{not json", "", "[]", '"x"']) {
      expect(parseErrorText(plain)).toEqual({ id: "", code: 0, detail: plain, status: "" });
    }
    expect(parseErrorText('{"detail":7}')).toEqual({ id: "", code: 0, detail: "", status: "" });
  });
  it("become errors of ours and back", () => {
    const error = fromRecord(record);
    expect(error).toMatchObject({ code: "not_found", message: "user jo not found" });
    expect(toRecord(error)).toEqual(record);
    expect(toRecord(new MicroError("conflict", "twice"), "me")).toEqual({
      id: "me",
      code: 409,
      detail: "twice",
      status: "Conflict",
    });
    expect(fromRecord(errorRecord("x", 418, "teapot")).code).toBe("invalid_argument");
    expect(fromRecord(errorRecord("x", 502, "bad")).code).toBe("unavailable");
    expect(fromRecord(errorRecord("", 0, "plain")).code).toBe("internal");
  });
});

describe("members", () => {
  it("takes values out as they stand", () => {
    expect(members(' { "a" : 1.0 , "b":{"x":"}"} ,"c":[1,[2]],"\\u0064":"e\\"" } ')).toEqual(
      new Map([
        ["a", "1.0 "],
        ["b", '{"x":"}"}'],
        ["c", "[1,[2]]"],
        ["d", '"e\\""'],
      ]),
    );
  });
});
