import { hash } from "node:crypto";
import { RawJson } from "../core/codec/json.ts";

/**
 * The one spelling of a JSON value (RFC 8785): members sorted, no blanks. What JSON has no word for is left out, as
 * `JSON.stringify` does; a BigInt is bare digits; a `RawJson` is the text that it came as.
 */
export function canonicalJson(value: unknown): string {
  if (typeof value === "string") return quoted(value);
  if (value === null || value === undefined) return "null";
  if (typeof value === "bigint") return value.toString();
  if (typeof value !== "object") return JSON.stringify(value) ?? "null";
  if (value instanceof RawJson) return value.text.trim();
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  if ("toJSON" in value && typeof value.toJSON === "function") return canonicalJson(value.toJSON());
  const members = value as Readonly<Record<string, unknown>>;
  let said = "";
  for (const name of sorted(Object.keys(members))) {
    const member = members[name];
    if (member === undefined || typeof member === "function" || typeof member === "symbol") continue;
    said += `${said === "" ? "" : ","}${quoted(name)}:${canonicalJson(member)}`;
  }
  return `{${said}}`;
}

/** Most texts need no escapes, and looking is cheaper than `JSON.stringify`. */
function quoted(text: string): string {
  return PLAIN.test(text) ? `"${text}"` : JSON.stringify(text);
}

const PLAIN = /^[ !#-[\]-~]*$/;

/** By UTF-16 code units, as RFC 8785 §3.2.3 has it. */
function sorted(names: string[]): string[] {
  for (let at = 1; at < names.length; at++) {
    if ((names[at - 1] as string) > (names[at] as string)) return names.sort();
  }
  return names;
}

/** SHA-256 of a text's UTF-8, hex. */
export function sha256(text: string): string {
  return hash("sha256", text);
}
