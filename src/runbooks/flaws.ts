import { type CheckInit, check } from "./check.ts";
import { flawText } from "./read.ts";
import type { Shelved } from "./shelf.ts";

/** All that is wrong with a file, for people, one each: what cannot be read, and then what its lines cannot do. */
export async function flawsOf({ file, book, draft, error }: Shelved, init: CheckInit): Promise<readonly string[]> {
  const known = book ?? draft;
  const more = known ? await check(known, init) : [];
  return [...(error?.message.split("\n") ?? []), ...more.map((flaw) => flawText(file, flaw))];
}
