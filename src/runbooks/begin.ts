import { z } from "zod";
import type { Catalog } from "../commands/catalog.ts";
import { align } from "../commands/columns.ts";
import { type AnyCommand, type CommandContext, defineCommand } from "../commands/command.ts";
import type { House } from "../commands/house.ts";
import type { Performer } from "../commands/perform.ts";
import { MicroError } from "../core/errors.ts";
import { isSecretName } from "../core/redact-patterns.ts";
import { readArguments } from "./arguments.ts";
import { check, RUN } from "./check.ts";
import { closing, summary } from "./draw.ts";
import { rehearse } from "./dry.ts";
import type { Engine } from "./engine.ts";
import { followed } from "./follow.ts";
import { flawText } from "./read.ts";
import { type Beginner, type Run, stateOf } from "./run.ts";
import type { Arguments, Runbook } from "./runbook.ts";
import { secretParameters } from "./secret.ts";
import type { Shelf } from "./shelf.ts";
import { linesOf, touchedBy } from "./touches.ts";

export interface BeginningInit {
  readonly shelf: Shelf;
  readonly engine: Engine;
  readonly performer: Performer;
  readonly catalog: () => Catalog;
  readonly speaker: House["speaker"];
  /** How long `run` shows what goes on; the run itself goes on longer. @default 3600000 */
  readonly followMs?: number;
}

const name = z.string({ error: "which runbook? `runbook list` shows them" }).describe("the runbook's name");
const parameters = z.record(z.string(), z.string()).default({}).describe("its parameters, as region=eu");

/** What goes through a runbook, in earnest or not: `runbook run` and `runbook dry-run`. */
export function beginningCommands(init: BeginningInit): readonly AnyCommand[] {
  const { shelf, engine, performer, catalog } = init;
  const beginnerOf = (context: CommandContext): Beginner => {
    const { behalf } = context;
    if (behalf) return { ...init.speaker(context), behalf };
    throw new MicroError(
      "unimplemented",
      "a runbook needs somebody for whom its steps are done, and nobody is known here",
    );
  };

  /** Read, checked and ready. @throws MicroError `invalid_argument` with everything that is wrong */
  const ready = async (called: string, said: Readonly<Record<string, string>>, context: CommandContext) => {
    const book = await shelf.get(called);
    const args = readArguments(book, said);
    const flaws = await check(book, { shelf, catalog: catalog(), mayRun: context.mayRun });
    if (flaws.length === 0) return { book, args };
    throw new MicroError(
      "invalid_argument",
      `nothing was begun, ${called} cannot run:\n${flaws.map((flaw) => flawText(`${called}.yaml`, flaw)).join("\n")}`,
    );
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
    // A rehearsal changes nothing, so nobody is asked.
    confirm: ({ dry_run }) => !dry_run,
    maxMs: init.followMs ?? 3_600_000,
    examples: ["runbook run drain-orders region=eu", "runbook run drain-orders region=eu --dry-run"],
    // Refused before anybody is asked; what is said yes to is the file as it was then.
    touches: async ({ name: called, parameters: said }, context) => {
      const { book, args } = await ready(called, said, context);
      return touchedBy(book, args, catalog(), context);
    },
    carries: async ({ name: called, parameters: said = {} }, { mayRun }) => {
      // They are what `show` shows.
      if (!mayRun({ name: "runbook show", permission: "runbook:read", effect: "read" })) return [];
      const book = await shelf.get(called);
      return linesOf(book, shownArguments(book, said, catalog()), catalog());
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
      return { dry: false as const, run: done(await followed(engine, begun, book, context)) };
    },
    view: (result) => ({ kind: "text", text: result.dry ? "that was a rehearsal" : closing(result.run) }),
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

  return [run, dryRun];
}

/** Those that are said well and are no secrets; others are not known yet. */
function shownArguments(book: Runbook, said: Readonly<Record<string, string>>, catalog: Catalog): Arguments {
  try {
    const secret = new Set(secretParameters(book, catalog));
    const known = Object.entries(readArguments(book, said));
    return Object.fromEntries(known.filter(([parameter]) => !secret.has(parameter) && !isSecretName(parameter)));
  } catch {
    return {};
  }
}

/**
 * A run that has come to a good end, for whoever goes on after it: a step of another runbook, an audit.
 * @throws MicroError `conflict` when it failed or was aborted; `unavailable` when nobody knows yet how a step of it has ended
 */
function done(run: Run): Run {
  if (run.endedAt === undefined) {
    const words = `${summary(run)}: ${stateOf(run)}; it goes on once it is told how that ended, \`runbook status ${run.id}\` shows it`;
    throw new MicroError("unavailable", words, { details: { run: run.id } });
  }
  if (run.outcome === "done") return run;
  throw new MicroError("conflict", closing(run), { details: { run: run.id } });
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
  const lines = [`${runbook}, as a rehearsal; nothing was changed:`, "", "Step\tWhat\tLine\tFound", ...rows];
  return align(lines.join("\n"));
}
