import { chatLine, type Line } from "../commands/line.ts";
import type { Heeded } from "../inputs/input.ts";

/** What people say before they come to it. */
export const GREETINGS = ["hey", "hi", "hello", "ok", "okay", "please"] as const;
const GREETING = `(?:${GREETINGS.join("|")})[,!]?\\s+`;

/**
 * What a message says to the bot, its name taken off; `undefined` when it says nothing to it. The bot is spoken to in direct
 * talk, by a mention, and by its name as a first *word* (`micro list services`, never `microscope …`).
 *
 * Only a greeting may stand before a command: `hey @micro list services` is one, and so is what is left of it where the
 * network has taken the mention out. In `what does @micro list services do?` somebody is asking, so nothing of it is
 * carried out; who mentioned the bot is told what can be said.
 */
export function address(name: string): (message: Heeded) => Line | undefined {
  const escaped = name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const named = new RegExp(`^\\s*(?:@?|(?:${GREETING})+@)${escaped}(?:[:,]?\\s+|[:,]?\\s*$)`, "i");
  const greeted = new RegExp(`^\\s*(?:${GREETING})+(?:@?${escaped}(?:[:,]?\\s+|[:,]?\\s*$)|(?=\\S))`, "i");
  const polite = new RegExp(`^(?:${GREETING})+(?=\\S)`, "i");
  const lower = name.toLowerCase();
  return ({ text, addressed }) => {
    if (!addressed && !mayName(text, lower)) return undefined;
    const match = named.exec(text) ?? (addressed ? greeted.exec(text) : null);
    if (!addressed && match === null) return undefined;
    return chatLine(match ? text.slice(match[0].length).replace(polite, "") : text);
  };
}

/** Longer greetings than this are none. */
const BEGINNING = 40;

/** Cheap, because every sentence of every room comes by here. */
function mayName(text: string, name: string): boolean {
  let at = 0;
  while (at < text.length && (text.charCodeAt(at) <= 32 || text[at] === "@" || text[at] === "\u00a0")) at++;
  if (text.slice(at, at + name.length).toLowerCase() === name) return true;
  const mention = text.indexOf("@");
  return mention >= 0 && mention < BEGINNING;
}
