import { closest, distance } from "fastest-levenshtein";
import type { Match } from "./catalog.ts";
import type { Word } from "./line.ts";

/** A name of so many letters can be two letters off and still be meant; of shorter ones too many words would be (`low` for `show`). */
const LONG = 6;

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
  const off = distance(said, near);
  const slips = near.length >= LONG || isSwapped(said, near) ? 2 : 1;
  if (off > slips) return undefined;
  const other = `\`${command.name} ${near}\``;
  // Where that can be said it has been found by now.
  const ask = said === near ? `${other} cannot be said here.` : `did you mean ${other}?`;
  return { words: `${ask} If "${word.text}" is what is wrong, say ${command.name} -- ${word.text}`, word };
}

/** The same letters in another order. */
function isSwapped(one: string, other: string): boolean {
  return [...one].sort().join("") === [...other].sort().join("");
}
