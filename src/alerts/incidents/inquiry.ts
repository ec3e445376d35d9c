import type { Clock } from "../../core/clock.ts";
import type { Notification } from "../alert.ts";
import type { Alertmanager } from "./alertmanager.ts";
import type { Incident } from "./incident.ts";
import { createMuted } from "./muted.ts";
import { createRevived } from "./revived.ts";

/** An Alertmanager that does not answer is asked nothing for so long, whatever it is about: each question may take seconds. */
const AWAY_MS = 60_000;

/** Asks Alertmanager about incidents of which it would say nothing by itself. */
export interface Inquiry {
  /**
   * What its source says when it is asked: that a part of what is silenced is over, or of what is over fires. `undefined`: nothing new,
   * or it was not asked. @throws MicroError as `Alertmanager` does: then it is asked nothing for a minute
   */
  said(key: string, incident: Incident): Promise<Notification | undefined>;
  /** It is as it is now; `undefined`: it is gone. */
  onChange(key: string, incident: Incident | undefined): void;
}

/** @param signal ends what is being asked */
export function createInquiry(alertmanager: Pick<Alertmanager, "active">, clock: Clock, signal: AbortSignal): Inquiry {
  const asking: Pick<Alertmanager, "active"> = {
    active: (labels, options) => alertmanager.active(labels, { ...options, signal }),
  };
  const muted = createMuted(asking, clock);
  const revived = createRevived(asking, clock);
  let awayUntil = 0;
  return {
    said: async (key, incident) => {
      if (clock.now() < awayUntil) return undefined;
      try {
        return await (incident.status === "firing" ? muted.ended(key, incident) : revived.firing(key, incident));
      } catch (error) {
        awayUntil = clock.now() + AWAY_MS;
        throw error;
      }
    },
    onChange: (key, incident) => {
      if (incident?.status !== "resolved") revived.forget(key);
      if (incident === undefined) muted.forget(key);
    },
  };
}
