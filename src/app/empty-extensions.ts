import type { Extension, House } from "../commands/house.ts";
import { systemClock } from "../core/clock.ts";
import { MicroError } from "../core/errors.ts";
import { silent } from "../core/log.ts";
import { createRedactor } from "../core/redact.ts";
import type { Registry } from "../core/registry/registry.ts";
import { memoryDb } from "../platform/db/memory.ts";
import { memoryKv } from "../platform/kv/memory.ts";
import { readOptions } from "./options.ts";
import { lazyBroker, lazyClient } from "./parts.ts";
import { BOT } from "./settings.ts";

/**
 * What a bot has beside its built-in commands (runbooks, schedules, alerts, …), for whoever wants to know which names are taken.
 * It is opened as a bot opens it, so that no name is missing here, and then left alone: none of it starts, or asks anybody.
 * @param runbooksIn the folder of runbooks that are known
 */
export async function emptyExtensions(
  registry: Registry,
  runbooksIn: string,
): Promise<readonly ((house: House) => Extension)[]> {
  const [{ runbooks }, { RUNBOOK_TABLES }, { folderShelf }, { schedules }, { watches }, { historyOfNothing }] =
    await Promise.all([
      import("../runbooks/extension.ts"),
      import("../runbooks/runs.ts"),
      import("../runbooks/shelf.ts"),
      import("../schedules/schedules.ts"),
      import("../watches/watches.ts"),
      import("./history.ts"),
    ]);
  const all = [
    runbooks({ shelf: folderShelf(runbooksIn), db: memoryDb(RUNBOOK_TABLES) }),
    schedules(),
    watches({ registry, client: lazyClient(async () => notHere()) }),
    (await historyOfNothing(registry)).extension,
    ...(await alertsOfNothing(registry)),
  ];
  return all.map((extension) => (house) => ({ commands: extension(house).commands }));
}

async function alertsOfNothing(registry: Registry): Promise<readonly ((house: House) => Extension)[]> {
  const [{ openAlerts }, { createHistory }, { HISTORY_TABLES }, { ALERT_TABLES }] = await Promise.all([
    import("./alerts.ts"),
    import("../history/history.ts"),
    import("../history/tables.ts"),
    import("../alerts/incidents/closed.ts"),
  ]);
  const { settings } = readOptions(BOT, [], {});
  const store = memoryKv();
  await store.start();
  try {
    const alerts = await openAlerts(settings, {
      ...{ store, registry, inputs: [], cwd: ".", clock: systemClock, log: silent },
      db: memoryDb(ALERT_TABLES),
      history: createHistory({ registry, db: memoryDb(HISTORY_TABLES) }),
      client: lazyClient(async () => notHere()),
      broker: lazyBroker("none", async () => notHere()),
      redactor: createRedactor(),
      resolve: async () => notHere(),
      people: { idsOf: () => [], names: () => [] },
    });
    await alerts.stop();
    return alerts.extensions;
  } finally {
    await store.stop();
  }
}

function notHere(): never {
  throw new MicroError("internal", "nothing is carried out while names are looked up");
}
