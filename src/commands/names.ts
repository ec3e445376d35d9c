import { z } from "zod";
import { lookAlike } from "../core/look-alike.ts";
import type { AnyCommand } from "./command.ts";
import type { Line } from "./line.ts";
import { targetOf } from "./target.ts";

/**
 * The name of a service, an endpoint or a topic. None has blanks or characters that nobody sees, and on the wire those at an
 * end are cut off: rules would look at another name than is asked.
 * @param missing what is said when there is none
 */
export function wireName(missing: string) {
  return z.string({ error: missing }).refine((name) => unnamed(name) === undefined, {
    error: ({ input }) => `that is no name: ${unnamed(String(input))}`,
  });
}

/** Why it is no name. */
function unnamed(name: string): string | undefined {
  const found = /[\s\p{C}]/u.exec(name)?.[0];
  if (found === undefined) return undefined;
  const code = (found.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0");
  return `it has a ${/\s/.test(found) ? "blank" : "character that nobody sees"}, U+${code}`;
}

/** A name in a line that may be taken for another one, and where it stands. */
export interface Doubtful {
  readonly words: string;
  readonly start?: number;
  readonly end?: number;
}

/**
 * Looks at the words that select a command, as they were typed, and at the name of what it acts on: what looks like another
 * name is not carried out (`core/look-alike.ts`).
 */
export function doubtfulName(
  command: AnyCommand,
  line: Line,
  from: number,
  input: Readonly<Record<string, unknown>>,
): Doubtful | undefined {
  for (const { start, end } of line.words.slice(0, from)) {
    const why = lookAlike(typed(line.text, start, end));
    if (why !== undefined) return { words: `that is not taken for \`${command.name}\`: ${why}`, start, end };
  }
  if (command.takesAnyName) return undefined;
  const name = targetIn(command, input);
  const word = name === undefined ? undefined : line.words.slice(from).find(({ text }) => text === name);
  const raw = word && !word.quoted ? typed(line.text, word.start, word.end) : name;
  const why = raw === undefined ? undefined : (unnamed(raw) ?? lookAlike(raw));
  if (why === undefined) return undefined;
  return { words: `"${name}" is not taken for the name of a service: ${why}`, ...(word && spanOf(word)) };
}

/**
 * A word with what was typed in it and right behind it. Clients put characters of no width around mentions and behind emoji;
 * between letters there is no reason for one, and it ends a word without anybody seeing that. And phones write the
 * apostrophe of `why can't I` as a curly one.
 */
function typed(text: string, start: number, end: number): string {
  const behind = /^[\u200b\ufeff]+[^\s\u200b\ufeff]/.exec(text.slice(end, end + 8))?.[0] ?? "";
  const word = text.slice(start, end).replace(NO_WIDTH_AROUND, "");
  return word.replace(/(?<=\w)\u2019(?=\w)/g, "'") + behind;
}

const NO_WIDTH_AROUND = /^(?:\u200b|\u200c|\u200d|\u2060|\ufeff)+|(?:\u200b|\u200c|\u200d|\u2060|\ufeff)+$/g;

function spanOf({ start, end }: { readonly start: number; readonly end: number }) {
  return { start, end };
}

function targetIn(command: AnyCommand, input: Readonly<Record<string, unknown>>): string | undefined {
  try {
    return targetOf(command, input);
  } catch {
    // What it cannot read, its `run` will tell.
    return undefined;
  }
}
