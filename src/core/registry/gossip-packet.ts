import { isIPv4, isIPv6 } from "node:net";
import { crc32 } from "node:zlib";
import type { GossipCipher } from "./gossip-crypt.ts";
import { compressLzw, decompressLzw } from "./gossip-lzw.ts";
import {
  bytesField,
  decodeFlat,
  encodeFlat,
  type FlatMap,
  malformed,
  numberField,
  textField,
} from "./gossip-msgpack.ts";

/** The first byte of every message (`wire.md §2.6`). */
export const TYPE = {
  ping: 0,
  indirect: 1,
  ack: 2,
  suspect: 3,
  alive: 4,
  dead: 5,
  pushPull: 6,
  compound: 7,
  user: 8,
  compress: 9,
  encrypt: 10,
  nack: 11,
  crc: 12,
  error: 13,
} as const;

/** Where a member is. `bytes` are its IP as it says it itself: to others 4 bytes and 16 are two addresses. */
export interface MemberAddress {
  readonly bytes: Buffer;
  readonly port: number;
}

export interface AliveMessage extends MemberAddress {
  readonly type: "alive";
  readonly incarnation: number;
  readonly node: string;
  readonly meta: Buffer;
  /** Least, most and spoken version of the protocol, then the same of the delegate. */
  readonly versions: Buffer;
}

/** A suspicion or a death, said by `from`; a leaving member says its own. */
export interface DoubtMessage {
  readonly type: "suspect" | "dead";
  readonly incarnation: number;
  readonly node: string;
  readonly from: string;
}

export type GossipMessage =
  | AliveMessage
  | DoubtMessage
  | { readonly type: "ping"; readonly seq: number; readonly node: string }
  | ({
      readonly type: "indirect";
      readonly seq: number;
      readonly node: string;
      readonly nack: boolean;
    } & MemberAddress)
  | { readonly type: "ack" | "nack"; readonly seq: number }
  | { readonly type: "user"; readonly body: Buffer };

/** Go sends packets of up to this many bytes, and more only for one message alone. */
export const PACKET_BYTES = 1400;
/** What one packet may become when decompressed, all of it together. */
const MAX_UNPACKED = 256 * 1024;
/** Compound in compress in compound: more than any peer sends. */
const MAX_DEPTH = 4;
const MAX_MESSAGES = 1024;
const MAX_META = 512;
/** Our own compounds; Go miscounts more than 127. */
const MAX_PARTS = 100;

/** A packet off the wire. @throws MicroError `invalid_argument`, `permission_denied` (another key, or none) */
export function decodePacket(packet: Buffer, cipher?: GossipCipher): readonly GossipMessage[] {
  const bytes = cipher === undefined ? packet : cipher.open(packet);
  const state = { left: MAX_UNPACKED, messages: [] as GossipMessage[] };
  const checked = bytes[0] === TYPE.crc && bytes.length >= 5;
  if (checked && crc32(bytes.subarray(5)) !== bytes.readUInt32BE(1)) throw malformed("its checksum is wrong");
  unpack(checked ? bytes.subarray(5) : bytes, state, 0);
  return state.messages;
}

function unpack(bytes: Buffer, state: { left: number; readonly messages: GossipMessage[] }, depth: number): void {
  if (depth > MAX_DEPTH) throw malformed("it is packed too many times");
  const body = bytes.subarray(1);
  if (bytes[0] === TYPE.compress) {
    const plain = decompress(decodeFlat(body), state.left);
    state.left -= plain.length;
    unpack(plain, state, depth + 1);
    return;
  }
  if (bytes[0] === TYPE.compound) {
    const count = body[0] ?? 0;
    let at = 1 + count * 2;
    if (at > body.length) throw malformed("it is cut short");
    for (let n = 0; n < count; n++) {
      const size = body.readUInt16BE(1 + n * 2);
      // Go takes what is whole of a compound that was cut.
      if (at + size > body.length) return;
      unpack(body.subarray(at, at + size), state, depth + 1);
      at += size;
    }
    return;
  }
  if (state.messages.length >= MAX_MESSAGES) throw malformed(`it holds more than ${MAX_MESSAGES} messages`);
  state.messages.push(decodeMessage(bytes));
}

/** One message, neither packed nor sealed. @throws MicroError `invalid_argument` */
function decodeMessage(bytes: Buffer): GossipMessage {
  const body = bytes.subarray(1);
  const type = bytes[0];
  if (type === TYPE.user) return { type: "user", body };
  if (type === TYPE.ping || type === TYPE.ack || type === TYPE.nack || type === TYPE.indirect) {
    const map = decodeFlat(body);
    const seq = numberField(map, "SeqNo");
    if (type === TYPE.ack) return { type: "ack", seq };
    if (type === TYPE.nack) return { type: "nack", seq };
    const node = textField(map, "Node");
    if (type === TYPE.ping) return { type: "ping", seq, node };
    const nack = map.fields.get("Nack") === true;
    return { type: "indirect", seq, node, nack, ...readAddress(map, "Target") };
  }
  if (type === TYPE.alive) {
    const map = decodeFlat(body);
    return { type: "alive", node: nodeName(map, "Node"), ...readMember(map) };
  }
  if (type === TYPE.suspect || type === TYPE.dead) {
    const map = decodeFlat(body);
    return {
      type: type === TYPE.suspect ? "suspect" : "dead",
      incarnation: numberField(map, "Incarnation"),
      node: nodeName(map, "Node"),
      from: textField(map, "From"),
    };
  }
  throw malformed(`its type is ${type ?? "missing"}`);
}

