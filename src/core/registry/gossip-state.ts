import type { GossipCipher } from "./gossip-crypt.ts";
import { decodeFlat, encodeFlat, type FlatMap, malformed, numberField, textField } from "./gossip-msgpack.ts";
import {
  type AliveMessage,
  compress,
  decompress,
  encodeMessage,
  nodeName,
  readMember,
  TYPE,
  typed,
  writeMember,
} from "./gossip-packet.ts";

/** A member as one knows it that was asked. */
export interface MemberState extends Omit<AliveMessage, "type"> {
  readonly state: "alive" | "suspect" | "dead";
}

/** What travels over TCP. */
export type StreamMessage =
  | {
      readonly type: "pushPull";
      /** Asks for the registry's state too, not only for the members. */
      readonly join: boolean;
      readonly members: readonly MemberState[];
      /** The registry's state as JSON; empty for none. */
      readonly state: Buffer;
    }
  | { readonly type: "user"; readonly body: Buffer }
  | { readonly type: "ping"; readonly seq: number; readonly node: string }
  | { readonly type: "ack"; readonly seq: number }
  | { readonly type: "error"; readonly message: string };

/** The most that one stream may bring, packed or not. */
export const MAX_STREAM_BYTES = 8 * 1024 * 1024;
/** Members that a peer may tell of. */
const MAX_TOLD = 2048;
const STATES = ["alive", "suspect", "dead"] as const;
const SEAL_HEAD = 5;

/** Compressed, and sealed with the cipher. */
export function encodeStream(message: StreamMessage, cipher?: GossipCipher): Buffer {
  const packed = compress(plainStream(message));
  if (cipher === undefined) return packed;
  const head = Buffer.alloc(SEAL_HEAD);
  head.writeUInt8(TYPE.encrypt, 0);
  head.writeUInt32BE(cipher.seal(packed).length, 1);
  return Buffer.concat([head, cipher.seal(packed, head)]);
}

/**
 * The message that a stream's bytes begin with; streams carry one each way.
 * @throws MicroError `invalid_argument`; while only bytes are missing, `details.need` is the length it takes at least.
 *   `permission_denied` (another key, or none)
 */
export function decodeStream(bytes: Buffer, cipher?: GossipCipher): StreamMessage {
  require(bytes, 1);
  if (bytes[0] !== TYPE.encrypt) {
    // Lets the cipher say what is wrong: it is not sealed.
    if (cipher !== undefined) cipher.open(Buffer.alloc(0));
    return unpacked(bytes, bytes[0] === TYPE.compress);
  }
  if (cipher === undefined) throw malformed("it is encrypted, and no secret key is set");
  require(bytes, SEAL_HEAD);
  const size = bytes.readUInt32BE(1);
  require(bytes, SEAL_HEAD + size);
  const plain = cipher.open(bytes.subarray(SEAL_HEAD, SEAL_HEAD + size), bytes.subarray(0, SEAL_HEAD));
  return whole(() => unpacked(plain, plain[0] === TYPE.compress));
}

function unpacked(bytes: Buffer, packed: boolean): StreamMessage {
  if (!packed) return decodePlain(bytes);
  const plain = decompress(decodeFlat(bytes, 1), MAX_STREAM_BYTES);
  return whole(() => decodePlain(plain));
}

/** What was in a wrapper of known length cannot become more: "bytes are missing" is an error then. */
function whole(decode: () => StreamMessage): StreamMessage {
  try {
    return decode();
  } catch (error) {
    if (missingBytes(error) !== undefined) throw malformed("it is cut short");
    throw error;
  }
}

/** The length that an error of `decodeStream` asks for; `undefined` when more bytes would not help. */
export function missingBytes(error: unknown): number | undefined {
  const { details } = error as { readonly details?: Readonly<Record<string, unknown>> };
  const need = details?.["need"];
  return typeof need === "number" ? need : undefined;
}

function decodePlain(bytes: Buffer): StreamMessage {
  require(bytes, 1);
  const head = decodeHead(bytes);
  switch (bytes[0]) {
    case TYPE.ping:
      return { type: "ping", seq: numberField(head, "SeqNo"), node: textField(head, "Node") };
    case TYPE.ack:
      return { type: "ack", seq: numberField(head, "SeqNo") };
    case TYPE.error:
      return { type: "error", message: textField(head, "Error", 4096) };
    case TYPE.user:
      return { type: "user", body: rest(bytes, head.end, numberField(head, "UserMsgLen")) };
    default: {
      const count = numberField(head, "Nodes", MAX_TOLD);
      const members: MemberState[] = [];
      let at = head.end;
      for (let n = 0; n < count; n++) {
        const map = decodeFlat(bytes, at);
        const state = STATES[numberField(map, "State")] ?? "dead";
        members.push({ node: nodeName(map, "Name"), ...readMember(map), state });
        at = map.end;
      }
      const join = head.fields.get("Join") === true;
      return { type: "pushPull", join, members, state: rest(bytes, at, numberField(head, "UserStateLen")) };
    }
  }
}

const STREAMED: readonly number[] = [TYPE.ping, TYPE.ack, TYPE.error, TYPE.user, TYPE.pushPull];

function decodeHead(bytes: Buffer): FlatMap {
  if (!STREAMED.includes(bytes[0] ?? -1)) throw malformed(`type ${bytes[0]} does not come over TCP`);
  return decodeFlat(bytes, 1);
}

function plainStream(message: StreamMessage): Buffer {
  switch (message.type) {
    case "ping":
    case "ack":
      return encodeMessage(message);
    case "error":
      return typed(TYPE.error, { Error: message.message });
    case "user":
      return Buffer.concat([typed(TYPE.user, { UserMsgLen: message.body.length }), message.body]);
    default: {
      const { members, state, join } = message;
      const head = typed(TYPE.pushPull, { Nodes: members.length, UserStateLen: state.length, Join: join });
      const nodes = members.map((each) =>
        encodeFlat({ Name: each.node, ...writeMember(each), State: STATES.indexOf(each.state) }),
      );
      return Buffer.concat([head, ...nodes, state]);
    }
  }
}

function rest(bytes: Buffer, at: number, size: number): Buffer {
  require(bytes, at + size);
  return bytes.subarray(at, at + size);
}

function require(bytes: Buffer, size: number): void {
  if (size > MAX_STREAM_BYTES) throw malformed(`it is longer than ${MAX_STREAM_BYTES} bytes`);
  if (bytes.length < size) throw malformed("it is cut short", { need: size });
}
