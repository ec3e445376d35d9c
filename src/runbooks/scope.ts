import { below } from "./reference.ts";
import type { Run } from "./run.ts";
import type { Scope } from "./runbook.ts";

/** What references mean in a run as it stands; `result` only in a wait. */
export function scopeOf(run: Pick<Run, "id" | "runbook" | "by" | "args" | "records">, result?: unknown): Scope {
  return (reference) => {
    const [first = "", second = "", third = ""] = reference;
    switch (first) {
      case "steps": {
        // A step may stand twice: done, and taken back.
        const record = run.records.find(({ step, phase }) => step === second && phase !== "rollback");
        if (third === "result") return below(record?.result, reference.slice(3));
        return third === "state" ? record?.state : record?.error;
      }
      case "run":
        return second === "id" ? run.id : second === "by" ? run.by.person : run.runbook;
      case "result":
        return below(result, reference.slice(1));
      default:
        return Object.hasOwn(run.args, first) ? run.args[first] : undefined;
    }
  };
}
