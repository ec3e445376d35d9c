import { sharedAbort } from "../abort.ts";
import { type Clock, MAX_TIMER_MS, systemClock } from "../clock.ts";
import { MicroError } from "../errors.ts";
import type { Connection, Transport } from "../transport/transport.ts";
import { type Line, lineOver } from "./line.ts";

export interface PoolInit {
  /** Idle connections kept per address. @default 100 */
  readonly poolSize?: number;
  /** How old a connection may become. Go's servers keep theirs for 60 s and more. @default 60000 */
  readonly poolTtlMs?: number;
}

/** Connections by address. */
export interface Pool {
  /**
   * A line for one call, which ends with its `done`. Waits for a new connection at most 5000 ms.
   *
   * @param shared whether it may carry other calls at the same time
   */
  take(address: string, shared: boolean): Line | Promise<Line>;
  close(): Promise<void>;
}

/**
 * Many calls on one connection go out with one write; but the two ends of a single connection work in turns, each waiting
 * for the other's batch. With two, there is always one to work on.
 */
const SHARED = { lines: 2, callsBeforeAnother: 2 };

/** Idle connections are not looked at more often. */
const SWEEP_MS = 50;

/** A line and the calls on it. It is there before its connection is, so that many calls wait for one. */
interface Slot {
  readonly madeAt: number;
  line: Line | Promise<Line>;
  calls: number;
  /** Takes no other call, and is closed after the last one. */
  retired: boolean;
  close(): void;
}

export function createPool(transport: Transport, init: PoolInit = {}, clock: Clock = systemClock): Pool {
  const { poolSize = 100, poolTtlMs = 60_000 } = init;
  /** Idle, by address; used last, used first. */
  const alone = new Map<string, Slot[]>();
  /** Idle or not. */
  const shared = new Map<string, Slot[]>();
  const all = new Set<Connection>();
  const closing = sharedAbort();

  const retire = (slots: Map<string, Slot[]>, address: string, slot: Slot) => {
    slot.retired = true;
    const there = slots.get(address);
    const at = there?.indexOf(slot) ?? -1;
    if (at !== -1) there?.splice(at, 1);
    if (there?.length === 0) slots.delete(address);
    if (slot.calls === 0) slot.close();
  };

  const young = ({ madeAt }: Slot) => clock.now() - madeAt < poolTtlMs;

  let sweeping: NodeJS.Timeout | undefined;
  /** Closes what grew old and waits for a call that may never come; as long as there are connections. */
  const sweep = () => {
    for (const slots of [alone, shared]) {
      const idle = [...slots].flatMap(([address, there]) =>
        there.filter((slot) => slot.calls === 0 && !young(slot)).map((slot) => ({ address, slot })),
      );
      for (const { address, slot } of idle) retire(slots, address, slot);
    }
    sweeping = undefined;
    sweepLater();
  };
  const sweepLater = () => {
    if (sweeping === undefined && all.size > 0 && !closing.signal.aborted) {
      sweeping = setTimeout(sweep, Math.min(Math.max(poolTtlMs, SWEEP_MS), MAX_TIMER_MS)).unref();
    }
  };

  const open = (slots: Map<string, Slot[]>, address: string): Slot => {
    const dial = async (): Promise<Line> => {
      const connection = await transport.dial(address, { timeoutMs: 5000, signal: closing.signal });
      if (closing.signal.aborted) {
        await connection.close();
        throw new MicroError("unavailable", "the client is closed");
      }
      all.add(connection);
      sweepLater();
      slot.close = () => void connection.close();
      slot.line = lineOver(connection, slots === shared, done, () => {
        all.delete(connection);
        retire(slots, address, slot);
      });
      return slot.line;
    };
    const done = (well: boolean) => {
      slot.calls--;
      if (slots === alone && !slot.retired) put(alone, address, slot);
      const tooMany = slot.calls === 0 && (slots.get(address)?.length ?? 0) > poolSize;
      if (!well || tooMany || slot.retired) retire(slots, address, slot);
    };
    const opening = dial();
    const slot: Slot = { madeAt: clock.now(), line: opening, calls: 0, retired: false, close: () => {} };
    opening.catch(() => retire(slots, address, slot));
    return slot;
  };

  const takeAlone = (address: string): Slot => {
    for (let slot = alone.get(address)?.pop(); slot; slot = alone.get(address)?.pop()) {
      if (young(slot)) return slot;
      retire(alone, address, slot);
    }
    return open(alone, address);
  };

  const takeShared = (address: string): Slot => {
    const slots = shared.get(address) ?? [];
    let idlest: Slot | undefined;
    for (const slot of slots) {
      if (idlest === undefined || slot.calls < idlest.calls) idlest = slot;
    }
    if (idlest && !young(idlest)) {
      retire(shared, address, idlest);
      return takeShared(address);
    }
    if (idlest && (idlest.calls < SHARED.callsBeforeAnother || slots.length >= SHARED.lines)) return idlest;
    return put(shared, address, open(shared, address));
  };

  return {
    take: (address, share) => {
      const slot = share ? takeShared(address) : takeAlone(address);
      slot.calls++;
      return slot.line;
    },
    close: async () => {
      closing.abort();
      clearTimeout(sweeping);
      alone.clear();
      shared.clear();
      await Promise.all([...all].map((connection) => connection.close()));
    },
  };
}

function put(slots: Map<string, Slot[]>, address: string, slot: Slot): Slot {
  const there = slots.get(address);
  if (there) there.push(slot);
  else slots.set(address, [slot]);
  return slot;
}
