import { type Aliases, aliasCommands } from "../commands/alias.ts";
import type { Catalog } from "../commands/catalog.ts";
import type { AnyCommand } from "../commands/command.ts";
import { helpCommand } from "../commands/help.ts";
import type { House } from "../commands/house.ts";
import { type Jobs, jobsCommands } from "../commands/jobs.ts";
import { type Linking, linkCommands } from "../commands/link.ts";
import { type Pauses, pauseCommands } from "../commands/pause.ts";
import { type LastRows, pipeCommand } from "../commands/pipe/pipe.ts";
import { policyQuestions } from "../commands/policy.ts";
import { type Requests, requestsCommands } from "../commands/requests.ts";
import { createPolicyDesk } from "./policy/desk.ts";
import type { Policy } from "./policy.ts";

export interface BotCommandsInit {
  /** Those that whoever made the bot gave it, and those of its parts. */
  readonly others: readonly AnyCommand[];
  readonly aliases: Aliases;
  readonly lastRows: LastRows;
  readonly jobs: Omit<Jobs, "paused">;
  readonly pauses: Pauses;
  readonly requests: Requests;
  /** What tells of the replicas. */
  readonly replicas: readonly AnyCommand[];
  readonly policy: Policy;
  readonly meaning: House["meaning"];
  readonly linking: Linking;
}

/** All commands but those of sources; `current` and `plugins` are what only the catalog of them can give. */
export function botCommands(init: BotCommandsInit) {
  const { aliases, pauses, policy, meaning } = init;
  // What cannot be looked up is asked about as it was said.
  const meant = (line: string) =>
    meaning(line).then(
      (found) => found.line,
      () => line,
    );
  return (current: () => Catalog, plugins: AnyCommand): readonly AnyCommand[] => [
    ...init.others,
    helpCommand(current, aliases.list),
    ...aliasCommands(aliases),
    pipeCommand(init.lastRows, current),
    plugins,
    ...jobsCommands({ ...init.jobs, paused: pauses.paused }),
    ...pauseCommands(pauses),
    ...requestsCommands(init.requests),
    ...init.replicas,
    ...policyQuestions(createPolicyDesk(policy, current), meant),
    ...linkCommands(init.linking),
  ];
}
