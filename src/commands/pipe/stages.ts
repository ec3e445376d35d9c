import { MicroError } from "../../core/errors.ts";
import type { Word } from "../line.ts";
import { nearestOf } from "./nearest.ts";

/** What is done to rows, one after the other. */
export type Stage =
  | { readonly kind: "where"; readonly conditions: readonly Condition[] }
  | { readonly kind: "sort"; readonly keys: readonly { readonly field: string; readonly down: boolean }[] }
  | { readonly kind: "select"; readonly fields: readonly string[] }
  | { readonly kind: "top"; readonly count: number }
  | { readonly kind: "count"; readonly by?: string }
  | { readonly kind: "json" | "table" };

export interface Condition {
  readonly field: string;
  readonly operator: Operator;
  readonly value: string;
}

/** `~`: holds that text, whatever its case. */
export type Operator = "=" | "!=" | "<" | ">" | "<=" | ">=" | "~";

/** How each is said. */
export const STAGES: Readonly<Record<Stage["kind"], string>> = {
  where: "where <field> = <value> (or != < > <= >= ~, and `and` between two)",
  sort: "sort <field>, or sort -<field> for the largest first",
  select: "select <field> <field> …",
  top: "top <number>",
  count: "count, or count by <field>",
  json: "json",
  table: "table",
};

/** What each does, for `help pipe`. */
export const DOES: Readonly<Record<Stage["kind"], string>> = {
  where: "keep the rows that are so; ~ is for a text that is in it",
  sort: "the smallest first; numbers, durations (1h30m) and sizes (1.5gb) as such",
  select: "show these values, in this order",
  top: "keep the first so many",
  count: "how many rows, or how many of each value",
  json: "show the rows as JSON; last of all",
  table: "show them as a table; last of all",
};

/** So many stages and conditions are read; more is nothing that a person wrote. */
const MOST = 32;

/** @throws MicroError `invalid_argument` that says how the stage is said, or which is the nearest */
export function readStages(stages: readonly (readonly Word[])[]): readonly Stage[] {
  if (stages.length > MOST) throw wrong(`so many stages are not read: ${MOST} at most`);
  const read = stages.map(readStage);
  for (const { kind } of read.slice(0, -1)) {
    if (kind === "json" || kind === "table") throw wrong(`\`${kind}\` says how rows are shown, so it stands last`);
  }
  return read;
}

function readStage(words: readonly Word[]): Stage {
  const [name, ...rest] = words;
  if (name === undefined) throw wrong(`there is nothing behind a |; the stages are ${Object.keys(STAGES).join(", ")}`);
  const kind = name.text.toLowerCase();
  const texts = rest.map(({ text }) => text);
  switch (kind) {
    case "where":
      return { kind, conditions: readConditions(rest) };
    case "sort":
      if (texts.length === 0) throw saidSo("sort");
      return { kind, keys: texts.map(readKey) };
    case "select": {
      const fields = texts.flatMap((text) => text.split(",")).filter((text) => text !== "");
      if (fields.length === 0) throw saidSo("select");
      return { kind, fields: [...new Set(fields)] };
    }
    case "top": {
      const count = Number(texts[0]);
      if (texts.length !== 1 || !Number.isInteger(count) || count < 1) throw saidSo("top");
      return { kind, count };
    }
    case "count": {
      const fields = texts[0]?.toLowerCase() === "by" ? texts.slice(1) : texts;
      if (fields.length > 1 || (texts.length > 0 && fields.length === 0)) throw saidSo("count");
      return fields[0] === undefined ? { kind } : { kind, by: fields[0] };
    }
    case "json":
    case "table":
      if (texts.length > 0) throw saidSo(kind);
      return { kind };
    default: {
      const known = Object.keys(STAGES);
      const near = nearestOf(kind, known);
      throw wrong(
        `there is no stage "${name.text.slice(0, 40)}"${near === undefined ? "" : `; the nearest is \`${near}\``}. Stages are ${known.join(", ")}; a | that is no pipe is put in quotes`,
      );
    }
  }
}

function readKey(text: string): { readonly field: string; readonly down: boolean } {
  const down = text.startsWith("-");
  const field = /^[-+]/.test(text) ? text.slice(1) : text;
  if (field === "") throw saidSo("sort");
  return { field, down };
}

/** What phones make of `!=`, `<=` and `>=`, and what programmers write. */
const OPERATORS: ReadonlyMap<string, Operator> = new Map([
  ...(["=", "!=", "<", ">", "<=", ">=", "~"] as const).map((sign) => [sign, sign] as const),
  ["==", "="],
  ["≠", "!="],
  ["<>", "!="],
  ["≤", "<="],
  ["≥", ">="],
]);

/** `status!=ok` in one word. */
const TIGHT = /^([^\s=!<>~≠≤≥]+)(!=|<=|>=|==|<>|[=<>~≠≤≥])(.*)$/su;

function readConditions(words: readonly Word[]): readonly Condition[] {
  const conditions: Condition[] = [];
  for (let at = 0; at < words.length; ) {
    if (conditions.length >= MOST) throw wrong(`so many conditions are not read: ${MOST} at most`);
    if (conditions.length > 0) {
      const joint = words[at++] as Word;
      if (joint.quoted || joint.text.toLowerCase() !== "and") throw saidSo("where");
    }
    const first = words[at];
    const tight = first && !first.quoted ? TIGHT.exec(first.text) : null;
    if (tight && (tight[3] !== "" || words[at + 1]?.quoted)) {
      const [, field = "", sign = "", value = ""] = tight;
      const operator = OPERATORS.get(sign) ?? never();
      conditions.push({ field, operator, value: value || (words[++at]?.text ?? "") });
      at++;
      continue;
    }
    const [field, sign, value] = words.slice(at, at + 3);
    const operator = sign && !sign.quoted ? OPERATORS.get(sign.text) : undefined;
    if (field === undefined || operator === undefined || value === undefined) throw saidSo("where");
    conditions.push({ field: field.text, operator, value: value.text });
    at += 3;
  }
  if (conditions.length === 0) throw saidSo("where");
  return conditions;
}

function saidSo(kind: Stage["kind"]): MicroError {
  return wrong(`it is said like this: ${STAGES[kind]}`);
}

function wrong(words: string): MicroError {
  return new MicroError("invalid_argument", words);
}

function never(): never {
  throw new MicroError("internal", "an operator was read that is none");
}
