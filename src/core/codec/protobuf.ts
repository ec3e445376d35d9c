import protobuf from "protobufjs";
import { MicroError } from "../errors.ts";
import type { ValueRecord } from "../registry/registry.ts";
import type { MessageCodec } from "./codec.ts";

/**
 * One message type: field names as the proto file has them, 64-bit integers as BigInt, bytes as `Uint8Array`, enums as
 * numbers. An empty message is an empty body (`wire.md §5.2`); unknown fields are passed over.
 */
export function protobufCodec(type: protobuf.Type): MessageCodec {
  const refused = (error: unknown) =>
    new MicroError("invalid_argument", `not a ${type.name}: ${(error as Error).message}`, { cause: error });
  const built = (message: unknown) => type.fromObject((message ?? {}) as Record<string, unknown>);
  return {
    contentType: "application/protobuf",
    record: valueRecord(type, type.name, 0),
    encode: (message) => {
      try {
        return type.encode(built(message)).finish();
      } catch (error) {
        throw refused(error);
      }
    },
    decode: (bytes) => {
      try {
        return type.toObject(type.decode(bytes), { longs: BigInt, defaults: true });
      } catch (error) {
        throw refused(error);
      }
    },
    fromJson: (value) => {
      try {
        return type.toObject(type.fromObject(fromAnySpelling(type, value, 0)), { longs: BigInt, defaults: true });
      } catch (error) {
        throw refused(error);
      }
    },
    toJson: (message) => {
      try {
        // No defaults: Go's generated types omit zeros, and so a peer of another version may lack the field.
        return type.toObject(built(message), { longs: BigInt, bytes: String });
      } catch (error) {
        throw refused(error);
      }
    },
  };
}

/** Messages deeper than this are nobody's. */
const MAX_DEPTH = 100;

/** Parsed JSON as proto names: camelCase or snake_case, integers as digits or text, null for absent (`wire.md §5.1`). */
function fromAnySpelling(type: protobuf.Type, value: unknown, depth: number): Record<string, unknown> {
  if (depth > MAX_DEPTH) throw new Error("it is nested too deeply");
  if (typeof value === "string" && type.fullName === ".google.protobuf.Timestamp") return timestamp(value);
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new Error(`${type.name} is an object`);
  const given = value as Readonly<Record<string, unknown>>;
  const message: Record<string, unknown> = {};
  for (const field of type.fieldsArray) {
    const said = own(given, field.name) ?? own(given, protobuf.util.camelCase(field.name));
    if (said === undefined || said === null) continue;
    const { resolvedType } = field.resolve();
    const inner = (one: unknown): unknown => {
      if (resolvedType instanceof protobuf.Type) return fromAnySpelling(resolvedType, one, depth + 1);
      if (resolvedType instanceof protobuf.Enum && typeof one === "string" && /^-?\d+$/.test(one)) return Number(one);
      return typeof one === "bigint" ? one.toString() : one;
    };
    if (field.repeated) {
      if (!Array.isArray(said)) throw new Error(`${field.name} is a list`);
      message[field.name] = said.map(inner);
    } else if (field.map) {
      if (typeof said !== "object") throw new Error(`${field.name} is a map`);
      message[field.name] = Object.fromEntries(Object.entries(said).map(([key, one]) => [key, inner(one)]));
    } else message[field.name] = inner(said);
  }
  return message;
}

function own(of: Readonly<Record<string, unknown>>, name: string): unknown {
  return Object.hasOwn(of, name) ? of[name] : undefined;
}

/** `2026-11-21T09:00:00.5Z`, as Go writes it from v5.14 on. */
function timestamp(text: string): Record<string, unknown> {
  const ms = Date.parse(text);
  if (Number.isNaN(ms)) throw new Error(`"${text.slice(0, 40)}" is no time`);
  const fraction = /\.(\d{1,9})/.exec(text)?.[1] ?? "";
  return { seconds: Math.floor(ms / 1000), nanos: Number(fraction.padEnd(9, "0")) };
}

/** How Go names scalar types. */
const GO_TYPES: Readonly<Record<string, string>> = {
  double: "float64",
  float: "float32",
  sint32: "int32",
  sint64: "int64",
  fixed32: "uint32",
  fixed64: "uint64",
  sfixed32: "int32",
  sfixed64: "int64",
  bytes: "[]uint8",
};

/** What is registered about a message: two levels, proto names (`wire.md §1.5`). */
function valueRecord(type: protobuf.Type, name: string, depth: number): ValueRecord {
  const values = type.fieldsArray.map((field): ValueRecord => {
    const { resolvedType } = field.resolve();
    const typeName = resolvedType?.name ?? GO_TYPES[field.type] ?? field.type;
    if (field.map) return { name: field.name, type: "", values: [] };
    if (field.repeated) return { name: field.name, type: `[]${typeName}`, values: [] };
    const inner = resolvedType instanceof protobuf.Type && depth < 1;
    return inner
      ? { ...valueRecord(resolvedType, field.name, depth + 1), type: typeName }
      : { name: field.name, type: typeName, values: [] };
  });
  return { name, type: type.name, values };
}
