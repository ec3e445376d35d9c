import type { AnyCommand } from "../commands/command.ts";
import { healthCommand } from "../commands/health.ts";
import { whyCommand } from "../commands/health-why.ts";
import type { Extension, House } from "../commands/house.ts";
import { sharedAbort } from "../core/abort.ts";
import { backoff } from "../core/backoff.ts";
import type { Broker } from "../core/broker/broker.ts";
import { MicroError } from "../core/errors.ts";
import type { Closable } from "../core/lifecycle.ts";
import type { Registry } from "../core/registry/registry.ts";
import type { Db } from "../platform/db/db.ts";
import { type Changes, createChanges } from "./changes.ts";
import { changesCommand } from "./changes-command.ts";
import { createKeptHealth, type KeptHealth } from "./last.ts";
import { createRecorder, type RecorderInit } from "./recorder.ts";

export interface HistoryInit extends Pick<RecorderInit, "except" | "settleMs" | "mostMs"> {
  readonly registry: Registry;
  /** With the tables `HISTORY_TABLES`; started and stopped by whoever made it. */
  readonly db: Db;
  /** Deploys that are announced there are written down, too. */
  readonly events?: Broker;
}

/** What is remembered of services. */
export interface History {
  readonly changes: Changes;
  readonly last: KeptHealth;
  /** Instead of the commands of the same names, which remember nothing. */
  readonly commands: readonly AnyCommand[];
  /** `createBot({ extensions: [history.extension] })` */
  readonly extension: (house: House) => Extension;
}

const FIRST_RETRY_MS = 1000;
const MAX_RETRY_MS = 60_000;

export function createHistory({ registry, db, events, ...recording }: HistoryInit): History {
  const changes = createChanges({ db });
  const last = createKeptHealth({ db });
  return {
    changes,
    last,
    commands: [healthCommand({ last }), whyCommand({ last, changes })],
    extension: ({ clock, log }) => {
      const recorder = createRecorder({ registry, db, changes, clock, log, ...recording });
      const ended = sharedAbort();
      let following: Promise<void> | undefined;
      /** Until the broker is there. */
      const follow = async (broker: Broker) => {
        const { followAnnounced } = await import("./announced.ts");
        let open: Closable | undefined;
        for (let failures = 0; open === undefined && !ended.signal.aborted; failures++) {
          try {
            open = await followAnnounced({ broker, registry, changes, clock, log });
          } catch (error) {
            if (failures === 0)
              log.warn({ reason: MicroError.from(error).message }, "I hear of no deploys; I try again");
            await clock.sleep(backoff(failures, FIRST_RETRY_MS, MAX_RETRY_MS), ended).catch(() => {});
          }
        }
        if (!ended.signal.aborted) {
          await new Promise<void>((resolve) => ended.signal.addEventListener("abort", () => resolve(), { once: true }));
        }
        await open?.close();
      };
      return {
        commands: [changesCommand(changes)],
        start: async () => {
          await recorder.start();
          if (events) following = follow(events);
        },
        stop: async () => {
          ended.abort();
          await Promise.all([recorder.stop(), following]);
          await last.settled();
        },
      };
    },
  };
}
