import type { Extension, House } from "../commands/house.ts";
import { MicroError } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import type { Db } from "../platform/db/db.ts";
import { runbookCommands } from "./commands.ts";
import { createEngine, type EngineInit } from "./engine.ts";
import { readingCommands } from "./reading.ts";
import type { Shelf } from "./shelf.ts";

export interface RunbooksInit extends Pick<EngineInit, "leaseMs" | "drainMs" | "onPoint"> {
  readonly shelf: Shelf;
  /** With the tables `RUNBOOK_TABLES`; started and stopped by whoever made it. */
  readonly db: Db;
}

/** Runbooks as a part of a running bot: `createBot({ extensions: [runbooks({ shelf, db })] })`. */
export function runbooks({ shelf, ...init }: RunbooksInit): (house: House) => Extension {
  return (house) => {
    const { performer, catalog, kv, clock, log, redactor, hears } = house;
    const drives: EngineInit["drives"] = ({ input }) => hears(input);
    const engine = createEngine({ ...init, performer, catalog, kv, clock, log, redactor, drives });
    return {
      commands: [
        ...readingCommands({ shelf: () => shelf, catalog }),
        ...runbookCommands({ shelf, engine, performer, catalog, people: house }),
      ],
      start: async () => {
        await engine.start();
        await tellBroken(shelf, log);
      },
      stop: engine.stop,
    };
  };
}

/** Who starts the bot is to see what nobody can run before somebody wants to. */
async function tellBroken(shelf: Shelf, log: Log): Promise<void> {
  const all = await shelf.all().catch((error: unknown) => {
    log.warn({ reason: MicroError.from(error).message }, "the runbooks cannot be read");
    return [];
  });
  for (const { file, error } of all) if (error) log.warn({ file }, `a runbook is wrong: ${error.message}`);
}
