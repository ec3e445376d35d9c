import { MicroError } from "../core/errors.ts";

/**
 * What `${…}` and conditions speak of: `region` (a parameter), `steps.look.result.nodes.0.id`, `run.id`, and in `until:` of a
 * wait `result.versions.0`. A `*` stands for every item: `steps.look.result.versions.*.version`.
 */
export type Reference = readonly string[];

/** First words that are no parameters. */
export const RESERVED: ReadonlySet<string> = new Set([
  ...["steps", "run", "result", "and", "or", "not", "is", "in", "contains", "every", "some", "true", "false", "null"],
]);

const NAME = /^[A-Za-z][A-Za-z0-9_-]*$/;
const PART = /^(?:[A-Za-z0-9_@-]+|\*)$/;
const LONGEST = 20;

/** Whether it can be the name of a parameter or step. */
export function isName(text: string): boolean {
  return NAME.test(text) && text.length <= 40;
}

/** @throws MicroError `invalid_argument` */
export function readReference(text: string): Reference {
  const parts = text
    .trim()
    .replace(/\[(\d+|\*)\]/g, ".$1")
    .split(".");
  const [first = ""] = parts;
  if (!isName(first) || parts.length > LONGEST || !parts.every((part) => PART.test(part))) {
    throw new MicroError(
      "invalid_argument",
      `\`${text.slice(0, 60)}\` is no reference: it is a parameter's name, steps.<id>.result.<field>, or run.id`,
    );
  }
  if (first === "steps" && !["result", "state", "error"].includes(parts[2] ?? "")) {
    throw new MicroError(
      "invalid_argument",
      `\`${text.slice(0, 60)}\`: of a step there are steps.<id>.result.<field>, steps.<id>.state and steps.<id>.error`,
    );
  }
  if (first === "run" && (parts.length !== 2 || !["id", "by", "runbook"].includes(parts[1] ?? ""))) {
    throw new MicroError("invalid_argument", `\`${text}\`: of a run there are run.id, run.by and run.runbook`);
  }
  if (!["steps", "run", "result"].includes(first) && parts.length > 1) {
    throw new MicroError("invalid_argument", `\`${text}\`: the parameter ${first} has no parts`);
  }
  return parts;
}

/** What stands below a value; only what is its own, never what its kind has. A `*` makes a list. */
export function below(value: unknown, path: readonly string[]): unknown {
  let at = value;
  for (const [index, part] of path.entries()) {
    if (typeof at !== "object" || at === null) return undefined;
    if (part === "*") {
      const rest = path.slice(index + 1);
      const items = Array.isArray(at) ? at : Object.values(at);
      return items.flatMap((item) => {
        const found = below(item, rest);
        return Array.isArray(found) && rest.includes("*") ? found : [found];
      });
    }
    if (!Object.hasOwn(at, part)) return undefined;
    at = (at as Readonly<Record<string, unknown>>)[part];
  }
  return at;
}
