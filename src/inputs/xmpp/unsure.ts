import { randomUUID } from "node:crypto";
import type { Clock } from "../../core/clock.ts";
import type { OutgoingMessage } from "../input.ts";

/**
 * What was said when a link was lost, and may have arrived or not. It is said again under its own id, and in a room only if
 * the room, asked for what was said since (XEP-0045 §7.2.14), does not tell of it.
 */
export interface Unsure {
  /** The id to say it under; the same each time. @param to a bare JID */
  idOf(message: OutgoingMessage, to: string): string;
  /** Whether a room has told of it meanwhile. */
  hasArrived(message: OutgoingMessage): boolean;
  /** A room tells of something that was said there. `true`: it is one of these. */
  told(room: string, ids: readonly (string | undefined)[]): boolean;
  /** It has arrived, or it never will. */
  settle(message: OutgoingMessage): void;
  /** How many seconds back a room is to be asked; `undefined`: nothing is unsure there. */
  secondsBack(room: string): number | undefined;
}

interface Said {
  readonly id: string;
  readonly to: string;
  readonly at: number;
  arrived: boolean;
}

/** What is given up after that is forgotten in the end. */
const AT_MOST = 1000;

/** Servers have whole seconds, and what was said took its time on the way. */
const MARGIN_MS = 5000;

/** It belongs to an input, because it is about what its last link has left open. */
export function createUnsure(clock: Clock): Unsure {
  const all = new Map<OutgoingMessage, Said>();
  return {
    idOf: (message, to) => {
      const before = all.get(message);
      if (before !== undefined) return before.id;
      const id = randomUUID();
      all.set(message, { id, to, at: clock.now(), arrived: false });
      for (const oldest of all.keys()) {
        if (all.size <= AT_MOST) break;
        all.delete(oldest);
      }
      return id;
    },
    hasArrived: (message) => all.get(message)?.arrived === true,
    told: (room, ids) => {
      for (const said of all.values()) {
        if (said.to !== room || !ids.includes(said.id)) continue;
        said.arrived = true;
        return true;
      }
      return false;
    },
    settle: (message) => void all.delete(message),
    secondsBack: (room) => {
      const ats = [...all.values()].filter(({ to }) => to === room).map(({ at }) => at);
      return ats.length === 0 ? undefined : Math.ceil((clock.now() - Math.min(...ats) + MARGIN_MS) / 1000);
    },
  };
}
