import type { House } from "../commands/house.ts";
import type { Behalf } from "../commands/perform.ts";
import { MicroError } from "../core/errors.ts";
import type { Entry } from "./roster.ts";
import { type Facts, progressOf, type Seen } from "./state.ts";
import type { Held, WatchStore } from "./store.ts";
import { progressWords } from "./words.ts";

const PUT_MS = 20_000;

/** What its card should say, if it says something else. */
export function dueProgress(entry: Pick<Entry, "kind" | "until" | "progress">, { seen }: Facts): string | undefined {
  if (entry.kind !== "version" || entry.until === undefined || seen === undefined) return undefined;
  const { there, of } = progressOf(entry.until, seen);
  const progress = `${there}/${of}`;
  return of === 0 || progress === entry.progress ? undefined : progress;
}

/**
 * Shows how far the nodes have come, in one message that grows. Where nothing can be changed nothing is shown: the end is told anyway.
 * @returns the watch as it is kept by then; `undefined`: it is gone
 * @throws MicroError what the store throws
 */
export async function putCard(
  house: House,
  store: WatchStore,
  held: Held,
  seen: Seen,
  progress: string,
): Promise<Held | undefined> {
  const { watch } = held;
  const behalf = watch.behalf as Behalf;
  const { input } = behalf;
  // What it began with was in the answer to who asked.
  if (!house.board.edits(input) || watch.card === undefined) return keep(store, held, watch.card?.at ?? "", progress);
  const { done } = progressOf(watch.until ?? "", seen);
  try {
    const at = await house.board.put(
      {
        ...{ input, place: watch.answers?.place ?? behalf.place, key: `watch.${watch.id}`, name: `watch ${watch.id}` },
        head: `${progressWords(watch, seen)} (watch ${watch.id} of ${behalf.from.name})`,
        ...(watch.card.at !== "" && { at: watch.card.at }),
        ...(!done && { choices: [{ label: "Stop watching", line: `unwatch ${watch.id}` }] }),
      },
      { timeoutMs: PUT_MS },
    );
    return await keep(store, held, at, progress);
  } catch (error) {
    // The card is a help; what matters is said in a message.
    house.log.warn(
      { watch: watch.id, reason: MicroError.from(error).message },
      "the card of a watch cannot be changed",
    );
    return keep(store, held, watch.card.at, progress);
  }
}

async function keep(store: WatchStore, held: Held, at: string, progress: string): Promise<Held | undefined> {
  return (await store.change(held, { ...held.watch, card: { at, progress } })) ?? store.get(held.watch.id);
}
