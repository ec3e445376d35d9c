import { fields } from "../../commands/fields.ts";
import { readObject } from "../../commands/json.ts";
import type { Request } from "../policy.ts";
import { isExact, isNumber } from "./exact.ts";
import { folded } from "./glob.ts";

/** What an argument is. `unsure`: the service may read it otherwise than we do. `none`: it was not given. */
export type Argument = "none" | "unsure" | { readonly values: readonly (string | number | boolean)[] };

/** Reads a request's arguments by name; its JSON is parsed once, and only when somebody asks. */
export interface Arguments {
  /** What the name means for certain. */
  of(field: string): Argument;
  /** What the JSON has under that name, where the command declares another argument that is called so. */
  also(field: string): Argument;
}

/**
 * An argument that the command declares is its typed value. Any other is looked for in the JSON object that the line ends
 * with, as in `call payments Order.Refund {"env":"staging"}`; and where something is denied, those of the same name as well.
 */
export function argumentsOf({ command, input = {} }: Pick<Request, "command" | "input">): Arguments {
  let body: Body | undefined;
  const known = new Map<string, Argument>();
  const isDeclared = (field: string) => declares(command, input, field.split(".")[0] ?? "");
  const inBody = (field: string): Argument => {
    body ??= readBody(input[command.rest ?? "request"]);
    return body.find(field);
  };
  return {
    of: (field) => {
      const argument = known.get(field) ?? (isDeclared(field) ? typed(input, field) : inBody(field));
      known.set(field, argument);
      return argument;
    },
    also: (field) => {
      const text = input[command.rest ?? "request"];
      const isObject = typeof text === "string" && text.trimStart().startsWith("{");
      return isObject && isDeclared(field) ? inBody(field) : "none";
    },
  };
}

/** `version`, or `metadata.env` of what is given in pairs, whose names may be written in other letters. */
function typed(input: Readonly<Record<string, unknown>>, field: string): Argument {
  const [first = "", ...rest] = field.split(".");
  const value = Object.hasOwn(input, first) ? input[first] : undefined;
  if (rest.length === 0 || typeof value !== "object" || value === null)
    return valuesOf(rest.length === 0 ? value : undefined);
  const name = rest.join(".");
  const spelled = Object.keys(value).filter((key) => same(key.trim()) === same(name));
  if (spelled.length === 0) return "none";
  return spelled.length === 1 && spelled[0] === name ? valuesOf((value as Record<string, unknown>)[name]) : "unsure";
}

function declares(command: Request["command"], input: object, name: string): boolean {
  if (command.input === undefined) return Object.hasOwn(input, name);
  return fields({ ...command, input: command.input } as Parameters<typeof fields>[0]).some((one) => one.name === name);
}

interface Body {
  find(field: string): Argument;
}

const nothing: Body = { find: () => "none" };
const unreadable: Body = { find: () => "unsure" };

/**
 * Whoever reads the JSON at the other end may take a name in other letters (Go does), without its underscores (protobuf's
 * JSON does), and the first or the last of two that are the same. So only a name that stands there once, as the rule spells
 * it, is sure.
 */
function readBody(text: unknown): Body {
  if (typeof text !== "string" || text.trim() === "") return nothing;
  let json: string;
  try {
    json = readObject(text);
  } catch {
    return unreadable;
  }
  const value: unknown = JSON.parse(json);
  const { names, inexact } = pathsIn(json);
  const paths = names.map(same);
  const rounded = new Set(inexact.map(same));
  return {
    find: (field) => {
      const wanted = same(field);
      const parents = wanted.split(".").map((_, at, all) => all.slice(0, at + 1).join("."));
      const times = parents.map((path) => paths.filter((one) => one === path).length);
      if (times.some((count) => count > 1) || rounded.has(wanted) || rounded.has(`${wanted}[]`)) return "unsure";
      const found = walk(value, field.split("."));
      if (found === undefined) return times.at(-1) === 1 ? "unsure" : "none";
      return valuesOf(found);
    },
  };
}

function same(name: string): string {
  return folded(name).replace(/[_-]/g, "");
}

function walk(value: unknown, path: readonly string[]): unknown {
  let at = value;
  for (const name of path) {
    if (typeof at !== "object" || at === null || Array.isArray(at) || !Object.hasOwn(at, name)) return undefined;
    at = (at as Record<string, unknown>)[name];
  }
  return at;
}

function valuesOf(value: unknown): Argument {
  if (value === undefined || value === null) return "none";
  const values = Array.isArray(value) ? value : [value];
  // To many services a list of nothing is the same as none.
  if (values.length === 0) return "none";
  return values.every((one) => ["string", "number", "boolean"].includes(typeof one)) ? { values } : "unsure";
}

const TOKEN = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\],:]|[^\s{}[\],:"]+/g;

interface Paths {
  /** Of every name, each as often as it stands there. */
  readonly names: readonly string[];
  /** Of numbers that lose digits here, and may not elsewhere; those in a list `env` stand at `env[]`. */
  readonly inexact: readonly string[];
}

/** What `JSON.parse` does not tell of a JSON text. */
function pathsIn(json: string): Paths {
  const names: string[] = [];
  const inexact: string[] = [];
  /** The name under which each object or list that is open stands. */
  const open: string[] = [];
  let text = "";
  let name = "";
  for (const [token] of json.matchAll(TOKEN)) {
    if (token === ":") {
      name = String(JSON.parse(text));
      names.push([...open.slice(1), name].join("."));
    } else if (token === "{" || token === "[") {
      open.push(token === "[" ? `${name}[]` : name);
      name = "";
    } else if (token === "}" || token === "]") open.pop();
    else if (token.startsWith('"')) text = token;
    else if (isNumber(token) && !isExact(token)) inexact.push([...open.slice(1), name].filter(Boolean).join("."));
  }
  return { names, inexact };
}
