import { createHash } from "node:crypto";
import { RawJson } from "../core/codec/json.ts";

/**
 * The one spelling of a JSON value (RFC 8785): members sorted, no blanks. What JSON has no word for is left out, as
 * `JSON.stringify` does; a BigInt is bare digits; a `RawJson` is the text that it came as.
 */
export function canonicalJson(value: unknown): string {
  if (value === null || value === undefined) return "null";
  if (value instanceof RawJson) return value.text.trim();
  if (typeof value === "bigint") return value.toString();
  if (typeof value !== "object") return JSON.stringify(value) ?? "null";
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  if ("toJSON" in value && typeof value.toJSON === "function") return canonicalJson(value.toJSON());
  const members = value as Readonly<Record<string, unknown>>;
  const parts: string[] = [];
  for (const name of Object.keys(members).sort()) {
    const member = members[name];
    if (member === undefined || typeof member === "function" || typeof member === "symbol") continue;
    parts.push(`${JSON.stringify(name)}:${canonicalJson(member)}`);
  }
  return `{${parts.join(",")}}`;
}

/** SHA-256 of a text's UTF-8, hex. */
export function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
