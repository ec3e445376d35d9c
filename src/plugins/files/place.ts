import type { Flawed } from "./check.ts";

/** A place in a file; both begin with 1. */
export interface PlaceInFile {
  readonly line: number;
  readonly column: number;
}

/**
 * Where in a file a flaw of a definition stands: its field, else its name. It is looked for in the text, because a definition that
 * was loaded does not know where it stood; `undefined`: it is made in a way that this does not find.
 */
export function placeIn(
  text: string,
  { name, key, said }: Pick<Flawed, "name" | "key" | "said">,
): PlaceInFile | undefined {
  const named = name === undefined ? -1 : text.search(new RegExp(`\\bname:\\s*["'\`]${escaped(name)}["'\`]`));
  if (name !== undefined && named === -1) return undefined;
  const begins = named === -1 ? 0 : Math.max(0, text.lastIndexOf("defineCommand", named));
  const next = text.indexOf("defineCommand", Math.max(named, begins + 1));
  const own = text.slice(begins, named === -1 || next === -1 ? undefined : next);
  const at = said === undefined ? -1 : own.indexOf(said);
  const field = key === undefined ? -1 : own.search(new RegExp(`(?<=[\\s{,])${escaped(key)}\\s*[:(,]`));
  const found = at !== -1 ? begins + at : field !== -1 ? begins + field : named;
  if (found === -1) return undefined;
  const before = text.slice(0, found).split("\n");
  return { line: before.length, column: (before.at(-1) as string).length + 1 };
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
