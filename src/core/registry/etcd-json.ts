import { MicroError } from "../errors.ts";

/** A key and what it holds, as etcd's JSON gateway says it: bytes in base64, 64-bit numbers as strings, zero left out. */
export interface EtcdPair {
  readonly key: string;
  readonly value: string;
  /** `0`: none. */
  readonly lease: string;
}

/** One answer of a watch. */
export interface EtcdNews {
  readonly created: boolean;
  /** Why the server ended the watch, when it did. */
  readonly canceled: string | undefined;
  readonly events: readonly { readonly gone: boolean; readonly key: string; readonly value: string }[];
}

/** Larger than any answer that etcd gives; a bound for what a stranger sends. */
const MAX_OBJECT_BYTES = 64 << 20;

export function encode(text: string): string {
  return Buffer.from(text).toString("base64");
}

/** What follows is JSON of another's making: anything may be missing, or of another type. */
export function at(json: unknown, ...path: readonly string[]): unknown {
  let here = json;
  for (const name of path) {
    if (typeof here !== "object" || here === null) return undefined;
    here = (here as Record<string, unknown>)[name];
  }
  return here;
}

/** A number, or the string that a 64-bit number is; `0` when there is none. Kept as text: it may be beyond 2^53. */
export function int64(value: unknown): string {
  const text = typeof value === "number" ? String(value) : value;
  return typeof text === "string" && /^-?\d{1,20}$/.test(text) ? text : "0";
}

export function readPair(json: unknown): EtcdPair {
  return { key: decode(at(json, "key")), value: decode(at(json, "value")), lease: int64(at(json, "lease")) };
}

export function readNews(result: unknown): EtcdNews {
  const events = at(result, "events");
  const reason = at(result, "cancel_reason");
  return {
    created: at(result, "created") === true,
    canceled: at(result, "canceled") === true ? (typeof reason === "string" ? reason : "without a reason") : undefined,
    events: (Array.isArray(events) ? events : []).map((event) => {
      const { key, value } = readPair(at(event, "kv"));
      return { gone: at(event, "type") === "DELETE", key, value };
    }),
  };
}

function decode(value: unknown): string {
  return typeof value === "string" ? Buffer.from(value, "base64").toString() : "";
}

/**
 * The JSON objects of a stream, one after the other, whatever stands between them: some gateways end each with a newline,
 * none says so. @throws MicroError `unavailable`
 */
export async function* objects(chunks: AsyncIterable<Buffer>, where: string): AsyncGenerator<unknown, void> {
  let parts: Buffer[] = [];
  let size = 0;
  let depth = 0;
  let quoted = false;
  let escaped = false;
  for await (const chunk of chunks) {
    let from = 0;
    for (let i = 0; i < chunk.length; i += 1) {
      const byte = chunk[i];
      if (escaped) escaped = false;
      else if (quoted && byte === BACKSLASH) escaped = true;
      else if (byte === QUOTE) quoted = !quoted;
      else if (quoted) continue;
      else if (byte === OPEN) {
        if (depth === 0) from = i;
        depth += 1;
      } else if (byte === CLOSE && depth > 0) {
        depth -= 1;
        if (depth > 0) continue;
        parts.push(chunk.subarray(from, i + 1));
        yield parseJson(Buffer.concat(parts).toString(), where);
        parts = [];
        size = 0;
      }
    }
    if (depth === 0) continue;
    parts.push(chunk.subarray(from));
    size += chunk.length - from;
    if (size > MAX_OBJECT_BYTES) throw new MicroError("unavailable", `${where} sent more than 64 MB at once`);
  }
}

const [OPEN, CLOSE, QUOTE, BACKSLASH] = [...Buffer.from('{}"\\')];

/** @throws MicroError `unavailable` */
export function parseJson(text: string, where: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new MicroError("unavailable", `${where} answered something that is no JSON; is it etcd?`, { cause });
  }
}
