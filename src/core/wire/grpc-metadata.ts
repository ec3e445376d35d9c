import { addMetadata } from "../client/metadata.ts";

/**
 * Adds a call's metadata to its headers, without what belongs to the message, to gRPC or to HTTP/2. Values are written as
 * UTF-8, as Go does; those of `-bin` names in base64.
 */
export function writeMetadata(headers: Record<string, string>, metadata: Readonly<Record<string, string>>): void {
  const own: Record<string, string> = {};
  addMetadata(own, metadata);
  for (const name in own) {
    if (RESERVED.test(name) || !TOKEN.test(name)) continue;
    const value = own[name] as string;
    headers[name] = name.endsWith("-bin") ? Buffer.from(value, "utf8").toString("base64") : bytesOf(value);
  }
}

/** The metadata in a call's headers, as its handler sees it (`wire.md §7`). */
export function readMetadata(headers: Readonly<Record<string, unknown>>): Record<string, string> {
  const metadata: Record<string, string> = {};
  for (const name in headers) {
    if (name.charCodeAt(0) === COLON ? name !== ":authority" : name === "te" || NOT_SHOWN.test(name)) continue;
    const value = headers[name];
    const text = typeof value === "string" ? value : Array.isArray(value) ? value.join(", ") : "";
    metadata[name] = name.endsWith("-bin") ? Buffer.from(text, "base64").toString("utf8") : textOf(text);
  }
  return metadata;
}

/** A value as Node wants it: one character for each byte. What would end a header is left out. */
function bytesOf(value: string): string {
  if (PLAIN.test(value)) return value;
  return Buffer.from(value, "utf8").toString("latin1").replace(CONTROLS, " ").trim();
}

/** The reverse. */
function textOf(value: string): string {
  return PLAIN.test(value) ? value : Buffer.from(value, "latin1").toString("utf8");
}

const COLON = 0x3a;
const PLAIN = /^[ -~]*$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what it is about
const CONTROLS = /[\u0000-\u0008\u000a-\u001f\u007f]/g;
/** A token as RFC 9110 §5.6.2 defines it, in lower case as HTTP/2 wants it. */
const TOKEN = /^[!#$%&'*+.^_`|~0-9a-z-]+$/;
const RESERVED = /^(grpc-|proxy-connection$|http2-settings$|x-content-type$|cookie$|set-cookie$)/;
const NOT_SHOWN = /^(grpc-|x-content-type$)/;
