import { bookOf } from "./book.ts";
import { type Run, type StepRecord, stateOf } from "./run.ts";
import type { Step } from "./runbook.ts";
import { shownRun } from "./secret.ts";

/** A line to be said by pressing something. */
export interface Choice {
  readonly label: string;
  readonly line: string;
}

/** `drain-orders (rb7f3a9c) region=eu`. */
export function summary(run: Run): string {
  const { id, runbook, args } = shownRun(run);
  const said = Object.entries(args).map(([name, value]) => ` ${name}=${String(value)}`);
  return `${runbook} (${id})${said.join("")}`;
}

/** One line of what came of a step. */
export function stepLine({ step, phase, kind, state, line, told, error, settledBy }: StepRecord): string {
  const back = phase === "rollback" ? " (taken back)" : phase === "failure" ? " (on failure)" : "";
  const how =
    state === "begun"
      ? // What nobody here does is not under way.
        kind === "approve"
        ? "waits"
        : "begun"
      : state === "unknown"
        ? "unknown, not repeated"
        : state === "again"
          ? "failed, again soon"
          : state;
  const why = [error, state === "done" ? told : undefined, settledBy && `as ${settledBy} says`]
    .filter(Boolean)
    .join("; ");
  return `${step}${back}\t${how}\t${line}${why === "" ? "" : `\t${why}`}`;
}

/** All of a run: where it stands, and each step. */
export function report(run: Run): string {
  const began = new Date(run.startedAt).toISOString().slice(0, 19).replace("T", " ");
  const rows = run.records.map(stepLine);
  const { paused, why } = run;
  const notes = [paused && `paused by ${paused.by}${paused.why ? `: ${paused.why}` : ""}`, why].filter(Boolean);
  return [
    `${summary(run)}: ${stateOf(run)}`,
    `begun by ${run.by.person} at ${began} UTC`,
    ...(notes as string[]),
    ...(rows.length === 0 ? [] : ["", "Step\tState\tWhat", ...rows, ...left(run)]),
  ].join("\n");
}

/** Steps that have not begun. */
function left(run: Run): readonly string[] {
  if (run.phase !== "steps" || run.endedAt !== undefined) return [];
  const begun = new Set(run.records.map(({ step }) => step));
  return bookOf(run)
    .steps.filter(({ id }) => !begun.has(id))
    .map((step) => `${step.id}\tnot yet\t${does(step)}`);
}

/** What a step does, as its file says it. */
export function does({ act, when }: Step): string {
  const if_ = when ? ` (when ${when.text})` : "";
  switch (act.kind) {
    case "run":
      return `${act.line.text}${if_}`;
    case "wait":
      return `wait until ${act.until.text === act.line.text || act.until.text.startsWith(act.line.text) ? act.until.text : `${act.until.text} (${act.line.text})`}${if_}`;
    case "approve":
      return `approval by ${act.count} of ${act.by.join(", ")}${if_}`;
  }
}

/** How it ended, in a sentence and what is left to people. */
export function closing(run: Run): string {
  const back = run.records.filter(({ phase }) => phase === "rollback");
  const notBack = back.filter(({ state }) => state !== "done").map(({ step }) => step);
  const unknown = run.records.filter(({ state }) => state === "unknown").map(({ step }) => step);
  const parts = [
    `${summary(run)}: ${run.outcome}${run.why ? `, ${run.why}` : ""}`,
    back.length > 0 &&
      `taken back: ${
        back
          .filter(({ state }) => state === "done")
          .map(({ step }) => step)
          .join(", ") || "nothing"
      }`,
    notBack.length > 0 && `NOT taken back: ${notBack.join(", ")}; look at that yourself`,
    unknown.length > 0 && `unknown whether it was done: ${unknown.join(", ")}`,
    run.outcome !== "done" && `\`runbook status ${run.id}\` shows each step`,
  ];
  return parts.filter(Boolean).join(". ");
}

/** What people are asked: for an approval, or how a write has ended. */
export function question(run: Run, record: StepRecord): { readonly text: string; readonly choices: readonly Choice[] } {
  const { id, by } = run;
  const { step, line } = record;
  if (record.kind === "approve") {
    const act = bookOf(run).steps.find((one) => one.id === step)?.act;
    const had = record.approvals?.length ?? 0;
    const whose = act?.kind === "approve" ? `${act.count - had} of ${act.by.join(", ")}` : line;
    return {
      text: `${summary(run)} of ${by.person} waits at step ${step} for ${whose}: \`runbook approve ${id}\` or \`runbook refuse ${id}\``,
      choices: [
        { label: "Approve", line: `runbook approve ${id}` },
        { label: "Refuse", line: `runbook refuse ${id}` },
      ],
    };
  }
  const says = (how: string) => `runbook resume ${id} --as ${how}`;
  return {
    text:
      `${summary(run)}: unknown, not repeated: step ${step} had begun \`${line}\`, and whether it was done is not known: ${record.error ?? "I was stopped before that was written down"}. ` +
      `Look, and tell me: \`${says("done")}\`, \`${says("again")}\` or \`${says("failed")}\``,
    choices: [
      { label: "It was done", line: says("done") },
      { label: "Do it again", line: says("again") },
      { label: "It failed", line: says("failed") },
    ],
  };
}
