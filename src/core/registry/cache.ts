import { sharedAbort } from "../abort.ts";
import { backoff } from "../backoff.ts";
import { type Clock, systemClock } from "../clock.ts";
import { deadline, orAbort } from "../deadline.ts";
import { MicroError } from "../errors.ts";
import type { CallOptions } from "../lifecycle.ts";
import { type Log, silent } from "../log.ts";
import type { Registry, RegistryEvent, ServiceRecord } from "./registry.ts";
import { createSightings } from "./sightings.ts";
import { createPause, eachAtMost } from "./slices.ts";
import { changes, NO_VERSIONS, notFound, sortedNames, type Versions, withoutRecord, withRecord } from "./versions.ts";
import { createWatchers } from "./watchers.ts";

export interface CacheParts {
  readonly clock?: Clock;
  readonly log?: Log;
}

/** Requests at once while everything is read. */
const READERS = 8;
/** The same where a question costs one packet and the answer a fixed wait. */
const MULTICAST_READERS = 32;
const FIRST_RETRY_MS = 200;
const MAX_RETRY_MS = 5000;
/** A node that left so many questions in a row unanswered is gone. They are asked `maxAgeMs / QUESTIONS` apart. */
const QUESTIONS = 3;
/** A name that is used is asked about again after `maxAgeMs / USES`. */
const USES = 12;
/** How long `register` and `deregister` wait for the backend to tell what was just done. */
const ECHO_MS = 1000;

/**
 * A registry that answers from memory: it reads `inner` once, then lives from one watch of it. Records and lists are
 * frozen and handed out without a copy; nobody waits for the network in `get` and `list`.
 *
 * - When the backend is lost it goes on answering what it knows, with `lostAt` set, and tries to get it back for ever (with
 *   growing pauses). Its watches stay open over that and tell the differences. What it never read is `unavailable`.
 * - `start()` does not fail because the backend is down: it resolves with `lostAt` set.
 * - Where departures may go untold (`inner.maxAgeMs`) it asks again, by itself and when a name is used, drops nodes that
 *   stay silent, and asks once about a name that it does not know.
 * - `register` and `deregister` go through, and resolve when their effect is seen here, or after 1000 ms.
 *
 * It owns `inner`: starts and stops it.
 */
