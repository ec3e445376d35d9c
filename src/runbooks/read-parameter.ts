import { MicroError } from "../core/errors.ts";
import { fits, patternOf } from "./pattern.ts";
import type { Parameter } from "./runbook.ts";
import type { ParameterShape } from "./schema.ts";

/** @throws MicroError `invalid_argument`: what it is does not go together */
export function parameterOf(name: string, it: ParameterShape): Parameter {
  const refuse = (words: string): never => {
    throw new MicroError("invalid_argument", words);
  };
  if ((it.type === "choice") !== (it.choices !== undefined))
    refuse("choices belong to the type choice, and it needs them");
  if (it.pattern !== undefined && it.type !== "string") refuse("a pattern belongs to the type string");
  const parameter: Parameter = {
    name,
    type: it.type,
    summary: it.summary ?? "",
    required: it.required ?? it.default === undefined,
    choices: it.choices ?? [],
    ...(it.default !== undefined && { default: it.default }),
    ...(it.pattern !== undefined && { pattern: patternOf(it.pattern) }),
  };
  if (it.default !== undefined) {
    const kind = it.type === "choice" ? "string" : it.type;
    const known = it.type !== "choice" || parameter.choices.includes(String(it.default));
    const fit = parameter.pattern === undefined || fits(parameter.pattern, String(it.default));
    if (typeof it.default !== kind || !known || !fit) refuse(`its default does not fit what it is (${it.type})`);
  }
  return parameter;
}