/** What `alive` and a node of push/pull have in common. */
export function readMember(map: FlatMap): Omit<AliveMessage, "type" | "node"> {
  return {
    incarnation: numberField(map, "Incarnation"),
    ...readAddress(map, "Addr"),
    meta: bytesField(map, "Meta", MAX_META),
    versions: bytesField(map, "Vsn", 6),
  };
}

export function nodeName(map: FlatMap, field: string): string {
  const name = textField(map, field);
  if (name === "") throw malformed("a member has no name");
  return name;
}

export function encodeMessage(message: GossipMessage): Buffer {
  switch (message.type) {
    case "ping":
      return typed(TYPE.ping, { SeqNo: message.seq, Node: message.node });
    case "indirect":
      return typed(TYPE.indirect, {
        SeqNo: message.seq,
        Target: message.bytes,
        Port: message.port,
        Node: message.node,
        Nack: message.nack,
      });
    case "ack":
      return typed(TYPE.ack, { SeqNo: message.seq, Payload: null });
    case "nack":
      return typed(TYPE.nack, { SeqNo: message.seq });
    case "user":
      return Buffer.concat([Buffer.from([TYPE.user]), message.body]);
    case "alive":
      return typed(TYPE.alive, { Node: message.node, ...writeMember(message) });
    default:
      return typed(TYPE[message.type], {
        Incarnation: message.incarnation,
        Node: message.node,
        From: message.from,
      });
  }
}

export function writeMember(member: Omit<AliveMessage, "type" | "node">): Record<string, number | Buffer> {
  const { incarnation, bytes, port, meta, versions } = member;
  return { Incarnation: incarnation, Addr: bytes, Port: port, Meta: meta, Vsn: versions };
}

/** Messages as packets: as many in one as fit, compressed where that makes it smaller, sealed with the cipher. */
export function encodePackets(messages: readonly Buffer[], cipher?: GossipCipher): readonly Buffer[] {
  const groups: Buffer[][] = [];
  let room = 0;
  for (const message of messages) {
    const last = groups.at(-1);
    room -= message.length + 2;
    if (last !== undefined && room >= 0 && last.length < MAX_PARTS) last.push(message);
    else {
      groups.push([message]);
      room = PACKET_BYTES - 64 - message.length - 2;
    }
  }
  return groups.map((group) => {
    const [only] = group;
    const plain = group.length === 1 && only !== undefined ? only : compound(group);
    const packed = compress(plain);
    const best = packed.length < plain.length ? packed : plain;
    return cipher === undefined ? best : cipher.seal(best);
  });
}

export function compress(plain: Buffer): Buffer {
  return typed(TYPE.compress, { Algo: 0, Buf: compressLzw(plain) });
}

/** @throws MicroError `invalid_argument` */
export function decompress(map: FlatMap, maxBytes: number): Buffer {
  if (numberField(map, "Algo") !== 0) throw malformed("it is compressed in an unknown way");
  return decompressLzw(bytesField(map, "Buf", maxBytes), maxBytes);
}

export function typed(type: number, fields: Parameters<typeof encodeFlat>[0]): Buffer {
  return Buffer.concat([Buffer.from([type]), encodeFlat(fields)]);
}

function compound(messages: readonly Buffer[]): Buffer {
  const head = Buffer.alloc(2 + messages.length * 2);
  head.writeUInt8(TYPE.compound, 0);
  head.writeUInt8(messages.length, 1);
  messages.forEach((message, n) => {
    head.writeUInt16BE(message.length, 2 + n * 2);
  });
  return Buffer.concat([head, ...messages]);
}

function readAddress(map: FlatMap, field: string): MemberAddress {
  const bytes = bytesField(map, field, 16);
  if (bytes.length !== 4 && bytes.length !== 16) throw malformed(`an address has ${bytes.length} bytes`);
  return { bytes, port: numberField(map, "Port", 0xffff) };
}

/** The address as text, for a socket. */
export function ipText(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join(".");
  const mapped = bytes.subarray(0, 10).every((byte) => byte === 0) && bytes[10] === 0xff && bytes[11] === 0xff;
  if (mapped) return bytes.subarray(12).join(".");
  const view = Buffer.from(bytes);
  return Array.from({ length: 8 }, (_, n) => view.readUInt16BE(n * 2).toString(16)).join(":");
}

/** The reverse, for IPv4 and IPv6 in any spelling; a zone is left out. @throws MicroError `invalid_argument` */
export function ipBytes(text: string): Buffer {
  const bare = text.replace(/%.*$/, "").replace(/^::ffff:(?=.*\.)/i, "");
  if (isIPv4(bare)) return Buffer.from(bare.split(".").map(Number));
  if (!isIPv6(bare)) throw malformed(`"${text}" is no IP address`);
  // A last part such as 10.0.0.1 is two groups.
  const grouped = bare.replace(/[\d.]+$/, (last) => {
    if (!last.includes(".")) return last;
    const [a = 0, b = 0, c = 0, d = 0] = last.split(".").map(Number);
    return `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
  });
  const groups = (part = "") => (part === "" ? [] : part.split(":").map((each) => Number.parseInt(each, 16)));
  const [front, back] = grouped.split("::");
  const [head, tail] = [groups(front), groups(back)];
  const gap = Array<number>(Math.max(0, 8 - head.length - tail.length)).fill(0);
  const bytes = Buffer.alloc(16);
  [...head, ...gap, ...tail].forEach((group, n) => {
    bytes.writeUInt16BE(group, n * 2);
  });
  return bytes;
}