export function cached(inner: Registry, { clock = systemClock, log = silent }: CacheParts = {}): Registry {
  const { where, maxAgeMs } = inner;
  const services = new Map<string, Versions>();
  const watchers = createWatchers(where);
  const sightings = createSightings(QUESTIONS);
  /** Questions on their way, by name. */
  const asking = new Map<string, Promise<Versions>>();
  /** When a name was last asked about. */
  const askedAt = new Map<string, number>();
  const onChange = new Set<() => void>();
  let names: readonly string[] | undefined;
  let lostAt: number | undefined;
  let everRead = false;
  let running: { readonly abort: AbortController; readonly done: Promise<unknown> } | undefined;

  const known = (name: string): Versions => services.get(name) ?? NO_VERSIONS;

  const set = (name: string, after: Versions): void => {
    const before = known(name);
    const events = changes(before, after);
    if (events.length === 0) return;
    if (before.length === 0 || after.length === 0) names = undefined;
    if (after.length > 0) services.set(name, after);
    else {
      services.delete(name);
      askedAt.delete(name);
    }
    for (const event of events) watchers.publish(event);
  };
  const changed = () => {
    for (const tell of [...onChange]) tell();
  };

  const apply = ({ action, service }: RegistryEvent): void => {
    sightings.heard(service);
    if (action === "delete") set(service.name, withoutRecord(known(service.name), service));
    else if (service.nodes.length > 0) set(service.name, withRecord(known(service.name), service));
    changed();
  };

  const read = async (name: string, signal: AbortSignal): Promise<Versions> => {
    try {
      return await inner.get(name, { signal });
    } catch (error) {
      if (error instanceof MicroError && error.code === "not_found") return NO_VERSIONS;
      throw error;
    }
  };

  const readAll = async (also: Iterable<string>, signal: AbortSignal): Promise<Map<string, Versions>> => {
    const all = new Map<string, Versions>();
    const wanted = new Set([...(await inner.list({ signal })), ...also]);
    await eachAtMost(maxAgeMs === undefined ? READERS : MULTICAST_READERS, wanted, async (name) => {
      all.set(name, await read(name, signal));
    });
    return all;
  };

  /** The whole truth, from a backend that tells everything. */
  const replaceAll = async (all: ReadonlyMap<string, Versions>): Promise<void> => {
    const pause = createPause();
    for (const name of [...services.keys()]) if (!all.has(name)) set(name, NO_VERSIONS);
    for (const [name, versions] of all) {
      set(name, Object.isFrozen(versions) ? versions : Object.freeze([...versions]));
      await pause();
    }
    changed();
  };

  /** One name's answers, where silence is not yet absence. */
  const observe = (name: string, found: Versions): void => {
    set(name, sightings.asked(name, known(name), found));
    if (services.has(name)) askedAt.set(name, clock.now());
    changed();
  };

  const ask = (name: string, signal: AbortSignal): Promise<Versions> => {
    const underWay = asking.get(name);
    if (underWay !== undefined) return underWay;
    const answer = read(name, signal)
      .then((found) => {
        observe(name, found);
        return known(name);
      })
      .finally(() => asking.delete(name));
    answer.catch(() => {}); // whoever waits for it is told; a question of our own may fail
    asking.set(name, answer);
    return answer;
  };

  const lost = (error: MicroError): void => {
    if (lostAt === undefined) {
      lostAt = clock.now();
      log.warn({ registry: inner.kind, where, code: error.code, err: error.message }, "registry lost, trying again");
    }
  };

  /** One life of the watch: throws when it ends. */
  const follow = async (signal: AbortSignal, onRead: () => void): Promise<never> => {
    await inner.start({ signal });
    await using watcher = await inner.watch({ signal });
    if (maxAgeMs === undefined) await replaceAll(watcher.initial ?? (await readAll([], signal)));
    else for (const [name, found] of await readAll([], signal)) observe(name, found);
    everRead = true;
    if (lostAt !== undefined)
      log.info({ registry: inner.kind, where, lostMs: clock.now() - lostAt }, "registry is back");
    lostAt = undefined;
    onRead();
    for await (const event of watcher) apply(event);
    throw new MicroError("unavailable", `the watch of ${where} ended`);
  };

  const followForEver = async (signal: AbortSignal, onAttempt: () => void): Promise<void> => {
    for (let failures = 0; !signal.aborted; failures += 1) {
      const restart = () => {
        failures = 0;
        onAttempt();
      };
      await follow(signal, restart).catch((error: unknown) => {
        if (!signal.aborted) lost(MicroError.from(error, "unavailable"));
      });
      onAttempt();
      // Half fixed, half random, so that a hundred bots do not come back in the same instant.
      const pauseMs = backoff(failures, FIRST_RETRY_MS, MAX_RETRY_MS);
      await clock.sleep(pauseMs, { signal }).catch(() => {});
    }
  };

  const askForEver = async (everyMs: number, signal: AbortSignal): Promise<void> => {
    while (!signal.aborted) {
      await clock.sleep(everyMs, { signal }).catch(() => {});
      if (signal.aborted || lostAt !== undefined || !everRead) continue;
      await readAll(services.keys(), signal).then(
        (all) => {
          for (const [name, found] of all) observe(name, found);
        },
        (error: unknown) => log.debug({ registry: inner.kind, err: String(error) }, "asking again failed"),
      );
    }
  };

  const ready = (): AbortController => {
    if (running === undefined) throw new MicroError("unavailable", `the registry cache of ${where} is not started`);
    if (!everRead) throw new MicroError("unavailable", `${where} was not reached yet; it is tried again all the time`);
    return running.abort;
  };

  const peek = (name: string): Versions | undefined => {
    const versions = services.get(name);
    if (versions !== undefined && maxAgeMs !== undefined && running !== undefined) {
      const stale = clock.now() - (askedAt.get(name) ?? 0) > maxAgeMs / USES;
      if (stale) void ask(name, running.abort.signal).catch(() => {});
    }
    return versions;
  };

  /** What waits for nothing needs no deadline, which would be most of what it costs. */
  const goOn = ({ signal }: CallOptions): void => {
    if (signal?.aborted) throw new MicroError("cancelled", `${where}: cancelled`);
  };

  const unknown = async (name: string, options: CallOptions, signal: AbortSignal): Promise<Versions> => {
    using limit = deadline(options, 5000, where);
    if (lostAt !== undefined) {
      throw new MicroError("unavailable", `${where} cannot be reached, and "${name}" was not known before`);
    }
    const found = maxAgeMs === undefined ? NO_VERSIONS : await orAbort(ask(name, signal), limit.signal);
    if (found.length === 0) throw notFound(name, where);
    return found;
  };

  /** Waits until `seen()`, at most a moment: the backend's own echo is what changes the cache. */
  const echo = async (seen: () => boolean, signal: AbortSignal): Promise<void> => {
    if (seen() || lostAt !== undefined || running === undefined) return;
    const abort = new AbortController();
    const end = () => abort.abort();
    const check = () => {
      if (seen()) end();
    };
    onChange.add(check);
    signal.addEventListener("abort", end, { once: true });
    await clock.sleep(ECHO_MS, { signal: abort.signal }).catch(() => {});
    signal.removeEventListener("abort", end);
    onChange.delete(check);
  };
  const has = (service: ServiceRecord, id: string): boolean =>
    known(service.name).some(({ version, nodes }) => version === service.version && nodes.some((n) => n.id === id));

  const stop = async (): Promise<void> => {
    const { abort, done } = running ?? {};
    running = undefined;
    abort?.abort();
    watchers.end();
    await done;
    await inner.stop();
    services.clear();
    askedAt.clear();
    sightings.clear();
    names = undefined;
    everRead = false;
    lostAt = undefined;
  };

  return {
    kind: inner.kind,
    where,
    outlives: inner.outlives,
    maxAgeMs,
    get lostAt() {
      return lostAt;
    },
    start: async (options = {}) => {
      using limit = deadline(options, 5000, where);
      limit.check();
      if (running !== undefined) return;
      const abort = sharedAbort();
      const attempted = new Promise<void>((resolve) => {
        const loops = [followForEver(abort.signal, resolve)];
        if (maxAgeMs !== undefined) loops.push(askForEver(maxAgeMs / QUESTIONS, abort.signal));
        running = { abort, done: Promise.all(loops) };
      });
      try {
        await orAbort(attempted, limit.signal);
      } catch (error) {
        if (options.signal?.aborted) {
          await stop();
          throw error;
        }
        lost(MicroError.from(error));
      }
    },
    stop,
    register: async (service, options = {}) => {
      await inner.register(service, options);
      const { signal = NEVER } = options;
      await echo(() => service.nodes.every(({ id }) => has(service, id)), signal);
    },
    deregister: async (service, options = {}) => {
      await inner.deregister(service, options);
      const { signal = NEVER } = options;
      await echo(() => !service.nodes.some(({ id }) => has(service, id)), signal);
    },
    get: async (name: string, options: CallOptions = {}) => {
      goOn(options);
      const { signal } = ready();
      return peek(name) ?? unknown(name, options, signal);
    },
    peek,
    list: async (options: CallOptions = {}) => {
      goOn(options);
      ready();
      names ??= sortedNames(services.keys());
      return names;
    },
    watch: async (options = {}) => {
      checkAborted(options, where);
      if (running === undefined) throw new MicroError("unavailable", `the registry cache of ${where} is not started`);
      return watchers.add(options);
    },
  };
}

/** All that is left of the options when nothing is waited for: a deadline would cost more than the answer. */
function checkAborted(options: CallOptions | undefined, where: string): void {
  if (options?.signal?.aborted) throw new MicroError("cancelled", `${where}: cancelled`);
}

const NEVER = sharedAbort().signal;
