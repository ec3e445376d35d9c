import { randomInt } from "node:crypto";
import type { Clock } from "../../core/clock.ts";
import { MicroError } from "../../core/errors.ts";
import type { Entry, Kv } from "../../platform/kv/kv.ts";
import type { Pending } from "./pending.ts";

/** A request and the revision at which it was read. */
export interface Held {
  readonly pending: Pending;
  readonly revision: number;
}

/**
 * Requests in the shared store, so that every replica and the next process know them. Whoever changes one does it onto what
 * they read, so of two who decide at once one has decided. All throw what the store throws.
 */
export interface Pendings {
  /**
   * Keeps a new one, under its id or, if that is taken, another.
   * @throws MicroError `exhausted`: this person, or all together, have too many open
   */
  add(pending: Pending): Promise<Held>;
  get(id: string): Promise<Held | undefined>;
  /** `undefined`: it is not what it was when it was read. */
  change(held: Held, changed: Pending): Promise<Held | undefined>;
  /** Changes one as it is then, whoever changed it meanwhile; not at all if that is `undefined`. */
  alter(id: string, to: (pending: Pending) => Pending | undefined): Promise<void>;
  /** All of them, the oldest first. */
  list(): Promise<readonly Held[]>;
  /** Forgets what was decided long ago, and the oldest of too many. */
  prune(all: readonly Held[]): Promise<void>;
}

export interface PendingsInit {
  /** How many are open at most, and how many decided ones are remembered beside them. @default 1000 */
  readonly max?: number;
  /** How many of one person are open at most. @default 20 */
  readonly maxOwn?: number;
  /** How long it is remembered what became of one (ms). @default 86400000 */
  readonly keepMs?: number;
}

const PREFIX = "requests.";

export function createPendings(kv: Kv, clock: Clock, init: PendingsInit = {}): Pendings {
  const { max = 1000, maxOwn = 20, keepMs = 86_400_000 } = init;
  /** By id, as it was read at that revision: it is looked through more often than it changes. */
  let known = new Map<string, Held>();
  let nth = 0;

  const prune = async (all: readonly Held[]): Promise<void> => {
    const over = all.filter(({ pending }) => !isOpen(pending, clock.now()));
    const tooMany = over.length - max;
    const gone = over.filter(({ pending }, at) => at < tooMany || pending.expiresAt < clock.now() - keepMs);
    // Onto what was read: one that somebody changes just now stays.
    await Promise.all(gone.map(({ pending, revision }) => kv.delete(PREFIX + pending.id, { revision })));
  };

  const list = async () => {
    const now = new Map<string, Held>();
    for (const entry of await kv.list(PREFIX)) {
      const before = known.get(entry.key);
      const held = before?.revision === entry.revision ? before : read(entry);
      if (held) now.set(entry.key, held);
    }
    known = now;
    return [...now.values()].sort((a, b) => a.pending.at - b.pending.at || (a.pending.nth ?? 0) - (b.pending.nth ?? 0));
  };

  const change = async ({ revision }: Held, changed: Pending): Promise<Held | undefined> => {
    const next = await kv.update(PREFIX + changed.id, JSON.stringify(changed), revision);
    return next === undefined ? undefined : { pending: changed, revision: next };
  };
  const get = async (id: string): Promise<Held | undefined> => {
    const entry = await kv.get(PREFIX + id);
    return entry && read(entry);
  };

  return {
    list,
    prune,
    get,
    change,
    alter: async (id, to) => {
      for (let tries = 0; tries < TRIES; tries++) {
        const held = await get(id);
        const changed = held && to(held.pending);
        if (held === undefined || changed === undefined || (await change(held, changed))) return;
      }
    },
    add: async (pending) => {
      const all = await list();
      const open = all.filter((held) => isOpen(held.pending, clock.now()));
      const own = open.filter((held) => held.pending.asker.person === pending.asker.person);
      if (own.length >= maxOwn || open.length >= max) {
        const whose = own.length >= maxOwn ? `${own.length} requests of yours` : `${open.length} requests`;
        throw new MicroError(
          "exhausted",
          `nothing was asked: ${whose} wait for a yes already; \`requests\` shows them, \`no\` drops one`,
        );
      }
      if (all.length >= max) await prune(all);
      for (let tries = 0, { id } = pending; tries < TRIES; tries++, id = anId()) {
        const named = { ...pending, id, nth: nth++ };
        const revision = await kv.create(PREFIX + id, JSON.stringify(named));
        if (revision !== undefined) return { pending: named, revision };
      }
      throw new MicroError("conflict", "no id was free for this request; say the command again");
    },
  };
}

const TRIES = 8;

function anId(): string {
  return randomInt(2 ** 24)
    .toString(16)
    .padStart(6, "0");
}

export function isOpen({ fate, expiresAt }: Pending, now: number): boolean {
  return fate === undefined && expiresAt >= now;
}

/** What is no request of ours, in whatever way it came there, is none. */
function read({ value, revision }: Entry): Held | undefined {
  try {
    const pending = JSON.parse(value) as Pending;
    const whole =
      typeof pending.id === "string" && typeof pending.line === "string" && typeof pending.state === "string";
    return whole ? { pending, revision } : undefined;
  } catch {
    return undefined;
  }
}
