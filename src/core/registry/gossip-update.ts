import { readService, writeService } from "../wire/record.ts";
import { malformed } from "./gossip-msgpack.ts";
import type { ServiceRecord } from "./registry.ts";

/** A change of the registry, the body of a user message (`wire.md §2.6`, `gossip.Update`). */
export interface GossipUpdate {
  /** Unix nanoseconds; 0 for none. */
  readonly expires: bigint;
  readonly action: "create" | "delete" | "update";
  readonly service: ServiceRecord;
}

const SERVICE = 1;
const ACTIONS = new Map<number, GossipUpdate["action"]>([
  [1, "create"],
  [2, "delete"],
  [3, "update"],
]);
const CONTENT_TYPE = "Content-Type";
const JSON_TYPE = "application/json";

export function encodeUpdate({ expires, action, service }: GossipUpdate): Buffer {
  const number = [...ACTIONS].find(([, each]) => each === action)?.[0] ?? 0;
  const entry = Buffer.concat([bytesOf(1, Buffer.from(CONTENT_TYPE)), bytesOf(2, Buffer.from(JSON_TYPE))]);
  return Buffer.concat([
    expires === 0n ? NOTHING : numberOf(1, expires),
    numberOf(2, BigInt(SERVICE)),
    numberOf(3, BigInt(number)),
    bytesOf(6, entry),
    bytesOf(7, Buffer.from(JSON.stringify(writeService(service)))),
  ]);
}

/**
 * `undefined` for what Go ignores too: not about a service, not JSON, an action that it has no case for.
 * @throws MicroError `invalid_argument` when it is damaged
 */
export function decodeUpdate(bytes: Buffer): GossipUpdate | undefined {
  let expires = 0n;
  let type = 0n;
  let action = 0n;
  let contentType = "";
  let data: Buffer = NOTHING;
  for (const { field, value } of readFields(bytes)) {
    if (typeof value === "bigint") {
      if (field === 1) expires = value;
      else if (field === 2) type = value;
      else if (field === 3) action = value;
    } else if (field === 6) {
      const [key, said] = readEntry(value);
      if (key === CONTENT_TYPE) contentType = said;
    } else if (field === 7) data = value;
  }
  const known = ACTIONS.get(Number(action));
  if (type !== BigInt(SERVICE) || contentType !== JSON_TYPE || known === undefined) return undefined;
  return { expires, action: known, service: readService(parseJson(data)) };
}

/** @throws MicroError `invalid_argument` */
export function parseJson(data: Buffer): unknown {
  try {
    return JSON.parse(data.toString());
  } catch (error) {
    throw malformed(`its JSON is damaged (${(error as Error).name})`);
  }
}

const NOTHING = Buffer.alloc(0);

function readEntry(bytes: Buffer): readonly [key: string, value: string] {
  let key = "";
  let said = "";
  for (const { field, value } of readFields(bytes)) {
    if (typeof value === "bigint") continue;
    if (field === 1) key = value.toString();
    else if (field === 2) said = value.toString();
  }
  return [key, said];
}

/** Numbers and length-delimited fields; those of fixed size, which an Update has none of, are passed over. */
function* readFields(bytes: Buffer): Generator<{ readonly field: number; readonly value: bigint | Buffer }> {
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = bytes[at++];
      if (byte === undefined) throw malformed("its update is cut short");
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, value);
    }
    throw malformed("a number of its update is too long");
  };
  const skip = (size: number): Buffer => {
    if (at + size > bytes.length) throw malformed("its update is cut short");
    at += size;
    return bytes.subarray(at - size, at);
  };
  while (at < bytes.length) {
    const tag = Number(varint());
    const field = Math.floor(tag / 8);
    const wire = tag % 8;
    if (wire === 0) yield { field, value: varint() };
    else if (wire === 2) yield { field, value: skip(Number(varint())) };
    else if (wire === 1) skip(8);
    else if (wire === 5) skip(4);
    else throw malformed(`field ${field} of its update has the unknown type ${wire}`);
  }
}

function numberOf(field: number, value: bigint): Buffer {
  return Buffer.concat([varintOf(BigInt(field * 8)), varintOf(value)]);
}

function bytesOf(field: number, value: Buffer): Buffer {
  return Buffer.concat([varintOf(BigInt(field * 8 + 2)), varintOf(BigInt(value.length)), value]);
}

function varintOf(value: bigint): Buffer {
  const bytes: number[] = [];
  let left = value;
  while (left >= 0x80n) {
    bytes.push(Number(left & 0x7fn) | 0x80);
    left >>= 7n;
  }
  bytes.push(Number(left));
  return Buffer.from(bytes);
}
