import type { AnyCommand } from "../commands/command.ts";
import { replicasCommand } from "../commands/replicas.ts";
import type { Clock } from "../core/clock.ts";
import type { Log } from "../core/log.ts";
import type { Input } from "../inputs/input.ts";
import type { Kv } from "../platform/kv/kv.ts";
import { type Journal, memoryJournal } from "./journal.ts";
import { kvJournal } from "./journal-kv.ts";
import { createReplicas, type Replicas, type ReplicasInit } from "./replicas.ts";

export interface JournalsInit {
  readonly inputs: readonly Input[];
  readonly clock: Clock;
  readonly log: Log;
  /** Shared by the replicas. Without one there is only this process, and it forgets when it ends. */
  readonly store?: Kv | undefined;
  readonly replica?: Pick<ReplicasInit, "name" | "leaseMs" | "machine" | "monotonic"> | undefined;
  /** Instead of one in the store. */
  readonly journal?: Journal | undefined;
}

/** Which journal a message belongs into: those of a terminal die with it, so there is nothing to remember for the next. */
export interface Journals {
  /** For what may be delivered again, to us or to another. */
  readonly lasting: Journal;
  of(input: Input): Journal;
  /** Known once the lasting one is open; `undefined`: this process is alone. */
  readonly replicas: Replicas | undefined;
  /** What tells of the replicas. */
  readonly commands: readonly AnyCommand[];
}

export function createJournals({ inputs, clock, log, store, replica = {}, journal }: JournalsInit): Journals {
  const names = inputs.map(({ name }) => name);
  const replicas = store && createReplicas({ kv: store, clock, log, inputs: names, ...replica });
  const lasting = journal ?? (store && replicas ? kvJournal({ kv: store, replicas, clock, log }) : memoryJournal());
  const fleeting = memoryJournal();
  return {
    lasting,
    replicas,
    of: (input) => (input.replays ? lasting : fleeting),
    commands: [replicasCommand(() => replicas?.list() ?? [], replicas?.id ?? "")],
  };
}
