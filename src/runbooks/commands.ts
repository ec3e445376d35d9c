import { z } from "zod";
import type { Catalog } from "../commands/catalog.ts";
import { type AnyCommand, type CommandContext, defineCommand } from "../commands/command.ts";
import type { Performer } from "../commands/perform.ts";
import { MicroError } from "../core/errors.ts";
import { mayApprove } from "./approval.ts";
import { readArguments } from "./arguments.ts";
import { bookOf } from "./book.ts";
import { check, RUN } from "./check.ts";
import { closing, report, stepLine, summary } from "./draw.ts";
import { rehearse } from "./dry.ts";
import type { Engine } from "./engine.ts";
import { type Beginner, type Run, type StepRecord, stateOf } from "./run.ts";
import type { Runbook } from "./runbook.ts";
import type { Runs } from "./runs.ts";
import type { Shelf } from "./shelf.ts";
import { touchedBy } from "./touches.ts";

export interface RunbookCommandsInit {
  readonly shelf: Shelf;
  readonly engine: Engine;
  readonly performer: Performer;
  readonly catalog: () => Catalog;
  readonly hasRole: (caller: string, guest: boolean, role: string) => boolean;
  /** How long `run` shows what goes on; the run itself goes on longer. @default 3600000 */
  readonly followMs?: number;
}

const id = z
  .string({ error: "which run? `runbook status` shows the ids" })
  .describe("of a run, as `runbook status` shows it");
const name = z.string({ error: "which runbook? `runbook list` shows them" }).describe("the runbook's name");
const parameters = z.record(z.string(), z.string()).default({}).describe("its parameters, as region=eu");

