import type { Clock } from "../../core/clock.ts";
import type { Db, DbTables } from "../../platform/db/db.ts";
import { type Incident, readIncident } from "./incident.ts";
import type { Held, IncidentStore } from "./store.ts";

/** The tables of alerts in the bot's records. */
export const ALERT_TABLES = { alerts: { most: 10_000 } } as const satisfies DbTables;

/** What is resolved stays so long before it is history: until then the same card tells that it fires again. */
const REOPEN_MS = 15 * 60_000;
/** Chat may be away for so long before nobody is told any more of what is over. */
const UNSAID_MS = 7 * 86_400_000;

/**
 * Makes history of an incident that is over for good. What never fired, because its end came alone, is let go.
 * @returns whether it was over
 */
export async function archive(
  held: Held,
  init: {
    readonly store: IncidentStore;
    readonly db: Db;
    readonly clock: Clock;
    readonly close: (held: Held) => Promise<void>;
  },
): Promise<boolean> {
  const { incident } = held;
  const { status, changedAt, cards } = incident;
  const now = init.clock.now();
  if (status === "firing" || now - changedAt < REOPEN_MS) return false;
  const waits = cards.some((card) => card.refused === undefined && card.status !== "resolved");
  if (waits && now - changedAt < UNSAID_MS) return false;
  if (incident.fires > 0) {
    await init.db.put("alerts", {
      // Short ids come again one day.
      id: `${incident.id}-${incident.openedAt}`,
      at: incident.resolvedAt ?? changedAt,
      facts: factsOf(incident),
      value: JSON.stringify(incident),
    });
    await init.close(held);
  }
  await init.store.remove(held);
  return true;
}

function factsOf({ id, source, services = [] }: Incident): Readonly<Record<string, string>> {
  const named = services.slice(0, 5).map((name, at) => [`service${at}`, name.slice(0, 200)] as const);
  return { id, source: source.slice(0, 200), ...Object.fromEntries(named) };
}

export interface ClosedQuery {
  readonly id?: string;
  /** Epoch ms; those that were resolved since. */
  readonly since?: number;
  readonly limit: number;
}

/** Incidents that are history, the last one first. @throws MicroError as `Db` does */
export async function closedOnes(db: Db, { id, since, limit }: ClosedQuery): Promise<readonly Incident[]> {
  const { records } = await db.search("alerts", {
    limit,
    ...(id !== undefined && { facts: { id } }),
    ...(since !== undefined && { since }),
  });
  return records.flatMap(({ value }) => readIncident(value) ?? []);
}
