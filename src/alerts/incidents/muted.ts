import type { Clock } from "../../core/clock.ts";
import type { Notification } from "../alert.ts";
import type { Alertmanager } from "./alertmanager.ts";
import { asSaid } from "./as-said.ts";
import { type Incident, shortPrint } from "./incident.ts";

/** How often Alertmanager is asked about an incident that it is silent about. */
const ASK_MS = 60_000;

/**
 * What is silenced Alertmanager says nothing of, and so not that it is over either. Whoever silenced it from here is to see that
 * all the same, so it is asked.
 */
export interface Muted {
  /**
   * What of a silenced incident is over, as if its source had said so; `undefined`: nothing, or it is not known yet. What was gone
   * twice in a row is over: one that has just started knows nothing. @throws MicroError as `Alertmanager` does
   */
  ended(key: string, incident: Incident): Promise<Notification | undefined>;
  forget(key: string): void;
}

export function createMuted(alertmanager: Pick<Alertmanager, "active">, clock: Clock): Muted {
  const asked = new Map<string, { readonly at: number; readonly gone: ReadonlySet<string> }>();
  return {
    forget: (key) => void asked.delete(key),
    ended: async (key, incident) => {
      const { kind, silence, status, common, states } = incident;
      const now = clock.now();
      if (kind !== "alertmanager" || silence === undefined || status === "resolved") {
        asked.delete(key);
        return undefined;
      }
      const last = asked.get(key);
      if (last && now - last.at < ASK_MS) return undefined;
      asked.set(key, { at: now, gone: last?.gone ?? new Set() });
      const there = new Set([...(await alertmanager.active(common))].map(shortPrint));
      const gone = new Set(Object.keys(states).filter((print) => states[print]?.[1] === 1 && !there.has(print)));
      asked.set(key, { at: now, gone });
      const over = [...gone].filter((print) => last?.gone.has(print));
      if (over.length === 0) return undefined;
      return asSaid(key, incident, over, "resolved", now);
    },
  };
}
