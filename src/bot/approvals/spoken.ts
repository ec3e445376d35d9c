import { chatLine, type Line } from "../../commands/line.ts";

/** A word on a request. */
export interface Spoken {
  readonly word: "yes" | "no";
  /** Absent: the last one of who speaks. */
  readonly id?: string;
  readonly why?: string;
}

/** `yes`, `no`, `yes 03f9a1` as buttons say it, `approve 03f9a1`, `no 03f9a1 not on a Friday`. */
export function spokenIn({ text }: Line): Spoken | undefined {
  const bare = /^\s*(yes|no)\s*$/i.exec(text)?.[1];
  if (bare !== undefined) return { word: bare.toLowerCase() === "no" ? "no" : "yes" };
  const match = /^\s*(yes|approve|no)\s+([0-9a-f]{6})(?:\s+(\S.*?))?\s*$/is.exec(text);
  if (match === null) return undefined;
  const [, word = "", id = "", why] = match;
  const no = word.toLowerCase() === "no";
  // A yes with conditions is none.
  if (why !== undefined && !no) return undefined;
  return { word: no ? "no" : "yes", id: id.toLowerCase(), ...(why !== undefined && { why }) };
}

/** `yess`, `yes please`, `yes 03f9a1 if it is quick`: meant as a yes, and none. */
export function isNearlyYes({ text }: Line): boolean {
  return /^\s*yes(?:s+|[\s,.!].*)$/is.test(text);
}

/**
 * `break-glass "the pager says so" call …`: the line and why it is to go without approvers. The reason stands in quotes, so that
 * no word of the line is taken for it; anything else is not understood here, and the command `break-glass` tells how it is said.
 */
export function brokenGlass({ text, words }: Line): { readonly line: Line; readonly reason: string } | undefined {
  const [first, reason, then] = words;
  if (first?.text.toLowerCase() !== "break-glass" || first.quoted) return undefined;
  if (!reason?.quoted || reason.text.trim() === "" || then === undefined) return undefined;
  return { line: chatLine(text.slice(then.start)), reason: reason.text.trim() };
}
