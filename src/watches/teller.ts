import type { House } from "../commands/house.ts";
import type { Behalf } from "../commands/perform.ts";
import type { Held, WatchStore } from "./store.ts";
import type { Watch } from "./watch.ts";

/** What is said of a watch. */
export interface Telling {
  /** The state that people know then; left out: the watch has ended. */
  readonly key?: string;
  /** A headline, and some lines. */
  readonly words: readonly string[];
  /** What changes in the watch beside. */
  readonly change?: Partial<Pick<Watch, "turns" | "nodes">> & { readonly flapping?: number | undefined };
  /** Why it is said now, before the headline. */
  readonly why?: string;
}

/**
 * Says what has changed, once: what is to be said is written down by compare-and-set before, by one of all replicas, and that it was
 * said after. Who dies in between leaves a watch that is `saying`, and nobody knows whether that was heard.
 */
export interface Teller {
  /** @returns `undefined`: another was faster, or it is gone; else what was agreed on @throws MicroError what the store throws */
  tell(held: Held, telling: Telling): Promise<Held | "ended" | undefined>;
  /** What was said could not be written down, and is now. @returns `undefined` when that is not ours @throws MicroError */
  settle(held: Held): Promise<Held | "ended" | undefined>;
}

export function createTeller(house: House, store: WatchStore): Teller {
  const { clock, performer } = house;
  /** What was said and could not be written down, by watch. */
  const unwritten = new Map<string, { readonly at: number; readonly after: Watch | undefined }>();

  const write = async (mine: Held, after: Watch | undefined): Promise<Held | "ended" | undefined> => {
    const { id, saying } = mine.watch;
    unwritten.set(id, { at: saying?.at ?? 0, after });
    const done =
      after === undefined ? ((await store.remove(mine)) ? "ended" : undefined) : await store.change(mine, after);
    unwritten.delete(id);
    // Somebody has ended it while it was said.
    return done ?? "ended";
  };

  return {
    tell: async (held, { key, words, change = {}, why }) => {
      const at = clock.now();
      const { saying: _before, ...watch } = held.watch;
      const saying = { key: key ?? "", at, end: key === undefined };
      const mine = await store.change(held, { ...watch, saying });
      if (mine === undefined) return undefined;
      const [head = "", ...lines] = words;
      const text = [
        `${why ?? ""}${head} (watch ${watch.id} of ${watch.behalf.from.name})`,
        ...lines.map((line) => `- ${line}`),
      ];
      const behalf = { ...watch.behalf, place: watch.answers?.place ?? watch.behalf.place } as Behalf;
      await performer.say(
        behalf,
        { kind: "text", text: text.join("\n") },
        key === undefined ? undefined : choicesOf(watch),
      );
      if (key === undefined) return write(mine, undefined);
      const { flapping: was, ...rest } = watch;
      const { flapping = "flapping" in change ? undefined : was, ...more } = change;
      return write(mine, { ...rest, ...more, ...(flapping !== undefined && { flapping }), said: { key, at } });
    },
    settle: async (held) => {
      const known = unwritten.get(held.watch.id);
      if (known === undefined || held.watch.saying?.at !== known.at) return undefined;
      return write(held, known.after);
    },
  };
}

function choicesOf({ id, kind, service, said }: Watch) {
  const look =
    kind === "health" && said?.key === "well"
      ? [{ label: "Why?", line: `why is ${service} unhealthy` }]
      : [{ label: "Health", line: `health ${service}` }];
  // A service may be called anything, and whoever presses says what stands there.
  return /^\w[\w.-]*$/.test(service) ? [...look, stopOf(id)] : [stopOf(id)];
}

function stopOf(id: string) {
  return { label: "Stop watching", line: `unwatch ${id}` };
}
