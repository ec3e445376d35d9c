import { MicroError } from "../../core/errors.ts";
import { nearestOf } from "./nearest.ts";
import { compare, type Quantity, quantityOf } from "./quantity.ts";
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
  for (const stage of stages) {
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
const KINDS = { number: 0, duration: 1, size: 2, text: 3, none: 4 } as const;

function sorted(
  rows: readonly Row[],
  keys: readonly { readonly field: string; readonly down: boolean }[],
): readonly Row[] {
  // Each value is read once, and not at every comparison.
  const columns = keys.map(({ field }) => rows.map((row) => keyOf(row[field] ?? null)));
  const order = rows.map((_, at) => at);
  order.sort((a, b) => {
    for (let key = 0; key < keys.length; key++) {
      const column = columns[key] as readonly Key[];
      const one = column[a] as Key;
      const other = column[b] as Key;
      if (one.kind !== other.kind) {
        const far = KINDS[one.kind] - KINDS[other.kind];
        return one.kind === "none" || other.kind === "none" ? far : keys[key]?.down ? -far : far;
      }
      const between = one.kind === "none" ? 0 : (compare(one, other as Quantity) ?? 0);
      if (between !== 0) return keys[key]?.down ? -between : between;
    }
    return a - b;
  });
  return order.map((at) => rows[at] as Row);
}

type Key = Quantity | { readonly kind: "none" };

function keyOf(value: Value): Key {
  return value === null || value === "" ? { kind: "none" } : quantityOf(value);
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
