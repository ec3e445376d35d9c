import { readRunbook } from "./read.ts";
import type { Run } from "./run.ts";
import type { Runbook } from "./runbook.ts";

/** The runbook of a run, as its file was when it began. */
export function bookOf(run: Pick<Run, "text" | "runbook">): Runbook {
  return readRunbook(run.text, run.runbook, `${run.runbook}.yaml`);
}
