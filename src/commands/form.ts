import type { AnyCommand } from "./command.ts";
import { type Field, fields } from "./fields.ts";
import { chatLine, quotedWord, withoutBlanks } from "./line.ts";
import { pipedIn } from "./pipe/split.ts";

/** A command's arguments, to be filled in: the form of `inputs/input.ts`, which commands know nothing of. */
export interface CommandForm {
  readonly command: string;
  readonly summary: string;
  readonly fields: readonly CommandFormField[];
}

export interface CommandFormField {
  readonly name: string;
  readonly kind: "line" | "lines" | "number" | "choice" | "flag";
  readonly hint?: string;
  readonly required: boolean;
  readonly options?: readonly string[];
  readonly value?: string;
}

/** What can be filled in for a command. @param given what was said of it already */
export function formOf(command: AnyCommand, given: Readonly<Record<string, string>> = {}): CommandForm {
  return {
    command: command.name,
    summary: command.summary,
    fields: fields(command).map((field) => {
      const { name, required, description, choices } = field;
      const value = given[name] ?? field.default;
      return {
        name,
        kind: kindOf(field),
        required,
        ...(description === "" ? {} : { hint: description }),
        ...(choices.length === 0 ? {} : { options: choices }),
        ...(value === undefined ? {} : { value: String(value) }),
      };
    }),
  };
}

/** Several lines: JSON, text, and what may be given several times, one on each line. */
function kindOf({ type, place, choices }: Field): CommandFormField["kind"] {
  if (choices.length > 0) return "choice";
  if (type === "boolean") return "flag";
  if (type === "integer" || type === "number") return "number";
  return place === "rest" || type === "list" || type === "pairs" ? "lines" : "line";
}

/**
 * The line that says a form's values: `parse` makes of it what was filled in. Blanks around a value are no part of it; a flag
 * that is not `true` is off; a word without a value ends the words, so `parse` tells that it is missing.
 * @throws MicroError `invalid_argument` for a word that no quotes can stand around
 */
export function lineOf(command: AnyCommand, values: Readonly<Record<string, string>>): string {
  const all = fields(command);
  const said = ({ name }: Field) => withoutBlanks(values[name] ?? "");
  const options = all.filter(({ place }) => place === "option").flatMap((field) => optionOf(field, said(field)));
  const words: string[] = [];
  for (const field of all.filter(({ place }) => place !== "option")) {
    const value = said(field) || String(field.default ?? "");
    if (value === "") break;
    if (field.place === "word" && (field.type === "list" || field.type === "pairs")) {
      words.push(...linesOf(value).map(quotedWord));
    } else words.push(field.place === "rest" ? restOf(value) : quotedWord(value));
  }
  // A rest that is not JSON takes all that follows, so the options stand before it.
  return [command.name, ...options, ...words].join(" ");
}

function optionOf({ name, type, default: usual }: Field, value: string): readonly string[] {
  if (type === "boolean") {
    if (value === "true") return [`--${name}`];
    return usual === true ? [`--${name}=false`] : [];
  }
  if (value === "" || (usual !== undefined && value === String(usual))) return [];
  const each = type === "list" || type === "pairs" ? linesOf(value) : [value];
  return each.flatMap((one) => [`--${name}`, quotedWord(one)]);
}

/** Of what may be given several times, one on each line. */
function linesOf(value: string): readonly string[] {
  return value
    .split("\n")
    .map(withoutBlanks)
    .filter((one) => one !== "");
}

/** As it is; what begins like an option is kept from being one, and what holds a pipe is quoted, as `parse` undoes it. */
function restOf(value: string): string {
  const line = chatLine(value);
  const [first] = line.words;
  const quoted = first?.quoted === true && line.words.length === 1 && value.includes("|");
  const text = pipedIn(line) || quoted ? quotedWord(value) : value;
  return first?.text.startsWith("-") ? `-- ${text}` : text;
}
