import type { Choice, Input, OutgoingMessage, Part, Place } from "../inputs/input.ts";

/** How many lines of a long answer are said (`chat.md §2`, "Long output"). */
const SUMMARY_LINES = 15;

/** Where what did not fit can be read. */
export interface Rest {
  /** What to say for it. */
  readonly line: string;
  readonly choices: readonly Choice[];
}

/** Keeps lines of which so many were shown. `undefined`: they are not kept. */
export type KeepRest = (lines: readonly string[], shown: number) => Rest | undefined;

/**
 * One message, whatever the length of what it says: what is too long is said in part, cut at the end of a line, and sent
 * whole as a file where there are files. What can be read on is told, and can be pressed.
 */
export function fitted(
  parts: readonly Part[],
  place: Place,
  limits: Input["limits"],
  keep: KeepRest = () => undefined,
): OutgoingMessage {
  const { textLength, files } = limits;
  if (lengthOf(parts) <= textLength) return { place, parts };
  const long = parts.reduce((longest, part) => (part.text.length > longest.text.length ? part : longest));
  const others = parts.filter((part) => part !== long);
  const lines = long.text.split("\n");
  const kept = Math.min(NOTE, Math.floor(textLength / 2));
  // Others that take more than half are cut as well: what is longest is what was asked for.
  const share = others.length === 0 ? 0 : Math.floor((textLength - kept) / 2 / others.length) - 1;
  const fair = others.reduce((sum, { text }) => sum + Math.min(text.length, share) + 1, 0);
  const room = textLength - kept - fair - 1;
  const shown = linesWithin(lines, 0, SUMMARY_LINES, room);
  const head = shown === 0 ? cut(lines[0] ?? "", Math.max(0, room)) : lines.slice(0, shown).join("\n");
  const rest = keep(lines, shown);
  const said = parts.map((part) => ({ ...part, text: part === long ? head : cut(part.text, share) }));
  return {
    place,
    parts: [...said, { kind: "text", text: cut(noteOf(lines.length, long.text.length, shown, files, rest), kept - 1) }],
    ...(files && { file: { name: "answer.txt", text: long.text } }),
    ...(rest && { choices: rest.choices }),
  };
}

/**
 * Whether a text is certain to be shown whole in one message, whatever signs a network puts before its markup, and with a
 * short word of the bot under it.
 */
export function fitsWhole(text: string, { textLength }: Pick<Input["limits"], "textLength">): boolean {
  // `&amp;` on Slack and HipChat; a backslash or a character of no width elsewhere.
  const grown = text.length + 4 * countOf(text, /[&<>]/g) + countOf(text, /[\\*_~`|#()[\]@]/g);
  return grown <= (textLength * 7) / 8;
}

function countOf(text: string, sign: RegExp): number {
  return text.match(sign)?.length ?? 0;
}

/** What the note at the end takes at most. */
const NOTE = 200;

function noteOf(lines: number, length: number, shown: number, files: boolean, rest: Rest | undefined): string {
  const all = `${Math.max(shown, 1)} of ${lines} lines, ${length} characters in all`;
  const more = rest && `\`${rest.line}\` shows the next`;
  const where = [files ? "all of it is in the file" : undefined, more].filter((words) => words !== undefined);
  return `${all}; ${where.join(", ") || "the rest does not fit here"}`;
}

/** How many lines from `from` on, at most `count`, fit into so many characters. */
export function linesWithin(lines: readonly string[], from: number, count: number, room: number): number {
  let fit = 0;
  let left = room + 1;
  for (; fit < count && from + fit < lines.length; fit++) {
    left -= (lines[from + fit]?.length ?? 0) + 1;
    if (left < 0) break;
  }
  return fit;
}

function lengthOf(parts: readonly Part[]): number {
  return parts.reduce((sum, part) => sum + part.text.length, parts.length - 1);
}

/** At most `length` characters, none of them half; what is left out is marked. */
export function cut(text: string, length: number): string {
  if (text.length <= length) return text;
  let end = Math.max(0, length - 1);
  const code = text.charCodeAt(end - 1);
  if (code >= 0xd800 && code < 0xdc00) end--;
  return length < 1 ? "" : `${text.slice(0, end)}…`;
}
