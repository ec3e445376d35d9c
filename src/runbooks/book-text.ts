import { align } from "../commands/columns.ts";
import { takes } from "./arguments.ts";
import { does } from "./draw.ts";
import type { Runbook } from "./runbook.ts";

/** What a runbook's file holds, for people. */
export function bookText(book: Runbook): string {
  const wants = book.parameters.map((one) => {
    const usual =
      one.default === undefined ? (one.required ? "required" : "optional") : `default ${String(one.default)}`;
    return `${one.name}\t${takes(one)}\t${usual}\t${one.summary}`;
  });
  const steps = book.steps.map(
    (step) => `${step.id}\t${does(step)}${step.rollback ? `\tback: ${step.rollback.text}` : ""}`,
  );
  const failure = book.onFailure.map((step) => `${step.id}\t${does(step)}`);
  const lines = [
    `${book.name}: ${book.summary}`,
    ...(wants.length === 0 ? [] : ["", "Parameter\tTakes\tLeft out\tWhat it is for", ...wants]),
    "",
    "Step\tWhat",
    ...steps,
    ...(failure.length === 0 ? [] : ["", "On failure\tWhat", ...failure]),
  ];
  return align(lines.join("\n"));
}
