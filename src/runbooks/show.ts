import { z } from "zod";
import { type AnyCommand, defineCommand } from "../commands/command.ts";
import { report, summary } from "./draw.ts";
import { found, runId } from "./found.ts";
import { stateOf } from "./run.ts";
import type { Runs } from "./runs.ts";
import { shownRun } from "./secret.ts";

/** What tells of runs: `runbook status` and `runbook history`. */
export function showingCommands(runs: Runs): readonly AnyCommand[] {
  const status = defineCommand({
    name: "runbook status",
    summary: "Show the runs that are open, or the steps of one",
    input: z.object({ id: runId.optional() }),
    words: ["id"],
    permission: "runbook:read",
    effect: "read",
    urgent: true,
    examples: ["runbook status", "runbook status rb7f3a9c"],
    run: async ({ id: which }) => ({
      runs: (which === undefined ? await runs.open() : [await found(runs, which)]).map(shownRun),
    }),
    view: ({ runs: shown }, { id: which }) => {
      const [one] = shown;
      if (one === undefined) return { kind: "text", text: "no runbook is running" };
      if (which !== undefined) return { kind: "report", text: report(one) };
      const rows = shown.map((each) => `${each.id}\t${stateOf(each)}\t${each.by.person}\t${summary(each)}`);
      return { kind: "report", text: ["Id\tState\tBegun by\tRunbook", ...rows].join("\n") };
    },
  });

  const history = defineCommand({
    name: "runbook history",
    summary: "Show the runs that have ended, the newest first",
    input: z.object({
      name: z.string().optional().describe("the runbook's name"),
      limit: z.number().int().min(1).max(200).default(20).describe("so many at most"),
    }),
    words: ["name"],
    permission: "runbook:read",
    effect: "read",
    examples: ["runbook history", "runbook history drain-orders --limit 50"],
    run: async ({ name: called, limit }) => ({
      runs: await runs.history({ limit, ...(called !== undefined && { runbook: called }) }),
    }),
    view: ({ runs: shown }) => {
      if (shown.length === 0) return { kind: "text", text: "no run of a runbook has ended yet" };
      const rows = shown.map((one) => {
        const began = new Date(one.startedAt).toISOString().slice(0, 19).replace("T", " ");
        const seconds = Math.round(((one.endedAt ?? one.startedAt) - one.startedAt) / 1000);
        return `${one.id}\t${began}\t${one.outcome}\t${seconds} s\t${one.by.person}\t${summary(one)}${one.why ? `: ${one.why}` : ""}`;
      });
      return { kind: "report", text: ["Id\tBegan (UTC)\tEnded as\tTook\tBegun by\tRunbook", ...rows].join("\n") };
    },
  });

  return [status, history];
}