/** Everything about runbooks that is done to runs: `run`, `status`, `pause`, … */
export function runbookCommands(init: RunbookCommandsInit): readonly AnyCommand[] {
  const { shelf, engine, performer, catalog, hasRole } = init;
  const { runs } = engine;

  /** Read, checked and ready. @throws MicroError `invalid_argument` with everything that is wrong */
  const ready = async (called: string, said: Readonly<Record<string, string>>, context: CommandContext) => {
    const book = await shelf.get(called);
    const args = readArguments(book, said);
    const flaws = await check(book, { shelf, catalog: catalog(), mayRun: context.mayRun });
    if (flaws.length === 0) return { book, args };
    throw new MicroError("invalid_argument", `nothing was begun, ${called} cannot run:\n${flaws.join("\n")}`);
  };
  const dry = async (called: string, said: Readonly<Record<string, string>>, context: CommandContext) => {
    const { book, args } = await ready(called, said, context);
    const { clock, signal } = context;
    const steps = await rehearse(book, args, beginnerOf(context), { performer, catalog, clock, signal });
    return { dry: true as const, runbook: called, steps };
  };

  const run = defineCommand({
    name: RUN,
    summary: "Do what a runbook says, step by step",
    input: z.object({
      name,
      parameters,
      dry_run: z.boolean().default(false).describe("change nothing: say what only reads, show what else would be said"),
    }),
    words: ["name", "parameters"],
    permission: "runbook:run",
    effect: "write",
    maxMs: init.followMs ?? 3_600_000,
    examples: ["runbook run drain-orders region=eu", "runbook run drain-orders region=eu --dry-run"],
    // Refused before anybody is asked; what is said yes to is the file as it was then.
    touches: async ({ name: called, parameters: said }, context) => {
      const { book, args } = await ready(called, said, context);
      return touchedBy(book, args, catalog(), context);
    },
    run: async ({ name: called, parameters: said, dry_run }, context) => {
      if (dry_run) {
        const rehearsed = await dry(called, said, context);
        await context.emit({ kind: "report", text: rehearsedText(rehearsed) }, rehearsed);
        return rehearsed;
      }
      const { book, args } = await ready(called, said, context);
      const begun = await engine.begin(book, args, beginnerOf(context));
      await context.emit(
        { kind: "text", text: `${summary(begun)}: begun; \`runbook abort ${begun.id}\` ends it` },
        undefined,
      );
      return { dry: false as const, run: await followed(engine, begun, book, context) };
    },
    view: (result) => ({ kind: "text", text: result.dry ? "nothing was changed" : lastWords(result.run) }),
  });

  const dryRun = defineCommand({
    name: "runbook dry-run",
    summary: "Show what a runbook would do, and change nothing",
    input: z.object({ name, parameters }),
    words: ["name", "parameters"],
    permission: "runbook:read",
    effect: "read",
    examples: ["runbook dry-run drain-orders region=eu"],
    run: ({ name: called, parameters: said }, context) => dry(called, said, context),
    view: (result) => ({ kind: "report", text: rehearsedText(result) }),
  });

  const status = defineCommand({
    name: "runbook status",
    summary: "Show the runs that are open, or the steps of one",
    input: z.object({ id: id.optional() }),
    words: ["id"],
    permission: "runbook:read",
    effect: "read",
    urgent: true,
    examples: ["runbook status", "runbook status rb7f3a9c"],
    run: async ({ id: which }) => ({ runs: which === undefined ? await runs.open() : [await found(runs, which)] }),
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
      name: name.optional(),
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

  const control = {
    permission: "runbook:run",
    effect: "write",
    // They hold something up, or go on with what was said yes to.
    confirm: false,
    urgent: true,
    whilePaused: true,
  } as const;

  const pause = defineCommand({
    ...control,
    name: "runbook pause",
    summary: "Hold a run before its next step",
    input: z.object({ id }),
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
      id,
      as: z
        .enum(["done", "again", "failed"])
        .optional()
        .describe("of a write that was cut off: it was done, it is to be done again, it failed"),
    }),
    words: ["id"],
    whilePaused: true,
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
    input: z.object({ id }),
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

  const answer = (verb: "approve" | "refuse") =>
    defineCommand({
      name: `runbook ${verb}`,
      summary: verb === "approve" ? "Say yes to what a run waits for" : "Say no to what a run waits for, which ends it",
      input: z.object({ id }),
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
        const { caller, person = caller, guest = false } = context;
        const run = await changed(runs, which, (now) => answered(now, verb, { caller, person, guest }, hasRole));
        return { run, person };
      },
      view: ({ run: it, person }) => ({
        kind: "text",
        text:
          verb === "approve" ? `${person} approved ${summary(it)}` : `${person} refused ${summary(it)}, which ends it`,
      }),
    });

  return [run, dryRun, status, history, pause, resume, abort, answer("approve"), answer("refuse")];
}

function beginnerOf({ caller, person = caller, behalf }: CommandContext): Beginner {
  if (behalf) return { caller, person, behalf };
  throw new MicroError(
    "unimplemented",
    "a runbook needs somebody for whom its steps are done, and nobody is known here",
  );
}

async function found(runs: Runs, id: string): Promise<Run> {
  const run = await runs.get(id.toLowerCase());
  if (run) return run;
  throw new MicroError(
    "not_found",
    `there is no run ${id.slice(0, 40)}; \`runbook status\` and \`runbook history\` show them`,
  );
}

async function changed(runs: Runs, id: string, next: (run: Run) => Run | undefined): Promise<Run> {
  const run = await found(runs, id);
  if (run.endedAt === undefined)
    return runs.change(run.id, (now) => (now.endedAt === undefined ? next(now) : undefined));
  throw new MicroError("conflict", `${summary(run)} has ended: ${run.outcome}`);
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

function answered(
  run: Run,
  verb: "approve" | "refuse",
  who: { readonly caller: string; readonly person: string; readonly guest: boolean },
  hasRole: RunbookCommandsInit["hasRole"],
): Run | undefined {
  const record = run.records.find(({ kind, state }) => kind === "approve" && state === "begun");
  const act = bookOf(run).steps.find(({ id: step }) => step === record?.step)?.act;
  if (record === undefined || act?.kind !== "approve" || run.phase !== "steps" || run.abort) {
    throw new MicroError("conflict", `${run.id} waits for nobody's approval: ${stateOf(run)}`);
  }
  const own = who.person === run.by.person;
  // Who has begun it may well say no.
  if (own && verb === "approve") {
    throw new MicroError("permission_denied", `you have begun ${run.id} yourself; ${act.by.join(", ")} can approve it`);
  }
  if (!own && !mayApprove(act, who, (role) => hasRole(who.caller, who.guest, role))) {
    throw new MicroError("permission_denied", `${run.id} waits for ${act.by.join(", ")}, and you are none of them`);
  }
  const { approvals = [] } = record;
  if (verb === "approve" && approvals.some(({ person }) => person === who.person)) return undefined;
  const { caller, person } = who;
  const next: StepRecord =
    verb === "approve"
      ? { ...record, approvals: [...approvals, { caller, person }] }
      : { ...record, refusedBy: person };
  return { ...run, records: run.records.map((one) => (one === record ? next : one)) };
}

/** Shows each step as it goes, until the run has ended, or waits for people to tell what became of it, or who asked leaves. */
async function followed(engine: Engine, begun: Run, book: Runbook, context: CommandContext): Promise<Run> {
  const { runs } = engine;
  const { signal } = context;
  const release = engine.follow(begun.id);
  const shown = new Set<string>();
  const show = async (run: Run) => {
    for (const record of run.records) {
      const key = `${record.token} ${record.state}`;
      if (shown.has(key) || (record.state === "begun" && record.kind === "run")) continue;
      shown.add(key);
      const text = `${book.steps.findIndex(({ id: step }) => step === record.step) + 1}/${book.steps.length} ${stepLine(record).replaceAll("\t", "  ")}`;
      await context.emit({ kind: "text", text }, record);
    }
  };
  try {
    for (let run = begun; ; ) {
      const next = new AbortController();
      const change = runs.changed(begun.id, 2000, next.signal);
      try {
        run = (await runs.get(begun.id)) ?? run;
        await show(run);
        if (run.endedAt !== undefined || stateOf(run).startsWith("unknown") || signal.aborted) return run;
        await Promise.race([change, leaving(signal, next.signal)]);
      } finally {
        next.abort();
      }
    }
  } finally {
    release();
  }
}

function leaving(signal: AbortSignal, over: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => resolve();
    signal.addEventListener("abort", end, { once: true, signal: over });
    over.addEventListener("abort", end, { once: true });
  });
}

function lastWords(run: Run): string {
  if (run.endedAt !== undefined) return closing(run);
  return `${summary(run)}: ${stateOf(run)}; it goes on by itself, \`runbook status ${run.id}\` shows it`;
}

interface DryResult {
  readonly runbook: string;
  readonly steps: Awaited<ReturnType<typeof rehearse>>;
}

function rehearsedText({ runbook, steps }: DryResult): string {
  const says = {
    read: "said",
    write: "would say",
    wait: "would wait",
    approve: "would wait",
    skip: "would leave out",
    unknown: "not known yet",
  };
  const rows = steps.map(({ step, what, line, told }) => `${step}\t${says[what]}\t${line}${told ? `\t${told}` : ""}`);
  return [`${runbook}, as a rehearsal; nothing was changed:`, "", "Step\tWhat\tLine\tFound", ...rows].join("\n");
}
