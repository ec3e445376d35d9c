import { z } from "zod";
import { type AnyCommand, defineCommand } from "../commands/command.ts";
import { MicroError } from "../core/errors.ts";
import { summary } from "./draw.ts";
import { changed, runId } from "./found.ts";
import { type Run, type StepRecord, stateOf } from "./run.ts";
import type { Runs } from "./runs.ts";

const control = {
  permission: "runbook:run",
  effect: "write",
  // They hold something up, or go on with what was said yes to.
  confirm: false,
  urgent: true,
  whilePaused: true,
} as const;

/** What holds a run up, goes on with it or ends it: `runbook pause`, `resume` and `abort`. */
export function steeringCommands(runs: Runs): readonly AnyCommand[] {
  const pause = defineCommand({
    ...control,
    name: "runbook pause",
    summary: "Hold a run before its next step",
    input: z.object({ id: runId }),
    words: ["id"],
    examples: ["runbook pause rb7f3a9c"],
    run: async ({ id: which }, { caller, person = caller }) => ({
      run: await changed(runs, which, (now) => (now.paused ? undefined : { ...now, paused: { by: person } })),
    }),
    view: ({ run: it }) => ({
      kind: "text",
      text: `${summary(it)} holds before its next step; \`runbook resume ${it.id}\` goes on`,
    }),
  });

  const resume = defineCommand({
    ...control,
    name: "runbook resume",
    summary: "Go on with a run that is paused, or say how a step has ended of which that is not known",
    input: z.object({
      id: runId,
      as: z
        .enum(["done", "again", "failed"])
        .optional()
        .describe("of a write that was cut off: it was done, it is to be done again, it failed"),
    }),
    words: ["id"],
    examples: ["runbook resume rb7f3a9c", "runbook resume rb7f3a9c --as done"],
    run: async ({ id: which, as }, { caller, person = caller }) => ({
      run: await changed(runs, which, (now) => resumed(now, as, person)),
    }),
    view: ({ run: it }) => ({ kind: "text", text: `${summary(it)} goes on` }),
  });

  const abort = defineCommand({
    ...control,
    name: "runbook abort",
    summary: "End a run and take back what it has done, as its file says",
    input: z.object({ id: runId }),
    words: ["id"],
    examples: ["runbook abort rb7f3a9c"],
    run: async ({ id: which }, { caller, person = caller }) => ({
      run: await changed(runs, which, ({ paused: _paused, ...now }) => {
        if (now.phase === "steps") return { ...now, abort: now.abort ?? { by: person } };
        throw new MicroError("conflict", `${which} is ending already: ${stateOf(now)}`);
      }),
    }),
    view: ({ run: it }) => ({
      kind: "text",
      text: `${summary(it)} ends: the step that it is at comes to its end first`,
    }),
  });

  return [pause, resume, abort];
}

function resumed(run: Run, as: "done" | "again" | "failed" | undefined, person: string): Run {
  const { paused, ...rest } = run;
  const open = run.records.find(({ state, phase }) => state === "unknown" && phase === run.phase);
  if (open === undefined) {
    if (as !== undefined)
      throw new MicroError("conflict", `of every step of ${run.id} it is known how it ended; leave --as out`);
    if (paused === undefined) throw new MicroError("conflict", `${run.id} is not paused: ${stateOf(run)}`);
    return rest;
  }
  if (as === undefined) {
    const words = `step ${open.step} of ${run.id} had begun, and how it ended is unknown: say --as done, --as again or --as failed`;
    throw new MicroError("invalid_argument", words);
  }
  if (as === "again") return { ...rest, records: run.records.filter((one) => one !== open) };
  const settled: StepRecord = {
    ...open,
    state: as,
    settledBy: person,
    ...(as === "failed" && { error: "how it ended was not written down" }),
  };
  return { ...rest, records: run.records.map((one) => (one === open ? settled : one)) };
}
