import { type Clock, elapsedBy } from "../core/clock.ts";
import { MicroError } from "../core/errors.ts";
import type { Input } from "../inputs/input.ts";

/**
 * How fast a link says what nobody waits for: within what its network lets a bot do, of which people's answers want their share.
 * Who waits is served room by room, so that a storm in one of them does not silence the others.
 */
export interface Pace {
  /**
   * Resolves when it may be said, now or after others.
   * @param fresh it tells of something new, which comes before what changes something known
   * @throws MicroError `exhausted` when too much waits, or what the signal or `close` says
   */
  turn(room: string, fresh: boolean, signal: AbortSignal): Promise<void>;
  /** Something was said there that did not wait: it counts all the same. */
  spent(room: string): void;
  /** Nothing more there for so long (ms): its network has asked to wait. */
  hold(room: string, ms: number): void;
  /** Whoever waits is told this. */
  close(error: MicroError): void;
}

/** How much may wait for one link. */
const WAITING_AT_MOST = 5000;

/** A fifth of what a minute allows may be said at once, the rest evenly, so that no minute has more than all of it. */
const BURST = 5;

interface Waiter {
  readonly fresh: boolean;
  readonly begin: () => void;
  readonly fail: (error: MicroError) => void;
}

/** @param limits how much a minute; left out: as much as comes */
export function createPace(clock: Clock, limits: Input["pace"]): Pace {
  const elapsed = elapsedBy(clock);
  const all = bucket(limits?.link);
  const rooms = new Map<string, Bucket>();
  /** Rooms in which something waits, who is next first. */
  const waiting = new Map<string, Waiter[]>();
  let count = 0;
  let closed: MicroError | undefined;
  let timer: AbortController | undefined;

  const bucketOf = (room: string): Bucket => {
    const known = rooms.get(room);
    if (known !== undefined) return known;
    // Those that are full again say nothing.
    if (rooms.size > 1000) for (const [name, one] of rooms) if (one.isFull(elapsed())) rooms.delete(name);
    const made = bucket(limits?.room);
    rooms.set(room, made);
    return made;
  };

  const serve = () => {
    timer?.abort();
    timer = undefined;
    const now = elapsed();
    for (;;) {
      const [room] = [...waiting.keys()].filter((one) => all.waitMs(now) === 0 && bucketOf(one).waitMs(now) === 0);
      const queue = room === undefined ? undefined : waiting.get(room);
      if (room === undefined || queue === undefined) break;
      const fresh = queue.findIndex((one) => one.fresh);
      const [next] = queue.splice(Math.max(0, fresh), 1);
      waiting.delete(room);
      if (queue.length > 0) waiting.set(room, queue);
      count -= 1;
      all.take(now);
      bucketOf(room).take(now);
      next?.begin();
    }
    if (waiting.size === 0) return;
    const soonest = Math.min(...[...waiting.keys()].map((room) => bucketOf(room).waitMs(now)));
    const asleep = new AbortController();
    timer = asleep;
    clock
      .sleep(Math.max(1, all.waitMs(now), soonest), { signal: asleep.signal })
      .then(serve)
      .catch(() => {});
  };

  return {
    turn: async (room, fresh, signal) => {
      if (closed !== undefined) throw closed;
      signal.throwIfAborted();
      if (count >= WAITING_AT_MOST) throw new MicroError("exhausted", `${count} cards wait to be shown already`);
      await new Promise<void>((resolve, reject) => {
        const leave = () => {
          const queue = waiting.get(room)?.filter((one) => one !== waiter) ?? [];
          if (queue.length > 0) waiting.set(room, queue);
          else waiting.delete(room);
          count -= 1;
          reject(signal.reason);
        };
        const done = () => signal.removeEventListener("abort", leave);
        const waiter: Waiter = {
          fresh,
          begin: () => {
            done();
            resolve();
          },
          fail: (error) => {
            done();
            reject(error);
          },
        };
        signal.addEventListener("abort", leave, { once: true });
        waiting.set(room, [...(waiting.get(room) ?? []), waiter]);
        count += 1;
        serve();
      });
    },
    spent: (room) => {
      const now = elapsed();
      all.take(now);
      bucketOf(room).take(now);
    },
    hold: (room, ms) => bucketOf(room).hold(elapsed() + ms),
    close: (error) => {
      closed = error;
      timer?.abort();
      for (const queue of waiting.values()) for (const waiter of queue) waiter.fail(error);
      waiting.clear();
      count = 0;
    },
  };
}

interface Bucket {
  /** How long until something may be said. */
  waitMs(now: number): number;
  take(now: number): void;
  hold(until: number): void;
  isFull(now: number): boolean;
}

function bucket(perMinute = Number.POSITIVE_INFINITY): Bucket {
  if (perMinute === Number.POSITIVE_INFINITY) return unlimited();
  const size = Math.max(1, Math.floor(perMinute / BURST));
  const perMs = Math.max(1, perMinute - size) / 60_000;
  let left = size;
  let at: number | undefined;
  let heldUntil = Number.NEGATIVE_INFINITY;
  const refill = (now: number) => {
    left = Math.min(size, left + (now - (at ?? now)) * perMs);
    at = now;
  };
  return {
    waitMs: (now) => {
      refill(now);
      // A rest of arithmetic is no reason to wait once more.
      const short = left > 1 - 1e-6 ? 0 : Math.ceil((1 - left) / perMs);
      return Math.max(short, heldUntil - now, 0);
    },
    take: (now) => {
      refill(now);
      // What did not ask can put it off, but not for ever.
      left = Math.max(left - 1, -size);
    },
    hold: (until) => {
      heldUntil = Math.max(heldUntil, until);
    },
    isFull: (now) => {
      refill(now);
      return left >= size && heldUntil <= now;
    },
  };
}

function unlimited(): Bucket {
  let heldUntil = Number.NEGATIVE_INFINITY;
  return {
    waitMs: (now) => Math.max(0, heldUntil - now),
    take: () => {},
    hold: (until) => {
      heldUntil = Math.max(heldUntil, until);
    },
    isFull: (now) => heldUntil <= now,
  };
}
