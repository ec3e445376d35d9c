import type { Clock } from "../clock.ts";
import { MicroError } from "../errors.ts";
import { type Closable, closable } from "../lifecycle.ts";
import type { Log } from "../log.ts";
import type { Registry, ServiceRecord, Watcher } from "../registry/registry.ts";
import { type Plan, planOf, serviceNames } from "./http-eras.ts";

/** Who subscribes to a topic, looked up once and then as often as the registry says that something changed. */
export interface Plans extends Closable {
  /** What is known now, without a promise; `undefined`: ask `get`. */
  peek(topic: string): Plan | undefined;
  /** @throws MicroError `unavailable` */
  get(topic: string): Promise<Plan>;
}

/** Topics that are remembered; the one that was looked up first goes first. */
const MAX_TOPICS = 1000;
/** How long a plan holds while nobody says what changes, and how long to wait for somebody who does. */
const BLIND_MS = 1000;

interface Known {
  readonly names: readonly string[];
  plan: Plan | undefined;
  /** What the registry had in memory when it was made. */
  seen: readonly (readonly ServiceRecord[] | undefined)[];
  madeAt: number;
  making: Promise<Plan> | undefined;
}

export function createPlans(registry: Registry, clock: Clock, log: Log): Plans {
  const topics = new Map<string, Known>();
  const over = new AbortController();
  let following: { readonly attempted: Promise<void>; readonly done: Promise<void> } | undefined;
  let watcher: Watcher | undefined;

  const forget = (name?: string) => {
    for (const known of topics.values()) if (name === undefined || known.names.includes(name)) known.plan = undefined;
  };
  const follow = async (attempted: () => void): Promise<void> => {
    while (!over.signal.aborted) {
      try {
        watcher = await registry.watch({ signal: over.signal });
        forget();
        attempted();
        for await (const { service } of watcher) forget(service.name);
      } catch (error) {
        if (!over.signal.aborted) {
          log.debug(
            { registry: registry.where, reason: MicroError.from(error).message },
            "cannot watch for subscribers",
          );
        }
      }
      await watcher?.close();
      watcher = undefined;
      forget();
      attempted();
      await clock.sleep(BLIND_MS, { signal: over.signal }).catch(() => {});
    }
  };
  const inMemory = (names: readonly string[]) => names.map((name) => registry.peek?.(name));
  const lookUp = async (topic: string, known: Known): Promise<Plan> => {
    if (following === undefined) {
      let attempted = () => {};
      const promise = new Promise<void>((resolve) => {
        attempted = resolve;
      });
      following = { attempted: promise, done: follow(attempted) };
    }
    await following.attempted;
    known.seen = inMemory(known.names);
    known.madeAt = clock.now();
    const found = await Promise.all(known.names.map((name) => recordsOf(registry, name, over.signal)));
    known.plan = planOf(topic, found);
    return known.plan;
  };

  return {
    peek: (topic) => {
      const known = topics.get(topic);
      if (known?.plan === undefined) return undefined;
      const { names, seen } = known;
      if (registry.peek)
        for (let at = 0; at < names.length; at++) if (registry.peek(names[at]!) !== seen[at]) return undefined;
      const holdsMs = watcher === undefined ? BLIND_MS : registry.maxAgeMs;
      return holdsMs !== undefined && clock.now() - known.madeAt > holdsMs ? undefined : known.plan;
    },
    get: (topic) => {
      let known = topics.get(topic);
      if (known === undefined) {
        const oldest = topics.size >= MAX_TOPICS ? topics.keys().next().value : undefined;
        if (oldest !== undefined) topics.delete(oldest);
        known = { names: serviceNames(topic), plan: undefined, seen: [], madeAt: 0, making: undefined };
        topics.set(topic, known);
      }
      const asked = known;
      asked.making ??= lookUp(topic, asked).finally(() => {
        asked.making = undefined;
      });
      return asked.making;
    },
    ...closable(async () => {
      over.abort();
      await watcher?.close();
      await following?.done;
    }),
  };
}

async function recordsOf(registry: Registry, name: string, signal: AbortSignal): Promise<readonly ServiceRecord[]> {
  try {
    return await registry.get(name, { signal });
  } catch (error) {
    if (error instanceof MicroError && error.code === "not_found") return [];
    throw error;
  }
}
