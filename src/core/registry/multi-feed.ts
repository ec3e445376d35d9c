import { sharedAbort } from "../abort.ts";
import { backoff } from "../backoff.ts";
import type { Clock } from "../clock.ts";
import { orAbort } from "../deadline.ts";
import { MicroError } from "../errors.ts";
import type { Feed } from "./feed.ts";
import type { Registry, RegistryEvent } from "./registry.ts";
import { eachAtMost } from "./slices.ts";
import { changes, NO_VERSIONS, type Versions, withoutRecord, withRecord } from "./versions.ts";

export interface MultiFeedParts {
  readonly registries: readonly Registry[];
  readonly clock: Clock;
  /** One service out of what each registry says of it, in the order of the registries. */
  merge(said: readonly Versions[], before: Versions): Versions;
  publish(event: RegistryEvent): void;
  /** A registry answered, or did not. */
  answered(registry: Registry): void;
  failed(registry: Registry, error: unknown): void;
}

/** Requests at once while a registry is read. */
const READERS = 16;
const FIRST_RETRY_MS = 200;
const MAX_RETRY_MS = 5000;
/** How long the registries that are slow are waited for, once one is there. */
const GRACE_MS = 2000;

/**
 * Watches each registry and tells what changes in the sum of them. One that is lost is opened again and again; until it is
 * back, what it last said stays.
 *
 * @throws MicroError what the first registry failed with, when none could be watched
 */
export async function openMultiFeed(parts: MultiFeedParts, signal: AbortSignal): Promise<Feed> {
  const { registries, clock, merge, publish, answered, failed } = parts;
  const said = registries.map(() => new Map<string, Versions>());
  const services = new Map<string, Versions>();
  const live = new Set<Registry>();
  const attempted = new Set<Registry>();
  let firstError: unknown;
  let open = false;
  let onAttempt = () => {};
  const ending = sharedAbort();
  const end = () => ending.abort(MicroError.from(signal.reason));
  signal.addEventListener("abort", end, { once: true });
  if (signal.aborted) end();

  const settle = (name: string) => {
    const before = services.get(name) ?? NO_VERSIONS;
    const after = merge(
      said.map((each) => each.get(name) ?? NO_VERSIONS),
      before,
    );
    if (after.length === 0) services.delete(name);
    else services.set(name, after);
    if (open) for (const event of changes(before, after)) publish(event);
  };
  const set = (mine: Map<string, Versions>, name: string, versions: Versions) => {
    if (versions.length === 0) mine.delete(name);
    else mine.set(name, versions);
    settle(name);
  };
  const followOnce = async (registry: Registry, mine: Map<string, Versions>, onLive: () => void): Promise<never> => {
    await registry.start({ signal: ending.signal });
    await using watcher = await registry.watch({ signal: ending.signal });
    const all = watcher.initial ?? (await readAll(registry, ending.signal));
    for (const name of [...mine.keys()]) if (!all.has(name)) set(mine, name, NO_VERSIONS);
    for (const [name, versions] of all) set(mine, name, versions);
    onLive();
    for await (const { action, service } of watcher) {
      const known = mine.get(service.name) ?? NO_VERSIONS;
      if (action === "delete") set(mine, service.name, withoutRecord(known, service));
      else if (service.nodes.length > 0) set(mine, service.name, withRecord(known, service));
    }
    throw new MicroError("unavailable", `the watch of ${registry.where} ended`);
  };
  const followForEver = async (registry: Registry, mine: Map<string, Versions>): Promise<void> => {
    for (let failures = 0; !ending.signal.aborted; failures += 1) {
      const onLive = () => {
        failures = 0;
        live.add(registry);
        attempted.add(registry);
        answered(registry);
        onAttempt();
      };
      await followOnce(registry, mine, onLive).catch((error: unknown) => {
        live.delete(registry);
        attempted.add(registry);
        if (ending.signal.aborted) return;
        firstError ??= error;
        failed(registry, error);
        onAttempt();
        // Whoever watches must not take silence for "nothing happens".
        if (open && live.size === 0) ending.abort(MicroError.from(error, "unavailable"));
      });
      const pauseMs = backoff(failures, FIRST_RETRY_MS, MAX_RETRY_MS);
      await clock.sleep(pauseMs, { signal: ending.signal }).catch(() => {});
    }
  };

  const done = Promise.all(
    registries.map((registry, at) => followForEver(registry, said[at] as Map<string, Versions>)),
  );
  const cleanUp = async () => {
    ending.abort(MicroError.from(signal.reason ?? firstError, "unavailable"));
    await done;
    signal.removeEventListener("abort", end);
  };
  try {
    await orAbort(
      new Promise<void>((resolve) => {
        let waiting = false;
        onAttempt = () => {
          if (attempted.size === registries.length) resolve();
          if (live.size === 0 || waiting) return;
          waiting = true;
          clock.sleep(GRACE_MS, { signal: ending.signal }).then(resolve, () => {});
        };
      }),
      ending.signal,
    );
    if (live.size === 0) throw MicroError.from(firstError, "unavailable");
  } catch (error) {
    await cleanUp();
    throw error;
  }
  open = true;
  return {
    current: () => new Map(services),
    follow: async () => {
      try {
        return await orAbort(new Promise<never>(() => {}), ending.signal);
      } finally {
        await cleanUp();
      }
    },
  };
}

async function readAll(registry: Registry, signal: AbortSignal): Promise<ReadonlyMap<string, Versions>> {
  const all = new Map<string, Versions>();
  await eachAtMost(READERS, await registry.list({ signal }), async (name) => {
    try {
      all.set(name, await registry.get(name, { signal }));
    } catch (error) {
      if (!(error instanceof MicroError && error.code === "not_found")) throw error;
    }
  });
  return all;
}
