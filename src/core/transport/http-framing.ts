import { MicroError } from "../errors.ts";
import { createJoiner } from "./joiner.ts";
import type { Frame } from "./transport.ts";

/** How large a message may be; what is larger breaks the connection. Errors travel in headers, so these may be long. */
export interface FrameLimits {
  /** @default 1 MiB */
  readonly headerBytes: number;
  /** @default 64 MiB */
  readonly bodyBytes: number;
}

export const DEFAULT_LIMITS: FrameLimits = { headerBytes: 1 << 20, bodyBytes: 64 << 20 };

/** A message as it was read: its first line and the frame. */
export interface Message {
  readonly startLine: string;
  readonly frame: Frame;
}

const EMPTY = new Uint8Array(0);
const BLANK_LINE = Buffer.from("\r\n\r\n", "latin1");
/** A chunk's size with its extensions. */
const MAX_CHUNK_LINE = 1024;
/** Nobody on this wire sends any. */
const MAX_TRAILER_BYTES = 8192;

/**
 * Reads go-micro's framing: HTTP/1.1 messages, one after another, in either direction (`wire.md §3.1`). Strict where two
 * readers could see different messages: a length is given once, as digits, and not beside a chunked body.
 */
export interface FrameReader {
  /** Takes what a socket gave; returns the messages that are complete now. @throws MicroError `invalid_argument` */
  push(chunk: Buffer): readonly Message[];
  /** Nothing of a next message has been read. */
  readonly idle: boolean;
}

export function createFrameReader(limits: FrameLimits = DEFAULT_LIMITS): FrameReader {
  let buffered: Buffer = Buffer.alloc(0);
  const join = createJoiner();
  /** What came while `needed` bytes are not there; joined once, when they are. */
  let waiting: Buffer[] = [];
  let waitingBytes = 0;
  let needed = 0;
  /** How far the end of the head was looked for in vain. */
  let searched = 0;
  let head: Head | undefined;
  /** The chunks of a body so far. */
  let joined: Buffer | undefined;
  const joinChunk = createJoiner();
  /** The last chunk has come; how long the trailers are that followed it. */
  let trailerBytes: number | undefined;

  const next = (): Message | undefined => {
    if (head === undefined) {
      const end = buffered.indexOf(BLANK_LINE, Math.max(0, searched - 3));
      if (end === -1) {
        searched = buffered.length;
        if (searched > limits.headerBytes) throw broken(`headers of more than ${limits.headerBytes} bytes`);
        return undefined;
      }
      if (end > limits.headerBytes) throw broken(`headers of more than ${limits.headerBytes} bytes`);
      head = readHead(buffered, end, limits);
      buffered = buffered.subarray(end + 4);
      searched = 0;
    }
    const body = head.chunked ? chunkedBody() : head.length === 0 ? EMPTY : take(head.length);
    if (body === undefined) return undefined;
    const message = { startLine: head.startLine, frame: { header: head.header, body } };
    head = undefined;
    return message;
  };

  /** The next bytes, once they have all come. */
  const take = (length: number): Buffer | undefined => {
    needed = buffered.length < length ? length : 0;
    if (needed > 0) return undefined;
    const taken = buffered.subarray(0, length);
    buffered = buffered.subarray(length);
    return taken;
  };

  const chunkedBody = (): Uint8Array | undefined => {
    while (trailerBytes === undefined) {
      const lineEnd = buffered.indexOf("\r\n");
      if (lineEnd === -1 ? buffered.length > MAX_CHUNK_LINE : lineEnd > MAX_CHUNK_LINE)
        throw broken("a chunk without a size");
      if (lineEnd === -1) return undefined;
      const digits = /^([0-9a-fA-F]{1,8})(?:[ \t]*;.*)?$/.exec(buffered.toString("latin1", 0, lineEnd))?.[1];
      if (digits === undefined) throw broken("a chunk without a size");
      const size = Number.parseInt(digits, 16);
      const start = lineEnd + 2;
      if (size === 0) {
        buffered = buffered.subarray(start);
        trailerBytes = 0;
        break;
      }
      if ((joined?.length ?? 0) + size > limits.bodyBytes) {
        throw broken(`a body of more than ${limits.bodyBytes} bytes`);
      }
      const chunk = take(start + size + 2);
      if (chunk === undefined) return undefined;
      if (chunk[start + size] !== 13 || chunk[start + size + 1] !== 10) throw broken("a chunk of another size");
      const data = chunk.subarray(start, start + size);
      joined = joined ? joinChunk(joined, data) : data;
    }
    if (!skipTrailers()) return undefined;
    const body = joined ?? EMPTY;
    joined = undefined;
    return body;
  };

  /** Whether they have ended. */
  const skipTrailers = (): boolean => {
    for (;;) {
      const end = buffered.indexOf("\r\n");
      const length = end === -1 ? buffered.length : end + 2;
      trailerBytes ??= 0;
      if (trailerBytes + length > MAX_TRAILER_BYTES) throw broken("trailers that are too long");
      if (end === -1) return false;
      trailerBytes += length;
      buffered = buffered.subarray(length);
      if (end === 0) {
        trailerBytes = undefined;
        return true;
      }
    }
  };

  return {
    get idle() {
      return head === undefined && buffered.length === 0;
    },
    push: (chunk) => {
      if (buffered.length + waitingBytes + chunk.length < needed) {
        waiting.push(chunk);
        waitingBytes += chunk.length;
        return NONE;
      }
      if (waitingBytes > 0) {
        buffered = Buffer.concat([buffered, ...waiting, chunk]);
        waiting = [];
        waitingBytes = 0;
      } else if (buffered.length > 0) buffered = join(buffered, chunk);
      else buffered = chunk;
      const first = next();
      if (first === undefined) return NONE;
      const messages = [first];
      for (let more = buffered.length > 0 ? next() : undefined; more; more = buffered.length > 0 ? next() : undefined) {
        messages.push(more);
      }
      return messages;
    },
  };
}

