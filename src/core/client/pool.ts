import { type Clock, systemClock } from "../clock.ts";
import { MicroError } from "../errors.ts";
import type { Connection, Transport } from "../transport/transport.ts";
import { type Line, lineOver } from "./line.ts";

export interface PoolInit {
  /** Idle connections kept per address. @default 100 */
  readonly poolSize?: number;
  /** How old a connection may become. Go's servers keep theirs for 60 s and more. @default 60000 */
  readonly poolTtlMs?: number;
}

/** Connections by address, last used first. */
export interface Pool {
  /**
   * A line for one call, which ends with its `done`. Waits for a new connection at most 5000 ms.
   *
   * @param shared whether it may carry other calls at the same time
   */
  take(address: string, shared: boolean): Line | Promise<Line>;
  close(): Promise<void>;
}

/** Calls at once on a shared line: the more there are, the more messages go out with one write. */
const MAX_SHARED = 100;

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
  const alone = new Map<string, Slot[]>();
  const shared = new Map<string, Slot[]>();
  const all = new Set<Connection>();
  const closing = new AbortController();

  /** The slots at an address that have room for another call. */
  const freeAt = (address: string, share: boolean): Slot[] => {
    const byAddress = share ? shared : alone;
    let free = byAddress.get(address);
    if (free === undefined) {
      free = [];
      byAddress.set(address, free);
    }
    return free;
  };

  const retire = (slot: Slot, address: string, share: boolean) => {
    slot.retired = true;
    const free = freeAt(address, share);
    const at = free.indexOf(slot);
    if (at !== -1) free.splice(at, 1);
    if (free.length === 0) (share ? shared : alone).delete(address);
    if (slot.calls === 0) slot.close();
  };

  const open = (address: string, share: boolean): Slot => {
    const dial = async (): Promise<Line> => {
      const connection = await transport.dial(address, { timeoutMs: 5000, signal: closing.signal });
      if (closing.signal.aborted) {
        await connection.close();
        throw new MicroError("unavailable", "the client is closed");
      }
      all.add(connection);
      slot.close = () => void connection.close();
      slot.line = lineOver(connection, share, done, () => {
        all.delete(connection);
        retire(slot, address, share);
      });
      return slot.line;
    };
    const done = (well: boolean) => {
      const wasFull = slot.calls-- === roomOf(share);
      if (slot.retired) {
        if (slot.calls === 0) slot.close();
        return;
      }
      const free = freeAt(address, share);
      if (wasFull) free.push(slot);
      if (!well || (slot.calls === 0 && free.length > poolSize)) retire(slot, address, share);
    };
    const opening = dial();
    const slot: Slot = { madeAt: clock.now(), line: opening, calls: 0, retired: false, close: () => {} };
    opening.catch(() => retire(slot, address, share));
    return slot;
  };

  return {
    take: (address, share) => {
      const free = freeAt(address, share);
      let slot = free.at(-1);
      while (slot && clock.now() - slot.madeAt >= poolTtlMs) {
        retire(slot, address, share);
        slot = free.at(-1);
      }
      if (slot === undefined) {
        slot = open(address, share);
        if (roomOf(share) > 1) freeAt(address, share).push(slot);
      } else if (slot.calls + 1 === roomOf(share)) free.pop();
      slot.calls++;
      return slot.line;
    },
    close: async () => {
      closing.abort();
      alone.clear();
      shared.clear();
      await Promise.all([...all].map((connection) => connection.close()));
    },
  };
}

function roomOf(shared: boolean): number {
  return shared ? MAX_SHARED : 1;
}
