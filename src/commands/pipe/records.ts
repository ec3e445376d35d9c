import { jsonCodec, RawJson } from "../../core/codec/json.ts";
import type { AnyCommand } from "../command.ts";

/** One row: named values, flat. */
export type Row = Readonly<Record<string, Value>>;

export type Value = string | number | boolean | null;

/** Rows, and the names of their values in the order in which they are shown. */
export interface Records {
  readonly fields: readonly string[];
  readonly rows: readonly Row[];
}

/** How deep objects are laid flat (`node.metadata.zone`), and into how many values. */
const DEEPEST = 4;
const MOST_FIELDS = 64;

/**
 * The rows in a command's result: what the command makes of it (`Command.records`), else the objects in the array that the result
 * is or has, else the texts of such an array as `value`, else the result itself as one row. `undefined` when there is nothing of the
 * kind.
 */
export function recordsOf(command: Pick<AnyCommand, "records">, result: unknown): Records | undefined {
  const objects = command.records ? command.records.rows(result) : objectsIn(plainOf(result));
  if (objects === undefined) return undefined;
  const rows = objects.map(flat);
  return { fields: fieldsOf(rows, command.records?.fields), rows };
}

/** Whether a result is a list of things, and not one thing that could be shown as a row. Quick: most results are none. */
export function isList(command: Pick<AnyCommand, "records">, result: unknown): boolean {
  if (command.records) return true;
  if (result instanceof RawJson && !/\[\s*[{\]]/.test(result.text)) return false;
  const array = arrayIn(plainOf(result));
  return array !== undefined && (array.length === 0 || array.some(isObject));
}

/** Names of the values that rows have, after those that are known. */
function fieldsOf(rows: readonly Row[], known: readonly string[] = []): readonly string[] {
  const names = new Set(known);
  for (const row of rows) for (const name in row) names.add(name);
  return [...names];
}

function plainOf(result: unknown): unknown {
  if (!(result instanceof RawJson)) return result;
  try {
    return jsonCodec.decode(new TextEncoder().encode(result.text));
  } catch {
    return undefined;
  }
}

function objectsIn(value: unknown): readonly object[] | undefined {
  const array = arrayIn(value);
  if (array === undefined) return isObject(value) ? [value] : undefined;
  return array.map((item) => (isObject(item) ? item : { value: item }));
}

/** The value itself or the first array in it, one of objects before any other. */
function arrayIn(value: unknown): readonly unknown[] | undefined {
  if (Array.isArray(value)) return value;
  if (!isObject(value)) return undefined;
  const arrays = Object.values(value).filter((inner): inner is unknown[] => Array.isArray(inner));
  return arrays.find((array) => array.some(isObject)) ?? arrays[0];
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function flat(object: object): Row {
  const row: Record<string, Value> = Object.create(null);
  let count = 0;
  const put = (name: string, value: unknown, depth: number) => {
    if (value === undefined || count >= MOST_FIELDS) return;
    if (isObject(value) && depth < DEEPEST) {
      for (const [key, inner] of Object.entries(value)) put(name === "" ? key : `${name}.${key}`, inner, depth + 1);
      return;
    }
    row[name] = cellOf(value);
    count++;
  };
  put("", object, 0);
  return row;
}

function cellOf(value: unknown): Value {
  if (value === null || typeof value === "string" || typeof value === "boolean") return value;
  if (typeof value === "number") return Number.isFinite(value) ? value : null;
  if (Array.isArray(value) && !value.some((item) => typeof item === "object" && item !== null)) return value.join(", ");
  // A number too long for a double keeps its digits as a text.
  return typeof value === "object" ? new TextDecoder().decode(jsonCodec.encode(value)).trimEnd() : String(value);
}
