import type { Extension, House } from "../commands/house.ts";
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
    const { performer, catalog, kv, clock, log, hasRole, hears } = house;
    const engine = createEngine({ ...init, performer, catalog, kv, clock, log, drives: ({ input }) => hears(input) });
    return {
      commands: [
        ...readingCommands({ shelf: () => shelf, catalog }),
        ...runbookCommands({ shelf, engine, performer, catalog, hasRole }),
      ],
      start: engine.start,
      stop: engine.stop,
    };
  };
}
