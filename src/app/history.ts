import type { AnyCommand } from "../commands/command.ts";
import type { Broker } from "../core/broker/broker.ts";
import type { Registry } from "../core/registry/registry.ts";
import type { History } from "../history/history.ts";
import type { Db } from "../platform/db/db.ts";
import type { BotSettings, GlobalSettings } from "./settings.ts";

/** What the bot remembers of services: what changed, and how they were. @param init `db`: of `records.ts` */
export async function openHistory(
  settings: BotSettings & Pick<GlobalSettings, "server_name">,
  init: { readonly registry: Registry; readonly broker: Broker; readonly db: Db },
): Promise<History> {
  const { createHistory } = await import("../history/history.ts");
  const { registry, broker, db } = init;
  const except = settings.server_name || settings.namespace;
  return createHistory({ registry, db, except, ...(settings.changes_events && { events: broker }) });
}

/** For what can be said of it and of samples; it looks at nothing. */
export async function historyOfNothing(registry: Registry): Promise<Pick<History, "extension">> {
  const [{ createHistory }, { HISTORY_TABLES }, { memoryDb }, { graphOfNothing }] = await Promise.all([
    import("../history/history.ts"),
    import("../history/tables.ts"),
    import("../platform/db/memory.ts"),
    import("./samples.ts"),
  ]);
  const { extension } = createHistory({ registry, db: memoryDb(HISTORY_TABLES) });
  return { extension: (house) => ({ commands: [...extension(house).commands, graphOfNothing()] }) };
}

/** Commands with some of them in the stead of those that have their names. */
export function instead(commands: readonly AnyCommand[], others: readonly AnyCommand[]): readonly AnyCommand[] {
  const names = new Set(others.map(({ name }) => name));
  return [...commands.filter(({ name }) => !names.has(name)), ...others];
}
