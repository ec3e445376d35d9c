import type { AnyCommand } from "../commands/command.ts";
import { approvingCommands, type People } from "./approve.ts";
import { type BeginningInit, beginningCommands } from "./begin.ts";
import { showingCommands } from "./show.ts";
import { steeringCommands } from "./steer.ts";

export interface RunbookCommandsInit extends Omit<BeginningInit, "speaker"> {
  readonly people: People;
}

/** Everything about runbooks that is done to runs: `run`, `status`, `pause`, … */
export function runbookCommands({ people, ...init }: RunbookCommandsInit): readonly AnyCommand[] {
  const { runs } = init.engine;
  return [
    ...beginningCommands({ ...init, speaker: people.speaker }),
    ...showingCommands(runs),
    ...steeringCommands(runs),
    ...approvingCommands(runs, people),
  ];
}
