import { setImmediate } from "node:timers/promises";
import type { View } from "../commands/command.ts";

/** Characters that are gone through in about a millisecond. */
const LONG = 65_536;

/** Lets others work before a long answer is gone through once more: their messages would wait for all of it otherwise. */
export async function turnFor(view: View | undefined): Promise<void> {
  if (view !== undefined && lengthOf(view) > LONG) await setImmediate();
}

function lengthOf(view: View): number {
  if (view.kind !== "list") return view.text.length;
  return view.items.reduce((sum, item) => sum + item.length + 1, 0);
}
