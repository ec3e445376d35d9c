import { MicroError } from "../../core/errors.ts";
import { nearestOf } from "./nearest.ts";
import { compare, quantityOf } from "./quantity.ts";
import type { Records, Row, Value } from "./records.ts";
import type { Condition, Stage } from "./stages.ts";

/** What stages made of rows. */
export interface Result extends Records {
  readonly as: "table" | "json";
  /** How many rows there were before. */
  readonly of: number;
}

/** Carries the stages out, in their order. Pure. @throws MicroError `invalid_argument`: there is no such field */
export function applyStages({ rows: all, fields: known }: Records, stages: readonly Stage[]): Result {
  let rows = all;
  let fields = known;
  let as: Result["as"] = "table";
  let chosen = false;
  for (const [index, stage] of stages.entries()) {
    const then = stages[index + 1];
    // Of no rows nobody knows what they would have.
    const named = (said: string) => (rows.length === 0 && fields.length === 0 ? said : fieldNamed(said, fields));
    switch (stage.kind) {
      case "where":
        for (const condition of stage.conditions) {
          const holds = holding({ ...condition, field: named(condition.field) });
          rows = rows.filter(holds);
        }
        break;
      case "sort":
        rows = sorted(
          rows,
          stage.keys.map(({ field, down }) => ({ field: named(field), down })),
          then?.kind === "top" ? then.count : rows.length,
        );
        break;
      case "select": {
        fields = [...new Set(stage.fields.map(named))];
        const kept = fields;
        chosen = true;
        rows = rows.map((row) => Object.fromEntries(kept.map((name) => [name, row[name] ?? null])));
        break;
      }
      case "top":
        rows = rows.slice(0, stage.count);
        break;
      case "count": {
        const by = stage.by === undefined ? undefined : named(stage.by);
        rows = by === undefined ? [{ count: rows.length }] : countedBy(rows, by);
        fields = by === undefined ? ["count"] : [by, "count"];
        chosen = true;
        break;
      }
      default:
        as = stage.kind;
    }
  }
  return { rows, fields: chosen ? fields : filled(rows, fields), as, of: all.length };
}

/**
 * Looks whether the stages can be carried out on rows with these fields, before there are any.
 * @throws MicroError `invalid_argument`: there will be no such field
 */
export function checkStages(stages: readonly Stage[], known: readonly string[]): void {
  let fields = known;
  for (const stage of stages) {
    const named = (said: string) => fieldNamed(said, fields);
    if (stage.kind === "where") for (const { field } of stage.conditions) named(field);
    if (stage.kind === "sort") for (const { field } of stage.keys) named(field);
    if (stage.kind === "select") fields = stage.fields.map(named);
    if (stage.kind === "count") fields = stage.by === undefined ? ["count"] : [named(stage.by), "count"];
  }
}

/** @throws MicroError `invalid_argument` with the nearest and those that there are */
function fieldNamed(said: string, fields: readonly string[]): string {
  if (fields.includes(said)) return said;
  const wanted = said.toLowerCase();
  const found = fields.find((name) => name.toLowerCase() === wanted);
  if (found !== undefined) return found;
  const near = nearestOf(said, fields);
  const shown = fields.slice(0, 30).join(", ") + (fields.length > 30 ? ", …" : "");
  throw new MicroError(
    "invalid_argument",
    `there is no field "${said.slice(0, 40)}"${near === undefined ? "" : `; the nearest is \`${near}\``}. There is ${shown || "none"}`,
  );
}

function holding({ field, operator, value }: Condition): (row: Row) => boolean {
  const wanted = quantityOf(value);
  const lower = value.toLowerCase();
  return (row) => {
    const given = row[field] ?? null;
    if (operator === "~") return textOf(given).toLowerCase().includes(lower);
    const order = given === null ? undefined : compare(quantityOf(given), wanted);
    const same = order === 0 || textOf(given) === value;
    if (operator === "=") return same;
    if (operator === "!=") return !same;
    if (order === undefined) return false;
    if (operator === "<") return order < 0;
    if (operator === ">") return order > 0;
    return operator === "<=" ? order <= 0 : order >= 0;
  };
}

/** What is not there is last, whichever way it goes; kinds that cannot be told apart stand together. */
const KINDS = { number: 0, duration: 1, size: 2, text: 3 } as const;
const NONE = 4;

interface Column {
  readonly kinds: Uint8Array;
  readonly amounts: Float64Array;
  readonly texts: readonly string[];
  readonly down: boolean;
}

function sorted(
  rows: readonly Row[],
  keys: readonly { readonly field: string; readonly down: boolean }[],
  most: number,
): readonly Row[] {
  // Each value is read once, and not at every comparison.
  const columns = keys.map(({ field, down }) => columnOf(rows, field, down));
  const compared = (a: number, b: number) => {
    for (const column of columns) {
      const between = compareIn(column, a, b);
      if (between !== 0) return between;
    }
    return a - b;
  };
  const order = most * 8 < rows.length ? firstOf(rows.length, most, compared) : Uint32Array.from(rows, (_, at) => at);
  if (order instanceof Uint32Array) order.sort(compared);
  return Array.from(order, (at) => rows[at] as Row);
}

/** The first few in order, without putting all the others in order. */
function firstOf(count: number, most: number, compared: (a: number, b: number) => number): readonly number[] {
  const first: number[] = [];
  for (let at = 0; at < count; at++) {
    if (first.length === most && compared(at, first[most - 1] as number) > 0) continue;
    let low = 0;
    let high = first.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (compared(first[middle] as number, at) < 0) low = middle + 1;
      else high = middle;
    }
    first.splice(low, 0, at);
    if (first.length > most) first.pop();
  }
  return first;
}

function columnOf(rows: readonly Row[], field: string, down: boolean): Column {
  const kinds = new Uint8Array(rows.length);
  const amounts = new Float64Array(rows.length);
  const texts: string[] = [];
  for (let at = 0; at < rows.length; at++) {
    const value = rows[at]?.[field] ?? "";
    const read = quantityOf(value);
    kinds[at] = value === "" ? NONE : KINDS[read.kind];
    amounts[at] = read.kind === "text" ? 0 : read.amount;
    texts.push(read.kind === "text" ? read.text : "");
  }
  return { kinds, amounts, texts, down };
}

function compareIn({ kinds, amounts, texts, down }: Column, a: number, b: number): number {
  const kind = kinds[a] as number;
  const far = kind - (kinds[b] as number);
  if (far !== 0) return down && kind !== NONE && kinds[b] !== NONE ? -far : far;
  const [one = "", other = ""] = kind === KINDS.text ? [texts[a], texts[b]] : [];
  const between =
    kind === KINDS.text ? (one < other ? -1 : Number(one > other)) : (amounts[a] as number) - (amounts[b] as number);
  return down ? -between : between;
}

function countedBy(rows: readonly Row[], field: string): readonly Row[] {
  const counts = new Map<Value, number>();
  for (const row of rows) {
    const value = row[field] ?? null;
    counts.set(value, (counts.get(value) ?? 0) + 1);
  }
  return [...counts].map(([value, count]) => ({ [field]: value, count })).sort((a, b) => b.count - a.count);
}

/** Without what no row has, unless somebody asked for it. */
function filled(rows: readonly Row[], fields: readonly string[]): readonly string[] {
  if (rows.length === 0) return fields;
  return fields.filter((name) => rows.some((row) => row[name] !== undefined && row[name] !== null));
}

function textOf(value: Value): string {
  return value === null ? "" : String(value);
}
