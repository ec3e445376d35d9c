import type { Clock } from "../../core/clock.ts";
import type { Notification } from "../alert.ts";
import type { Alertmanager } from "./alertmanager.ts";
import { asSaid } from "./as-said.ts";
import { type Incident, shortPrint } from "./incident.ts";

/** How often Alertmanager is asked about one incident that is over, and how much time there is between two questions on average. */
const ASK_MS = 60_000;
const APART_MS = 1000;

/**
 * What Prometheus has not repeated in time, because it stood still or could not reach it, is resolved to Alertmanager. When that goes
 * on, Alertmanager says the very bytes that it said first, which nobody can tell from a request that is replayed. So it is asked.
 */
export interface Revived {
  /**
   * What of an incident that is over fires all the same, as if its source had said so; `undefined`: nothing, or it was not asked.
   * What Alertmanager keeps to itself, by a silence or because something worse fires, is not told here either.
   * @throws MicroError as `Alertmanager` does
   */
  firing(key: string, incident: Incident): Promise<Notification | undefined>;
  forget(key: string): void;
}

export function createRevived(alertmanager: Pick<Alertmanager, "active">, clock: Clock): Revived {
  /** Epoch ms; of what was just over, when that was seen. */
  const askedAt = new Map<string, number>();
  return {
    forget: (key) => void askedAt.delete(key),
    firing: async (key, incident) => {
      const { kind, status, common, states } = incident;
      if (kind !== "alertmanager" || status === "firing") return undefined;
      const now = clock.now();
      const last = askedAt.get(key);
      if (last === undefined) askedAt.set(key, now);
      if (last === undefined || now - last < Math.max(ASK_MS, askedAt.size * APART_MS)) return undefined;
      askedAt.set(key, now);
      const active = new Set([...(await alertmanager.active(common, { hidden: false }))].map(shortPrint));
      const firing = Object.keys(states).filter((print) => active.has(print));
      // As it was before it answered: what is heard meanwhile is newer.
      return firing.length === 0 ? undefined : asSaid(key, incident, firing, "firing", now);
    },
  };
}
