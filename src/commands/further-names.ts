import { closest, distance } from "fastest-levenshtein";
import type { Match } from "./catalog.ts";
import type { Word } from "./line.ts";

/** So many letters off, a word is still meant to be that one. */
const SLIPS = 2;

/** What to ask of a line whose first word is nearly one of `Command.furtherNames`, and which word it is. */
export function nearlyOther({
  command,
  line,
  from,
}: Match): { readonly words: string; readonly word: Word } | undefined {
  const { furtherNames = [] } = command;
  const word = line.words[from];
  if (word === undefined || word.quoted || furtherNames.length === 0) return undefined;
  const said = word.text.toLowerCase();
  const near = closest(said, furtherNames);
  if (distance(said, near) > SLIPS) return undefined;
  const other = `\`${command.name} ${near}\``;
  // Where that can be said it has been found by now.
  const ask = said === near ? `${other} cannot be said here.` : `did you mean ${other}?`;
  return { words: `${ask} If "${word.text}" is what is wrong, say ${command.name} -- ${word.text}`, word };
}
