import type { Extension, House } from "../commands/house.ts";
import { sharedAbort } from "../core/abort.ts";
import type { Db } from "../platform/db/db.ts";
import { createLeading } from "../platform/leading.ts";
import { actingCommands } from "./incidents/acting.ts";
import { demoCommand } from "./incidents/demo.ts";
import { createDesk, type Desk } from "./incidents/desk.ts";
import { readingCommands } from "./incidents/reading.ts";
import { createIncidentStore, type IncidentStore } from "./incidents/store.ts";
import { type WorkerInit, workOn } from "./incidents/worker.ts";

export interface AlertsInit extends Omit<WorkerInit, "house" | "store" | "leads"> {
  /** With the tables `ALERT_TABLES`; started and stopped by whoever made it. */
  readonly db: Db;
  /** How long the others wait before one of them takes over. @default 10000 */
  readonly leaseMs?: number;
  /** Ids by which a person can be written to, as `slack:T01/U02`, the best first: who is given an incident is told. */
  readonly idsOf?: (person: string) => readonly string[];
  /** Done by the one process that works on incidents, as long as it does: escalation. Ends with the signal; what it throws begins all of it anew. */
  readonly beside?: readonly ((incidents: Incidents, signal: AbortSignal) => Promise<void>)[];
}

/** Incidents, for what goes on beside their cards. */
export interface Incidents {
  readonly house: House;
  readonly desk: Desk;
  readonly store: IncidentStore;
  /** The number of this process's turn to work on them: a later turn, whoever's, has a higher one. `undefined`: it is over. */
  turn(): number | undefined;
}

const KEY = "alerts.worker";
/** What is being said when the bot stops has so long to be said. */
const DRAIN_MS = 5000;

/** Alerts as a part of a running bot: `createBot({ extensions: [alerts({ waiting: inbox, registry, db, roomsFor })] })`. */
export function alerts(init: AlertsInit): (house: House) => Extension {
  const { db, alertmanager, examine } = init;
  return (house) => {
    const { kv, clock, log } = house;
    const store = createIncidentStore({ kv, clock, log });
    const desk = createDesk(store, db);
    const ended = sharedAbort();
    const leading = createLeading({
      ...{ kv, key: KEY, clock, log, what: "alerts" },
      ...(init.leaseMs !== undefined && { leaseMs: init.leaseMs }),
    });
    const { lease } = leading;
    const demo = demoCommand({ store, registry: init.registry, clock, log, signal: ended.signal });

    const turn = () => (lease.held() ? lease.fence : undefined);
    const work = (signal: AbortSignal) => [
      workOn({ ...init, house, store, leads: () => lease.held() }, signal),
      ...(init.beside ?? []).map((beside) => beside({ house, desk, store, turn }, signal)),
    ];

    let going: Promise<unknown> | undefined;
    return {
      commands: [
        ...readingCommands({ store, desk, db, silences: alertmanager !== undefined }),
        ...actingCommands({
          ...{ desk, house },
          ...(alertmanager && { alertmanager }),
          ...(examine && { examine }),
          ...(init.idsOf && { idsOf: init.idsOf }),
        }),
        demo.command,
      ],
      start: async () => {
        going = Promise.all([store.follow(ended.signal), leading.run(work, ended.signal)]);
      },
      stop: async () => {
        ended.abort();
        const over = new AbortController();
        await Promise.race([
          Promise.all([going, demo.ended()]),
          clock.sleep(DRAIN_MS, { signal: over.signal }).catch(() => {}),
        ]);
        over.abort();
        await lease.stop();
      },
    };
  };
}
