import { chatLine, type Line } from "../commands/line.ts";
import type { IncomingMessage } from "../inputs/input.ts";

/**
 * What a message says to the bot, its name taken off; `undefined` when it says nothing to it. The bot is spoken to in direct
 * talk, by a mention, and by its name as a first *word* (`micro list services`, never `microscope …`).
 */
export function address(name: string): (message: IncomingMessage) => Line | undefined {
  const named = new RegExp(`^\\s*@?${name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}(?:[:,]?\\s+|[:,]?\\s*$)`, "i");
  const lower = name.toLowerCase();
  return ({ text, addressed }) => {
    if (!addressed && !startsWith(text, lower)) return undefined;
    const match = named.exec(text);
    if (!addressed && match === null) return undefined;
    return chatLine(match ? text.slice(match[0].length) : text);
  };
}

/** Cheap, because every sentence of every room comes by here. */
function startsWith(text: string, name: string): boolean {
  let at = 0;
  while (at < text.length && (text.charCodeAt(at) <= 32 || text[at] === "@" || text[at] === "\u00a0")) at++;
  return text.slice(at, at + name.length).toLowerCase() === name;
}
