import { MicroError } from "../core/errors.ts";
import { type Condition, readCondition } from "./condition.ts";
import type { Act } from "./runbook.ts";
import type { StepShape } from "./schema.ts";
import { readTemplate, type Template } from "./template.ts";

export type Path = readonly PropertyKey[];

export type Located = <T>(path: Path, read: () => T) => T;

/**
 * What a step does.
 * @param located reads what stands at a path, and names the place where that fails
 * @throws MicroError `invalid_argument`
 */
export function actOf(it: StepShape, path: Path, located: Located): Act {
  const kinds = (["run", "wait", "approve"] as const).filter((kind) => it[kind] !== undefined);
  if (kinds.length !== 1) {
    const had = kinds.length === 0 ? "it has none" : `it has ${kinds.join(" and ")}`;
    throw new MicroError("invalid_argument", `a step has one of run, wait and approve; ${had}`);
  }
  if (it.retry && it.run === undefined)
    throw new MicroError("invalid_argument", "retry belongs to a step that runs a command");
  if (it.wait) {
    const { until, run, every, atMost } = it.wait;
    const { line, condition } = located([...path, "wait", "until"], () =>
      run === undefined ? shortWait(until) : { line: undefined, condition: readCondition(until) },
    );
    return {
      kind: "wait",
      line: line ?? located([...path, "wait", "run"], () => readTemplate(run ?? "")),
      until: condition,
      everyMs: Math.max(100, every),
      atMostMs: atMost,
    };
  }
  if (it.approve) {
    const { by, count, atMost } = it.approve;
    return { kind: "approve", by: [by].flat().map((one) => one.replace(/^@/, "")), count, atMostMs: atMost };
  }
  return {
    kind: "run",
    line: located([...path, "run"], () => readTemplate(it.run ?? "")),
    times: it.retry?.times ?? 1,
    everyMs: it.retry?.every ?? 0,
    idempotent: it.idempotent === true,
  };
}

/** `health orders is ok`: a line, and what every status in its answer is to be. */
function shortWait(text: string): { readonly line: Template; readonly condition: Condition } {
  const [, line = "", not = "", word = ""] = /^(.+?)\s+is\s+(not\s+)?(\S+)$/.exec(text.trim()) ?? [];
  if (line === "") {
    throw new MicroError(
      "invalid_argument",
      "write `<command line> is <status>`, as in `health orders is ok`, or give `run:` and a condition on `result`",
    );
  }
  const status = word.replace(/^["']|["']$/g, "");
  const holds: Condition["holds"] = (scope) => {
    const found = statusesOf(scope(["result"]));
    return found.length > 0 && found.every((one) => (one === status) === (not === ""));
  };
  return { line: readTemplate(line), condition: { text, references: [], holds } };
}

/** What says how something is, wherever in an answer it stands: `status`, what a node has answered, or that it failed. */
function statusesOf(value: unknown, depth = 0): readonly string[] {
  if (typeof value !== "object" || value === null || depth > 8) return [];
  return Object.entries(value).flatMap(([name, one]) => {
    if (name === "error" && one !== undefined && one !== null) return ["error"];
    if ((name === "status" || name === "answer") && typeof one === "string") return [one];
    return statusesOf(one, depth + 1);
  });
}

/** @throws MicroError `invalid_argument`: what it does cannot be taken back by a line */
export function rollbackOf(it: StepShape, act: Act): Template {
  if (act.kind === "run") return readTemplate(it.rollback ?? "");
  throw new MicroError("invalid_argument", "only a step that runs a command can be taken back");
}