const NONE: readonly Message[] = [];

interface Head {
  readonly startLine: string;
  readonly header: Record<string, string>;
  readonly length: number;
  readonly chunked: boolean;
}

/** An object without a prototype's names, which V8 reads and writes faster than one of `Object.create(null)`. */
const Header = function Header() {} as unknown as new () => Record<string, string>;
Header.prototype = Object.create(null);

function readHead(bytes: Buffer, end: number, limits: FrameLimits): Head {
  const text = bytes.toString("latin1", 0, end + 2);
  let at = text.indexOf("\r\n") + 2;
  const startLine = text.slice(0, at - 2);
  const header: Record<string, string> = new Header();
  for (let place = 0; at < text.length; place++) {
    const last = lastHead[place];
    const same = last !== undefined && text.startsWith(last.text, at);
    const line = same ? last : readLine(text, at);
    if (!same && place < MAX_REMEMBERED && end < MAX_REMEMBERED_BYTES) lastHead[place] = line;
    const { name } = line;
    if (header[name] === undefined) header[name] = line.value;
    // Only the first of a repeated header counts, but two lengths could mean two messages.
    else if (name === "content-length" || name === "transfer-encoding") throw broken(`two headers ${name}`);
    at += line.text.length;
  }
  const encoding = header["transfer-encoding"];
  const length = header["content-length"];
  if (encoding !== undefined) {
    if (encoding.toLowerCase() !== "chunked" || length !== undefined) throw broken("an unclear length");
    return { startLine, header, length: 0, chunked: true };
  }
  if (length === undefined) return { startLine, header, length: 0, chunked: false };
  const size = /^\d{1,15}$/.test(length) ? Number(length) : Number.NaN;
  if (Number.isNaN(size)) throw broken("a length that is no number");
  if (size > limits.bodyBytes) throw broken(`a body of more than ${limits.bodyBytes} bytes`);
  return { startLine, header, length: size, chunked: false };
}

