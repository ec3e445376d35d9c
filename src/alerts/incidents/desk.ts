import { MicroError } from "../../core/errors.ts";
import type { Db } from "../../platform/db/db.ts";
import { closedOnes } from "./closed.ts";
import type { Incident } from "./incident.ts";
import type { Held, IncidentStore } from "./store.ts";

/** Incidents for people: found by their short id, open or over. */
export interface Desk {
  /** The one that is open. @throws MicroError `not_found`, `conflict` (it is history) */
  open(id: string): Promise<Held>;
  /** Open, or else the last one of that id that is history. @throws MicroError `not_found` */
  any(id: string): Promise<Incident>;
  /**
   * Changes the one that is open. @returns how it was and is; the same object where nothing was to be done
   * @throws MicroError as `open` does, and as the store does
   */
  change(
    id: string,
    to: (incident: Incident) => Incident,
  ): Promise<{ readonly before: Incident; readonly after: Incident }>;
  /** The service that an incident names first, by what was seen last. */
  serviceOf(id: string): string | undefined;
  /** Ids of those that fire, the last one first. */
  ids(): readonly string[];
}

export function createDesk(store: IncidentStore, db: Db): Desk {
  const byId = (id: string) => [...store.known()].find(({ incident }) => incident.id === idOf(id));
  const open = async (id: string): Promise<Held> => {
    const held = await store.find(idOf(id));
    if (held) return held;
    const [over] = await closedOnes(db, { id: idOf(id), limit: 1 });
    if (over) throw new MicroError("conflict", `${over.id} is over: \`alert show ${over.id}\` tells how it went`);
    throw unknown(id);
  };
  return {
    open,
    any: async (id) => {
      const held = await store.find(idOf(id));
      if (held) return held.incident;
      const [over] = await closedOnes(db, { id: idOf(id), limit: 1 });
      if (over) return over;
      throw unknown(id);
    },
    change: async (id, to) => {
      const { key } = await open(id);
      let before: Incident | undefined;
      const held = await store.alter(key, (incident) => {
        before = incident?.id === idOf(id) ? incident : undefined;
        return before && to(before);
      });
      if (before === undefined || held === undefined) throw unknown(id);
      return { before, after: held.incident };
    },
    serviceOf: (id) => byId(id)?.incident.services?.[0],
    ids: () =>
      [...store.known()]
        .map(({ incident }) => incident)
        .filter(({ status }) => status === "firing")
        .toSorted((a, b) => b.openedAt - a.openedAt)
        .map(({ id }) => id),
  };
}

/** As people write it: `A7F3`, `#a7f3`. */
function idOf(said: string): string {
  return said.replace(/^#/, "").toLowerCase();
}

function unknown(id: string): MicroError {
  return new MicroError("not_found", `there is no alert ${id.slice(0, 20)}; \`alerts\` shows the ids`);
}
