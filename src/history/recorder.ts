import { createHash } from "node:crypto";
import { sharedAbort } from "../core/abort.ts";
import { backoff } from "../core/backoff.ts";
import { type Clock, elapsedBy } from "../core/clock.ts";
import { MicroError } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import type { Registry, RegistryEvent } from "../core/registry/registry.ts";
import type { ServiceChange } from "../core/registry/service-change.ts";
import { eachAtMost } from "../core/registry/slices.ts";
import type { Db } from "../platform/db/db.ts";
import type { Changes } from "./changes.ts";
import { changesBetween } from "./diff.ts";
import { type Registered, registeredOf, sameRegistered } from "./registered.ts";

export interface RecorderInit {
  readonly registry: Registry;
  /** With the tables `HISTORY_TABLES`. */
  readonly db: Db;
  readonly changes: Changes;
  readonly clock: Clock;
  readonly log: Log;
  /** A service that is not looked at: the bot's own, which comes and goes with who would tell of it. */
  readonly except?: string;
  /** A service is looked at when nothing was told of it for so long: what is begun anew within it is one line. @default 3000 */
  readonly settleMs?: number;
  /** And after so long in any case. @default 15000 */
  readonly mostMs?: number;
}

/** Writes down what changes in a registry, from `start` to `stop`. */
export interface Recorder {
  start(): Promise<void>;
  stop(): Promise<void>;
}

const TABLE = "registered";
/** There once somebody has looked: until then, what is there has not come lately. */
const BEGUN = "begun";
const FIRST_RETRY_MS = 500;
const MAX_RETRY_MS = 30_000;
const READERS = 16;
/** A node that writes into its metadata all the time is told of so often at most. */
const METADATA_MS = 600_000;
const MOST_TOLD = 10_000;

/** Of what is told within `settleMs`. */
interface Restless {
  readonly first: number;
  lastAt: number;
  readonly deleted: Set<string>;
}

/**
 * What is registered is compared with what was when it was last looked, which is in the `Db`: so what happened while nobody looked is
 * told, too, when it is found. An event only says that there is something to look at.
 */
