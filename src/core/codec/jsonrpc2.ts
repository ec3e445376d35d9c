import { MicroError } from "../errors.ts";
import { members } from "../wire/members.ts";
import type { Codec, EnvelopeFormat } from "./codec.ts";
import { jsonCodec } from "./json.ts";

/**
 * Go's `jsonrpc2` plugin (`wire.md §5.8`): JSON-RPC 2.0, whose `params` are the message itself, not a list.
 * @param contentType the application chooses it
 */
export function jsonrpc2Codec(contentType = "application/json-rpc2"): Codec {
  return { contentType, encode: jsonCodec.encode, decode: jsonCodec.decode, envelope: ENVELOPE };
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** JSON-RPC 2.0 §5.1: the method is not there; go-micro's own errors are -32000. */
const CODES = { unknown: -32601, failed: -32000 };

const ENVELOPE: EnvelopeFormat = {
  encodeRequest: (method, id, payload) =>
    encoder.encode(
      `{"jsonrpc":"2.0","method":${JSON.stringify(method)},"params":${text(payload)},"id":${JSON.stringify(id)}}\n`,
    ),
  decodeRequest: (body) => {
    const found = read(body, "request");
    return {
      method: unquoted(found.get("method")),
      id: found.get("id")?.trim() ?? "null",
      payload: encoder.encode(found.get("params") ?? "{}"),
    };
  },
  encodeResponse: (_method, id, { error, payload }) => {
    const code = /^rpc: (can't find|service)/.test(error) ? CODES.unknown : CODES.failed;
    const said = error === "" ? `"result":${text(payload)}` : `"error":${JSON.stringify({ code, message: error })}`;
    return encoder.encode(`{"jsonrpc":"2.0","id":${id || "null"},${said}}\n`);
  },
  decodeResponse: (body) => {
    const found = read(body, "response");
    const error = found.get("error")?.trim() ?? "null";
    if (error === "null") return { error: "", payload: encoder.encode(found.get("result") ?? "{}") };
    const { message } = (jsonCodec.decode(encoder.encode(error)) ?? {}) as { message?: unknown };
    return { error: typeof message === "string" && message !== "" ? message : error, payload: new Uint8Array(0) };
  },
};

function text(payload: Uint8Array): string {
  return decoder.decode(payload).trim() || "{}";
}

function read(body: Uint8Array, what: string): ReadonlyMap<string, string> {
  const found = members(decoder.decode(body));
  if (found === undefined) throw new MicroError("invalid_argument", `the body is no JSON-RPC 2.0 ${what}`);
  return found;
}

function unquoted(value: string | undefined): string | undefined {
  const said = value === undefined ? undefined : jsonCodec.decode(encoder.encode(value));
  return typeof said === "string" ? said : undefined;
}
