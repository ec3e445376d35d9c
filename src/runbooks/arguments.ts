import { MicroError } from "../core/errors.ts";
import { didYouMean, thereAre } from "./meant.ts";
import { fits } from "./pattern.ts";
import type { Arguments, Parameter, ParameterValue, Runbook } from "./runbook.ts";

/** A longer value is none. */
const LONGEST = 2000;
/** Of one that is held against a pattern, which may take its time. */
const LONGEST_FITTED = 200;

/**
 * What `region=eu grace=30` says of a runbook's parameters.
 * @throws MicroError `invalid_argument` that names the parameter and what it takes
 */
export function readArguments(runbook: Runbook, said: Readonly<Record<string, string>>): Arguments {
  const { name, parameters } = runbook;
  for (const key of Object.keys(said)) {
    if (parameters.some((one) => one.name === key)) continue;
    const known = parameters.map((one) => one.name);
    const meant = `${didYouMean(key, known)}${thereAre(known)}`;
    throw new MicroError("invalid_argument", `${name} has no parameter ${key.slice(0, 40)}; ${meant}`);
  }
  const made: Record<string, ParameterValue> = Object.create(null);
  for (const parameter of parameters) {
    const text = Object.hasOwn(said, parameter.name) ? said[parameter.name] : undefined;
    if (text !== undefined) made[parameter.name] = readValue(parameter, text);
    else if (parameter.default !== undefined) made[parameter.name] = parameter.default;
    else if (parameter.required) {
      throw new MicroError(
        "invalid_argument",
        `${name} wants ${parameter.name}: say it behind the name, ${parameter.name}=${takes(parameter)}`,
      );
    }
  }
  return made;
}

/** What stands for a value: `<eu|us>`, `<number>`. */
export function takes({ type, choices, pattern }: Parameter): string {
  if (type === "choice") return `<${choices.join("|")}>`;
  return pattern ? `<text like ${pattern.source.slice(4, -2)}>` : type === "string" ? "<text>" : `<${type}>`;
}

function readValue(parameter: Parameter, text: string): ParameterValue {
  const { name, type, choices, pattern } = parameter;
  const refuse = (why: string): never => {
    throw new MicroError("invalid_argument", `${name}=${text.slice(0, 40)}: ${why}`);
  };
  const longest = pattern ? LONGEST_FITTED : LONGEST;
  if (text.length > longest) refuse(`it has ${longest} characters at most`);
  if (text.trim() === "") refuse("it is empty");
  switch (type) {
    case "number": {
      const number = Number(text);
      return /^-?\d+(\.\d+)?$/.test(text) && Number.isFinite(number) ? number : refuse("it is a number");
    }
    case "boolean":
      return text === "true" || text === "false" ? text === "true" : refuse("it is true or false");
    case "choice":
      return choices.includes(text) ? text : refuse(`it is one of ${choices.join(", ")}`);
    default:
      if (pattern === undefined || fits(pattern, text)) return text;
      return refuse(`it has to look like ${pattern.source.slice(4, -2)}`);
  }
}
