import { randomBytes } from "node:crypto";
import type { Replica } from "../commands/replicas.ts";
import type { Clock } from "../core/clock.ts";
import { MicroError } from "../core/errors.ts";
import type { CallOptions, Startable } from "../core/lifecycle.ts";
import { type Log, silent } from "../core/log.ts";
import type { Entry, Kv } from "../platform/kv/kv.ts";
import { createLease, LEASE_MS, type Lease, ownerOf } from "../platform/lease.ts";
import { createObserver } from "../platform/observer.ts";

const PREFIX = "replicas.";
const LEADER = "leader.bot";

/** The shares of a lease after which a silent replica counts as dead, and how often is looked. */
const WAIT = 0.9;
const LOOK = 0.05;

/**
 * The processes that are one bot together. Each keeps a record in the shared store; whose record is not renewed for a lease
 * is taken off by the others and so learns, should it wake up, that it was given up. What belonged to it is anybody's then.
 */
export interface Replicas extends Startable {
  readonly id: string;
  /** Our own record; `fence` is another after it was lost for a while. */
  readonly presence: Pick<Lease, "held" | "fence" | "renew">;
  /** For what only one may do: whether that one is surely us. */
  leading(): boolean;
  /** As they were seen last, oldest first. */
  list(): readonly Replica[];
  /** Whose records are there now. @throws what `Kv` throws */
  there(options?: CallOptions): Promise<ReadonlySet<string>>;
  /** Called when one has left or died; may be set once. */
  onGone(listener: () => void): void;
  /** Lets another lead; the first thing that who leaves does. Never rejects. */
  resign(): Promise<void>;
}

/** Where we run, to be sure of the death of one that ran here too without waiting for its lease. */
export interface Machine {
  /** The same for processes that see each other, and for no others. */
  readonly id: string;
  readonly pid: number;
  alive(pid: number): boolean;
}

export interface ReplicasInit {
  readonly kv: Kv;
  readonly clock: Clock;
  /** What people know it by. @default made from its id */
  readonly name?: string;
  readonly inputs?: readonly string[];
  readonly machine?: Machine;
  /** Milliseconds of a clock that nobody sets. @default performance.now */
  readonly monotonic?: () => number;
  /** After so long a silent one is given up; the same for all. @default 10000 */
  readonly leaseMs?: number;
  readonly log?: Log;
}

interface Facts {
  readonly name: string;
  readonly inputs: readonly string[];
  readonly since: number;
  readonly machine?: string;
  readonly pid?: number;
}

/** `start()` throws what `Kv` throws, when it cannot write its record. */
export function createReplicas(init: ReplicasInit): Replicas {
  const { kv, clock, machine, log = silent, monotonic = () => performance.now(), leaseMs = LEASE_MS } = init;
  const id = randomBytes(5).toString("hex");
  const { name = `bot-${id.slice(0, 4)}`, inputs = [] } = init;
  const since = clock.now();
  const facts = (): Facts => ({ name, inputs, since, ...(machine && { machine: machine.id, pid: machine.pid }) });
  const lease = { kv, owner: id, clock, monotonic, leaseMs, log };
  const presence = createLease({ ...lease, key: PREFIX + id, facts });
  const leader = createLease({ ...lease, key: LEADER });
  const observer = createObserver(monotonic, leaseMs);
  const leaving = new AbortController();
  let seen: readonly Entry[] = [];
  let leads: string | undefined;
  let gone = () => {};
  let loop: Promise<void> | undefined;

  const isDead = ({ key, value }: Entry): boolean => {
    if (key === PREFIX + id) return false;
    if (observer.quietMs(key) >= leaseMs * WAIT) return true;
    const { machine: where, pid } = factsOf(value);
    if (machine === undefined || where !== machine.id || pid === undefined) return false;
    return !machine.alive(pid);
  };
  const look = async () => {
    const timeoutMs = leaseMs / 4;
    try {
      const entries = await kv.list(PREFIX, { timeoutMs });
      observer.look(entries);
      const living: Entry[] = [];
      const dead = new Set<string>();
      for (const entry of entries) {
        if (!isDead(entry)) living.push(entry);
        // By its revision: one that has woken up in the meantime stays.
        else if (await kv.delete(entry.key, { revision: entry.revision, timeoutMs })) {
          dead.add(idOf(entry));
          log.warn({ replica: idOf(entry) }, "a replica gave no sign of life and is given up");
        }
      }
      const left = seen.some(({ key }) => !living.some((other) => other.key === key));
      seen = living;
      const led = await kv.get(LEADER, { timeoutMs });
      leads = led && ownerOf(led);
      // Who is dead leads nobody, so nobody need wait for that lease as well.
      if (led && dead.has(leads ?? "")) await kv.delete(LEADER, { revision: led.revision, timeoutMs });
      if (dead.size > 0 || left) gone();
    } catch (error) {
      observer.blind();
      log.debug({ reason: MicroError.from(error).message }, "the other replicas cannot be seen");
    }
  };
  const goOn = async () => {
    const { signal } = leaving;
    while (!signal.aborted) {
      await look();
      await clock.sleep(leaseMs * LOOK, { signal }).catch(() => {});
    }
  };

  return {
    id,
    presence,
    leading: leader.held,
    list: () =>
      seen
        .map((entry) => {
          const { name, inputs, since } = factsOf(entry.value);
          const other = idOf(entry);
          return { id: other, name, inputs, since, leader: other === leads, seenMs: observer.quietMs(entry.key) };
        })
        .sort((one, other) => one.since - other.since),
    there: async (options) => new Set((await kv.list(PREFIX, options)).map(idOf)),
    onGone: (listener) => {
      gone = listener;
    },
    resign: leader.stop,
    start: async (options) => {
      await presence.start(options);
      await leader.start(options);
      loop ??= goOn();
    },
    stop: async () => {
      leaving.abort();
      await Promise.all([leader.stop(), loop]);
      await presence.stop();
    },
  };
}

function idOf({ key }: Pick<Entry, "key">): string {
  return key.slice(PREFIX.length);
}

/** What another wrote, which may be of another version. */
function factsOf(value: string): Facts {
  let facts: Partial<Facts> = {};
  try {
    facts = JSON.parse(value) as Partial<Facts>;
  } catch {
    // Then nothing is known of it.
  }
  const { name = "?", inputs = [], since = 0, machine, pid } = facts;
  return { name, inputs, since, ...(machine !== undefined && { machine }), ...(pid !== undefined && { pid }) };
}
