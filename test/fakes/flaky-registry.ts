import { MicroError } from "../../src/core/errors.ts";
import type { Registry, Watcher } from "../../src/core/registry/registry.ts";
import { createWatchers } from "../../src/core/registry/watchers.ts";

/** A registry whose backend can go away and come back, and which counts what it is asked. */
export interface FlakyRegistry extends Registry {
  /** From now on everything fails with `unavailable`, and open watches end with it. */
  lose(): void;
  find(): void;
  /** Calls so far, by method. */
  readonly calls: { get: number; list: number; watch: number };
}

/** @param options `maxAgeMs` as a registry has it; `deaf`: watches tell nothing, so what goes is not heard */
export function flakyRegistry(
  inner: Registry,
  options: { readonly maxAgeMs?: number; readonly deaf?: boolean } = {},
): FlakyRegistry {
  const where = "a flaky place";
  const calls = { get: 0, list: 0, watch: 0 };
  const silentWatchers = createWatchers(where);
  const open = new Set<{ fail: (error: MicroError) => void }>();
  let lost = false;
  const gone = () => new MicroError("unavailable", `${where} cannot be reached`);
  const check = () => {
    if (lost) throw gone();
  };
  const watch = async (watchOptions: Parameters<Registry["watch"]>[0]): Promise<Watcher> => {
    calls.watch += 1;
    check();
    const watcher = options.deaf ? silentWatchers.add(watchOptions ?? {}) : await inner.watch(watchOptions);
    return {
      close: watcher.close,
      [Symbol.asyncDispose]: watcher[Symbol.asyncDispose],
      [Symbol.asyncIterator]: async function* () {
        const failure = new Promise<never>((_, reject) => open.add({ fail: reject }));
        failure.catch(() => {});
        const events = watcher[Symbol.asyncIterator]();
        for (;;) {
          const next = await Promise.race([events.next(), failure]);
          if (next.done) return;
          yield next.value;
        }
      },
    };
  };
  return {
    kind: "flaky",
    where,
    outlives: false,
    maxAgeMs: options.maxAgeMs,
    calls,
    lose: () => {
      lost = true;
      for (const { fail } of open) fail(gone());
      open.clear();
    },
    find: () => {
      lost = false;
    },
    start: async (o) => inner.start(o),
    stop: async () => {
      silentWatchers.end();
      open.clear();
      await inner.stop();
    },
    register: async (service, o) => {
      check();
      await inner.register(service, o);
    },
    deregister: async (service, o) => {
      check();
      await inner.deregister(service, o);
    },
    get: async (name, o) => {
      calls.get += 1;
      check();
      return inner.get(name, o);
    },
    list: async (o) => {
      calls.list += 1;
      check();
      return inner.list(o);
    },
    watch,
  };
}
