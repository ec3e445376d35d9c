import type { MessageCodecs } from "../client/client.ts";
import type { MessageCodec } from "../codec/codec.ts";

/**
 * The messages of the Debug handler in protobuf (`wire.md §9`, the layout from v1.18 on). They are flat, so they are written
 * here: a server need not load a protobuf library to say that it is well.
 */
export const HEALTH: MessageCodecs = { request: flat([]), response: flat([["status", "string"]]) };

const NUMBERS = ["started", "uptime", "memory", "threads", "gc"];
const STATS = numbers(["timestamp", ...NUMBERS, "requests", "errors"]);
/** Up to v1.17 there was no timestamp, and so every number had another place. */
const STATS_BEFORE = numbers(NUMBERS);

/**
 * The layout that a caller reads. Clients of before v1.18 say each addressing header twice, later ones do not
 * (`wire.md §4.1`), and nothing else tells them apart.
 */
export function statsFor(header: Readonly<Record<string, string>>): MessageCodecs {
  return header["x-micro-endpoint"] || header["x-micro-method"] || !header["micro-endpoint"] ? STATS_BEFORE : STATS;
}

function numbers(names: readonly string[]): MessageCodecs {
  return { request: flat([]), response: flat(names.map((name) => [name, "uint64"])) };
}

type Field = readonly [name: string, type: "string" | "uint64" | (string & {})];

/** @param fields by number, from 1 on. What comes in is not read: no request of the Debug handler changes its answer. */
function flat(fields: readonly Field[]): MessageCodec {
  const json = (value: unknown): unknown => value ?? {};
  return {
    contentType: "application/protobuf",
    encode: (message) => {
      const parts: Buffer[] = [];
      for (const [at, [name, type]] of fields.entries()) {
        const value = (message as Readonly<Record<string, unknown>> | undefined)?.[name];
        if (!value) continue;
        if (type === "string") {
          const text = Buffer.from(String(value), "utf8");
          parts.push(varint(BigInt(((at + 1) << 3) | 2)), varint(BigInt(text.length)), text);
        } else parts.push(varint(BigInt((at + 1) << 3)), varint(BigInt(value as number)));
      }
      return Buffer.concat(parts);
    },
    decode: () => ({}),
    fromJson: json,
    toJson: json,
  };
}

function varint(value: bigint): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  bytes.push(Number(rest));
  return Buffer.from(bytes);
}
