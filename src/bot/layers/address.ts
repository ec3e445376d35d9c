import { chatLine } from "../../commands/line.ts";
import type { Layer } from "../context.ts";

/**
 * Lets through what is said to the bot: direct talk, a mention, or its name as a first *word* (`micro list services`,
 * never `microscope …`). The name is taken off.
 */
export function address(name: string): Layer {
  const named = new RegExp(`^\\s*@?${name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}(?:[:,]?\\s+|[:,]?\\s*$)`, "i");
  const lower = name.toLowerCase();
  return async (context, next) => {
    const { text, addressed } = context.message;
    if (!addressed && !startsWith(text, lower)) return undefined;
    const match = named.exec(text);
    if (!addressed && match === null) return undefined;
    return next({ ...context, line: chatLine(match ? text.slice(match[0].length) : text) });
  };
}

/** Cheap, because every sentence of every room comes by here. */
function startsWith(text: string, name: string): boolean {
  let at = 0;
  while (at < text.length && (text.charCodeAt(at) <= 32 || text[at] === "@")) at++;
  return text.slice(at, at + name.length).toLowerCase() === name;
}
