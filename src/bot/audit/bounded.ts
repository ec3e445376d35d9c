import { RawJson } from "../../core/codec/json.ts";
import { cut } from "../fit.ts";

/** Of a value: characters of each text, members of each list or object, how deep, and things all together. */
const TEXT = 500;
const MEMBERS = 64;
const DEPTH = 6;
const THINGS = 500;

/** A JSON value that is not too long for a record. What is left out says so. */
export function bounded(value: unknown): unknown {
  let left = THINGS;
  const within = (one: unknown, depth: number): unknown => {
    if (one instanceof RawJson) return cut(one.text, TEXT);
    if (typeof one === "string") return cut(one, TEXT);
    if (typeof one === "bigint") return one.toString();
    if (typeof one !== "object" || one === null) return one;
    if (depth >= DEPTH || left <= 0) return "…";
    const members: readonly (readonly [string, unknown])[] = Object.entries(one);
    const kept = members.slice(0, Math.max(0, Math.min(MEMBERS, left)));
    left -= kept.length;
    const more = members.length - kept.length;
    if (Array.isArray(one)) {
      const list = kept.map(([, member]) => within(member, depth + 1));
      return more > 0 ? [...list, `… ${more} more`] : list;
    }
    const entries = kept.map(([name, member]) => [cut(name, TEXT), within(member, depth + 1)]);
    return Object.fromEntries(more > 0 ? [...entries, ["…", `${more} more`]] : entries);
  };
  return within(value, 0);
}