export function createRecorder(init: RecorderInit): Recorder {
  const { registry, db, changes, clock, log, settleMs = 3000, mostMs = 15_000 } = init;
  const elapsed = elapsedBy(clock);
  const now = () => Math.round(clock.now());
  const isLookedAt = (name: string) => !isTopic(name) && name !== init.except;
  const known = new Map<string, Registered>();
  const restless = new Map<string, Restless>();
  const metadataTold = new Map<string, number>();
  const working = new Set<Promise<void>>();
  const ended = sharedAbort();
  const { signal } = ended;
  let going: Promise<void> | undefined;
  let loaded = false;
  let everLooked = false;

  /** What the store knows of last time. */
  const load = async () => {
    for (let after: string | undefined, more = true; more; ) {
      const page = await db.search(TABLE, { limit: 500, ...(after !== undefined && { after }) });
      for (const { id, value } of page.records) {
        if (id === BEGUN) everLooked = true;
        else for (const one of readRegistered(value)) known.set(one.service, one);
      }
      after = page.next;
      more = after !== undefined;
    }
  };
  const remember = async (found: Registered) => {
    if (found.nodes.length > 0) {
      known.set(found.service, found);
      await db.put(TABLE, { id: idOf(found.service), at: now(), facts: {}, value: JSON.stringify(found) });
    } else {
      known.delete(found.service);
      await db.delete(TABLE, idOf(found.service));
    }
  };
  /** What is there now; `undefined`: nobody can tell. */
  const look = async (service: string): Promise<Registered | undefined> => {
    if (registry.lostAt !== undefined) return undefined;
    try {
      return registeredOf(service, await registry.get(service, { signal }));
    } catch (error) {
      return MicroError.from(error).code === "not_found" ? registeredOf(service, []) : undefined;
    }
  };
  /** @param at when it happened; @param said what stands before the words */
  const compare = async (service: string, at: number, deleted: ReadonlySet<string>, said = "") => {
    const is = await look(service);
    if (is === undefined) return;
    const before = known.get(service) ?? registeredOf(service, []);
    if (sameRegistered(before, is) && deleted.size === 0) return;
    const found = everLooked ? changesBetween(before, is, deleted).filter((change) => isNews(service, change)) : [];
    // Written down first: what is told twice is better than what is never told.
    await changes.add(found.map((change) => ({ at, service, ...change, words: `${said}${change.words}` })));
    await remember(is);
  };
  const isNews = (service: string, { kind, node = "" }: Pick<ServiceChange, "kind" | "node">): boolean => {
    if (kind !== "metadata") return true;
    const key = `${service} ${node}`;
    const before = metadataTold.get(key);
    if (before !== undefined && elapsed() - before < METADATA_MS) return false;
    if (metadataTold.size >= MOST_TOLD) metadataTold.clear();
    metadataTold.set(key, elapsed());
    return true;
  };
  const careful = async (work: () => Promise<void>) => {
    try {
      await work();
    } catch (error) {
      if (!signal.aborted) log.warn({ reason: MicroError.from(error).message }, "a change could not be written down");
    }
  };

  const touched = ({ action, service: { name, nodes } }: RegistryEvent) => {
    if (!isLookedAt(name)) return;
    const there = restless.get(name);
    const one = there ?? { first: now(), lastAt: elapsed(), deleted: new Set<string>() };
    one.lastAt = elapsed();
    if (action === "delete") for (const { id } of nodes) one.deleted.add(id);
    if (there !== undefined) return;
    restless.set(name, one);
    const work = careful(() => settle(name, one)).finally(() => working.delete(work));
    working.add(work);
  };
  const settle = async (service: string, one: Restless) => {
    const began = elapsed();
    for (;;) {
      const quiet = elapsed() - one.lastAt;
      if (quiet >= settleMs || elapsed() - began >= mostMs) break;
      await clock.sleep(Math.min(settleMs - quiet, mostMs), { signal });
    }
    restless.delete(service);
    await compare(service, one.first, one.deleted);
  };

  /** Everything, after a time in which nobody looked. */
  const reconcile = async (said: string) => {
    const names = new Set([...(await registry.list({ signal })).filter(isLookedAt), ...known.keys()]);
    if (registry.lostAt !== undefined) throw new MicroError("unavailable", `${registry.where} is out of reach`);
    // What cannot be written down is not known afterwards either, so it is found again.
    await eachAtMost(READERS, names, (name) => compare(name, now(), new Set(), said));
    if (!everLooked) await db.put(TABLE, { id: BEGUN, at: now(), facts: {}, value: "{}" });
    everLooked = true;
  };
  const follow = async () => {
    let said = "while I was away: ";
    let failures = 0;
    while (!signal.aborted) {
      try {
        if (!loaded) await load();
        loaded = true;
        const watcher = await registry.watch({ signal });
        const close = () => void watcher.close();
        signal.addEventListener("abort", close, { once: true });
        try {
          // Where services are only heard of, not all of them answer at once.
          await clock.sleep(settleMs, { signal });
          await reconcile(said);
          failures = 0;
          said = "while the registry was out of reach: ";
          for await (const event of watcher) touched(event);
        } finally {
          signal.removeEventListener("abort", close);
          await watcher.close();
        }
      } catch (error) {
        if (signal.aborted) return;
        if (failures === 0)
          log.warn({ reason: MicroError.from(error).message }, "I cannot see what changes; I try again");
      }
      await clock.sleep(backoff(failures++, FIRST_RETRY_MS, MAX_RETRY_MS), { signal }).catch(() => {});
    }
  };

  return {
    start: async () => {
      going ??= follow();
    },
    stop: async () => {
      ended.abort();
      await going;
      await Promise.all(working);
    },
  };
}

/** Subscribers of the broker over HTTP are registered as well, and come and go with every `subscribe`. */
function isTopic(name: string): boolean {
  return name.startsWith("topic:") || name === "go.micro.http.broker" || name === "micro.http.broker";
}

function idOf(service: string): string {
  return createHash("sha256").update(service).digest("hex");
}

/** What cannot be read was never seen. */
function readRegistered(text: string): readonly Registered[] {
  try {
    const { service, nodes, metadata } = JSON.parse(text) as Partial<Registered>;
    return typeof service === "string" && Array.isArray(nodes) ? [{ service, nodes, metadata: metadata ?? {} }] : [];
  } catch {
    return [];
  }
}