interface Line {
  /** As it stands there, with its end. */
  readonly text: string;
  readonly name: string;
  readonly value: string;
}

/** Most lines of a head are those of the head before, and to compare them costs a tenth of reading them. */
const lastHead: Line[] = [];
const MAX_REMEMBERED = 32;
/** A line holds on to the whole text that it is a part of. */
const MAX_REMEMBERED_BYTES = 4096;

function readLine(text: string, at: number): Line {
  const end = text.indexOf("\r\n", at);
  const colon = text.indexOf(":", at);
  if (colon <= at || colon > end) throw broken("a header without a name");
  return {
    text: text.slice(at, end + 2),
    name: lowerCase(text.slice(at, colon)),
    value: readValue(text, colon + 1, end),
  };
}

function readValue(text: string, from: number, to: number): string {
  let start = from;
  let end = to;
  while (start < end && (text.charCodeAt(start) === 32 || text.charCodeAt(start) === 9)) start++;
  while (end > start && (text.charCodeAt(end - 1) === 32 || text.charCodeAt(end - 1) === 9)) end--;
  const value = text.slice(start, end);
  // Values are raw UTF-8 on this wire; only ones with such bytes pay for it.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what is looked for
  return /^[\x00-\x7f]*$/.test(value) ? value : Buffer.from(value, "latin1").toString("utf8");
}

/** The same few names come again and again. */
const lowerNames = new Map<string, string>();
function lowerCase(name: string): string {
  const known = lowerNames.get(name);
  if (known !== undefined) return known;
  if (!TOKEN.test(name)) throw broken("a header whose name is none");
  const lower = name.toLowerCase();
  if (lowerNames.size < 1000) lowerNames.set(name, lower);
  return lower;
}

/** A token as RFC 9110 §5.6.2 defines it. */
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/** A frame as bytes. `startLine` is without its line end. */
export function writeFrame(startLine: string, { header, body }: Frame): Buffer {
  let head = `${startLine}\r\n`;
  for (const name in header) head += headerLine(name, header[name] as string);
  // Go writes an empty body as a chunked one; every era reads both.
  head += `Content-Length: ${body.length}\r\n\r\n`;
  const bytes = Buffer.allocUnsafe(head.length + body.length);
  bytes.write(head, 0, "latin1");
  bytes.set(body, head.length);
  return bytes;
}

/** Most headers are the same as in the message before. */
const lastLines = new Map<string, { readonly value: string; readonly line: string }>();

/** One header as it stands on the wire; empty for a name that HTTP cannot carry (`:topic`). */
function headerLine(name: string, value: string): string {
  const last = lastLines.get(name);
  if (last?.value === value) return last.line;
  const line = newLine(titleCase(name), value);
  if (last !== undefined || lastLines.size < 1000) lastLines.set(name, { value, line });
  return line;
}

function newLine(title: string, value: string): string {
  if (title === "") return "";
  if (/^[\x20-\x7e]*$/.test(value)) return `${title}: ${value}\r\n`;
  return `${title}: ${Buffer.from(value.replace(/[\r\n]+/g, " "), "utf8").toString("latin1")}\r\n`;
}

/** `micro-id` as `Micro-Id`, the way Go spells names. Names that the framing itself writes are left out. */
const titles = new Map<string, string>([
  ["content-length", ""],
  ["transfer-encoding", ""],
  ["connection", ""],
]);
function titleCase(name: string): string {
  const known = titles.get(name);
  if (known !== undefined) return known;
  const title = TOKEN.test(name)
    ? name.toLowerCase().replace(/(^|-)([a-z])/g, (_, dash: string, letter: string) => dash + letter.toUpperCase())
    : "";
  const written = titles.get(title.toLowerCase()) === "" ? "" : title;
  if (titles.size < 1000) titles.set(name, written);
  return written;
}

function broken(what: string): MicroError {
  return new MicroError("invalid_argument", `the other side does not speak HTTP/1.1 as it should: ${what}`);
}
