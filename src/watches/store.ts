import { randomBytes } from "node:crypto";
import { MicroError } from "../core/errors.ts";
import { keyOf } from "../platform/kv/keys.ts";
import type { Kv } from "../platform/kv/kv.ts";
import { readWatch, type Watch } from "./watch.ts";

/** One, with the revision that it has in the store. */
export interface Held {
  readonly watch: Watch;
  readonly revision: number;
}

const PREFIX = "watch";
export const KEYS = `${PREFIX}.`;
const TRIES = 5;

/** Watches in the store that replicas share, a key each. All throw `MicroError` as it does. */
export interface WatchStore {
  get(id: string): Promise<Held | undefined>;
  list(): Promise<readonly Held[]>;
  /** Gives it an id. */
  add(watch: Omit<Watch, "id">): Promise<Watch>;
  /** Only if it is what it was. @returns `undefined`: somebody has changed it, or taken it away */
  change(held: Held, watch: Watch): Promise<Held | undefined>;
  /** @returns whether it was there, and was that one */
  remove(held: Held): Promise<boolean>;
}

export function createWatchStore(kv: Kv): WatchStore {
  const keyFor = (id: string) => keyOf(PREFIX, id);
  return {
    get: async (id) => {
      const entry = await kv.get(keyFor(id));
      const watch = entry && readWatch(entry.value);
      return entry && watch && { watch, revision: entry.revision };
    },
    change: async ({ revision }, watch) => {
      const now = await kv.update(keyFor(watch.id), JSON.stringify(watch), revision);
      return now === undefined ? undefined : { watch, revision: now };
    },
    list: async () =>
      (await kv.list(KEYS)).flatMap(({ value, revision }) => {
        const watch = readWatch(value);
        return watch ? [{ watch, revision }] : [];
      }),
    add: async (draft) => {
      for (let tries = 0; tries < TRIES; tries++) {
        const watch = { ...draft, id: randomBytes(3).toString("hex") };
        if ((await kv.create(keyFor(watch.id), JSON.stringify(watch))) !== undefined) return watch;
      }
      throw new MicroError("conflict", "others make watches at this moment; say it again");
    },
    remove: ({ watch, revision }) => kv.delete(keyFor(watch.id), { revision }),
  };
}
