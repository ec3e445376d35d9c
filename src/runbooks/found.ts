import { z } from "zod";
import { MicroError } from "../core/errors.ts";
import { summary } from "./draw.ts";
import type { Run } from "./run.ts";
import type { Runs } from "./runs.ts";

/** Which run is meant, as commands take it. */
export const runId = z
  .string({ error: "which run? `runbook status` shows the ids" })
  .describe("of a run, as `runbook status` shows it");
/** A run, open or ended, in whatever letters its id was typed. @throws MicroError `not_found` */
export async function found(runs: Runs, id: string): Promise<Run> {
  const run = await runs.get(id.toLowerCase());
  if (run) return run;
  throw new MicroError(
    "not_found",
    `there is no run ${id.slice(0, 40)}; \`runbook status\` and \`runbook history\` show them`,
  );
}

/**
 * Writes what `next` makes of an open run; `undefined` from it: nothing is to be changed.
 * @throws MicroError `not_found`, `conflict` when it has ended, what `next` throws
 */
export async function changed(runs: Runs, id: string, next: (run: Run) => Run | undefined): Promise<Run> {
  const run = await found(runs, id);
  if (run.endedAt === undefined)
    return runs.change(run.id, (now) => (now.endedAt === undefined ? next(now) : undefined));
  throw new MicroError("conflict", `${summary(run)} has ended: ${run.outcome}`);
}
