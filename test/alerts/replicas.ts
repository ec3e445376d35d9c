import { type AlertsInit, alerts } from "../../src/alerts/alerts.ts";
import { createInbox } from "../../src/alerts/inbox.ts";
import { ALERT_TABLES } from "../../src/alerts/incidents/closed.ts";
import { type Incident, readIncident } from "../../src/alerts/incidents/incident.ts";
import { memoryRegistry } from "../../src/core/registry/memory.ts";
import { memoryDb } from "../../src/platform/db/memory.ts";
import { replicasOn } from "../fakes/replicas.ts";
import type { Space } from "../fakes/stores.ts";
import { NOON } from "./incidents/notifications.ts";

/** So many bots with alerts in the room `ops`, each with an inbox that takes them in and records of its own. */
export async function replicas(space: Space, count: number, more: Pick<AlertsInit, "beside"> = {}) {
  const they = await replicasOn(space, count, NOON, async (kv, clock, { name }) => {
    const db = memoryDb(ALERT_TABLES);
    const registry = memoryRegistry()({ clock });
    await Promise.all([db.start(), registry.start()]);
    const inbox = createInbox({ kv, clock });
    await inbox.start();
    const roomsFor = () => [{ input: name, room: "ops" }];
    return {
      inbox,
      bot: { registry, extensions: [alerts({ ...more, waiting: inbox, registry, db, roomsFor })] },
      stop: async () => {
        await inbox.stop();
        await Promise.all([db.stop(), registry.stop()]);
      },
    };
  });
  const { eye } = they;
  const incidents = async (): Promise<readonly Incident[]> =>
    (await eye.list("incident.")).flatMap(({ value }) => readIncident(value) ?? []);
  /** Nothing waits in the inbox, whoever looks. */
  const workedOff = async () => {
    const entries = await eye.list("alerts.inbox.");
    return entries.every(({ value }) => !value.includes("\n"));
  };
  return { ...they, incidents, workedOff };
}
