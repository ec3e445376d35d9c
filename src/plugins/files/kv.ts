import type { OwnKv } from "../../commands/needs.ts";
import { closable } from "../../core/lifecycle.ts";
import { checkKey, checkPrefix, keyOf } from "../../platform/kv/keys.ts";
import type { Change, Entry, Kv } from "../../platform/kv/kv.ts";

/** The store as far as the commands of one file see it: every key stands below `own.<name>.`, which nothing it says can leave. */
export function ownKv(kv: Kv, name: string): OwnKv {
  const start = `${keyOf("own", name)}.`;
  const inside = (key: string) => {
    checkKey(key);
    return `${start}${key}`;
  };
  const shown = <T extends Entry>(entry: T): Entry => ({ ...entry, key: entry.key.slice(start.length) });
  const below = (prefix: string) => {
    checkPrefix(prefix);
    return `${start}${prefix}`;
  };
  return {
    get: async (key, options) => {
      const entry = await kv.get(inside(key), options);
      return entry && shown(entry);
    },
    list: async (prefix, options) => (await kv.list(below(prefix), options)).map(shown),
    put: async (key, value, options) => kv.put(inside(key), value, options),
    create: async (key, value, options) => kv.create(inside(key), value, options),
    update: async (key, value, revision, options) => kv.update(inside(key), value, revision, options),
    delete: async (key, options) => kv.delete(inside(key), options),
    watch: async (prefix, options) => {
      const watcher = await kv.watch(below(prefix), options);
      return {
        ...closable(() => watcher.close()),
        async *[Symbol.asyncIterator](): AsyncGenerator<Change> {
          for await (const { key, entry } of watcher) {
            yield { key: key.slice(start.length), entry: entry && shown(entry) };
          }
        },
      };
    },
  };
}
