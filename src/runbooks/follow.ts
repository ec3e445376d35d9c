import type { CommandContext } from "../commands/command.ts";
import { stepLine } from "./draw.ts";
import type { Engine } from "./engine.ts";
import { type Run, stateOf } from "./run.ts";
import type { Runbook } from "./runbook.ts";

/** Shows each step as it goes, until the run has ended, or waits for people to tell what became of it, or who asked leaves. */
export async function followed(engine: Engine, begun: Run, book: Runbook, context: CommandContext): Promise<Run> {
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
  let run = begun;
  try {
    for (;;) {
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
    release(run.endedAt !== undefined);
  }
}

function leaving(signal: AbortSignal, over: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => resolve();
    signal.addEventListener("abort", end, { once: true, signal: over });
    over.addEventListener("abort", end, { once: true });
  });
}
