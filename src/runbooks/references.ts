import { didYouMean, thereAre } from "./meant.ts";
import type { Reference } from "./reference.ts";
import type { Runbook, Step, Where } from "./runbook.ts";

/** All that a step speaks of. */
function referencesOf({ when, act, rollback }: Step): readonly Reference[] {
  return [
    ...(when?.references ?? []),
    ...(act.kind === "approve" ? [] : act.line.references),
    ...(act.kind === "wait" ? act.until.references : []),
    ...(rollback?.references ?? []),
  ];
}

/** Whether anything in the runbook looks at what this step found out; what nobody looks at is not kept. */
export function isLookedAt(runbook: Runbook, id: string): boolean {
  return [...runbook.steps, ...runbook.onFailure].some((step) =>
    referencesOf(step).some(([first, step_, what]) => first === "steps" && step_ === id && what === "result"),
  );
}

/** Tells of what speaks of parameters and steps that are not there, or are not there yet. */
export function checkReferences(runbook: Runbook, refuse: (words: string, at: Where) => void): void {
  const parameters = new Set(runbook.parameters.map(({ name }) => name));
  const before = new Set<string>();
  for (const step of [...runbook.steps, ...runbook.onFailure]) {
    const own = new Set(step.rollback?.references ?? []);
    for (const reference of referencesOf(step)) {
      const [first = "", second = ""] = reference;
      const said = `\${${reference.join(".")}}`;
      if (first === "steps") {
        if (before.has(second) || (second === step.id && own.has(reference))) continue;
        const meant = didYouMean(second, [...before]);
        refuse(
          `step ${step.id}: ${said}: no step before it is called ${second}; ${meant}${thereAre([...before])}`,
          step.at,
        );
      } else if (first === "result") {
        if (step.act.kind === "wait" && step.act.until.references.includes(reference)) continue;
        refuse(
          `step ${step.id}: ${said}: result is what the command of a wait says; name a step: steps.<id>.result`,
          step.at,
        );
      } else if (first !== "run" && !parameters.has(first)) {
        const meant = didYouMean(first, [...parameters]);
        refuse(`step ${step.id}: ${said}: there is no such parameter; ${meant}${thereAre([...parameters])}`, step.at);
      }
    }
    before.add(step.id);
  }
}
