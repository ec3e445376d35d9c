import { MicroError } from "../../src/core/errors.ts";
import type { Change, Kv, KvWatcher } from "../../src/platform/kv/kv.ts";

/** What a process asks of the store. */
export interface Asked {
  readonly what: "get" | "list" | "put" | "create" | "update" | "delete";
  readonly key: string;
  readonly value?: string;
}

/** The store as a process sees it that may end at any moment, without a good-bye: then nothing of it goes out or comes in any more. */
export interface MortalKv extends Kv {
  readonly dead: boolean;
  /** Questions that are not answered yet. */
  readonly pending: number;
  die(): void;
  /** Dies at that question: the store is asked, or not, and nobody hears the answer. */
  dieAt(when: "before" | "after", so: (asked: Asked) => boolean): void;
  /** What hangs since ends with an error, so that what is left of the process can be cleared away. */
  bury(): void;
}

export function mortalKv(kv: Kv): MortalKv {
  let dead = false;
  let pending = 0;
  let doom: { readonly when: "before" | "after"; readonly so: (asked: Asked) => boolean } | undefined;
  let bury = () => {};
  const buried = new Promise<never>((_resolve, reject) => {
    bury = () => reject(new MicroError("unavailable", "that process is no more"));
  });
  buried.catch(() => {});
  const asking = async <R>(asked: Asked, work: () => Promise<R>): Promise<R> => {
    if (doom?.when === "before" && doom.so(asked)) dead = true;
    if (dead) return buried;
    pending += 1;
    try {
      const result = await work();
      // Where another was faster nothing has happened.
      const happened = result !== undefined && result !== false;
      if (doom?.when === "after" && happened && doom.so(asked)) dead = true;
      return dead ? await buried : result;
    } finally {
      pending -= 1;
    }
  };
  return {
    ...kv,
    get dead() {
      return dead;
    },
    get pending() {
      return dead ? 0 : pending;
    },
    die: () => {
      dead = true;
    },
    dieAt: (when, so) => {
      doom = { when, so };
    },
    bury: () => {
      dead = true;
      bury();
    },
    get: (key, ...rest) => asking({ what: "get", key }, () => kv.get(key, ...rest)),
    list: (key, ...rest) => asking({ what: "list", key }, () => kv.list(key, ...rest)),
    put: (key, value, ...rest) => asking({ what: "put", key, value }, () => kv.put(key, value, ...rest)),
    create: (key, value, ...rest) => asking({ what: "create", key, value }, () => kv.create(key, value, ...rest)),
    update: (key, value, ...rest) => asking({ what: "update", key, value }, () => kv.update(key, value, ...rest)),
    delete: (key, ...rest) => asking({ what: "delete", key }, () => kv.delete(key, ...rest)),
    watch: async (...args): Promise<KvWatcher> => {
      if (dead) return buried;
      const watcher = await kv.watch(...args);
      return {
        close: () => watcher.close(),
        [Symbol.asyncDispose]: () => watcher.close(),
        async *[Symbol.asyncIterator](): AsyncGenerator<Change> {
          for await (const change of watcher) {
            if (dead) await buried;
            yield change;
          }
        },
      };
    },
  };
}
