import { z } from "zod";
import { type AnyCommand, defineCommand } from "../commands/command.ts";
import type { House } from "../commands/house.ts";
import { answered } from "./approval.ts";
import { summary } from "./draw.ts";
import { changed, runId } from "./found.ts";
import type { Runs } from "./runs.ts";

/** What tells who somebody is, and whose word it is. */
export type People = Pick<House, "hasRole" | "speaker" | "samePerson">;

/** The word of those that a run waits for: `runbook approve` and `runbook refuse`. */
export function approvingCommands(runs: Runs, people: People): readonly AnyCommand[] {
  const answer = (verb: "approve" | "refuse") =>
    defineCommand({
      name: `runbook ${verb}`,
      summary: verb === "approve" ? "Say yes to what a run waits for" : "Say no to what a run waits for, which ends it",
      input: z.object({ id: runId }),
      words: ["id"],
      permission: "runbook:approve",
      effect: "write",
      // It is a yes itself, and whose counts is said by the runbook; one that is said by an alias is asked about.
      confirm: false,
      inPerson: true,
      urgent: true,
      whilePaused: true,
      examples: [`runbook ${verb} rb7f3a9c`],
      run: async ({ id: which }, context) => {
        const who = { ...people.speaker(context), guest: context.guest ?? false };
        const rights = { hasRole: people.hasRole, same: await people.samePerson() };
        const run = await changed(runs, which, (now) => answered(now, verb, who, rights));
        return { run, person: who.person };
      },
      view: ({ run: it, person }) => ({
        kind: "text",
        text:
          verb === "approve" ? `${person} approved ${summary(it)}` : `${person} refused ${summary(it)}, which ends it`,
      }),
    });

  return [answer("approve"), answer("refuse")];
}
