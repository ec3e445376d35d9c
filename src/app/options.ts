import { distance } from "fastest-levenshtein";
import { readDuration } from "../core/duration.ts";
import { MicroError } from "../core/errors.ts";

/** One option: `--name value` on the command line, or a variable of the environment. */
export interface Option<T> {
  readonly env: string | undefined;
  readonly description: string;
  /** Stands for the value in help; `undefined`: a switch, which needs none. */
  readonly placeholder: string | undefined;
  /** When neither the command line nor the environment says anything. */
  readonly fallback: T;
  /** One letter: `-h`. */
  readonly short?: string;
  /** Its value is nobody's business: never shown. */
  readonly secret?: true;
  /** It may say where its value is (`secret-references.ts`), as every secret may. */
  readonly references?: true;
  /** @param before what an earlier mention of the same option gave @throws MicroError `invalid_argument` */
  read(text: string, before: T | undefined): T;
  /** An environment variable has only one value, so a list stands in it with commas. */
  readonly split?: true;
}

// biome-ignore lint/suspicious/noExplicitAny: the type stands on both sides of `read`, so only `any` fits every option
export type OptionTable = Readonly<Record<string, Option<any>>>;

/** What a table's options say, by name. */
export type Settings<T extends OptionTable> = { readonly [K in keyof T]: T[K] extends Option<infer V> ? V : never };

type Said = Pick<Option<unknown>, "env" | "description">;

export function text<const F extends string | undefined>(said: Said, fallback: F): Option<string | F> {
  return { ...said, placeholder: "value", fallback, read: (value) => value };
}

/** A text that must not be shown: a token, a password. */
export function secret(said: Said): Option<string | undefined> {
  return { ...text(said, undefined), secret: true };
}

/** An option whose value, or each item of it, may be a reference, because it may hold what is nobody's business. */
export function referring<T>(option: Option<T>): Option<T> {
  return { ...option, references: true };
}

/** One of the names there are. @param kind what they name, for the error: "registry" */
export function oneOf(said: Said, kind: string, known: readonly string[], fallback: string): Option<string> {
  return { ...said, placeholder: "name", fallback, read: (value) => knownName(kind, known, value) };
}

/** Names out of those there are; one that ends in `:…` stands for all that begin so. */
export function someOf(
  said: Said,
  kind: string,
  known: readonly string[],
  fallback: readonly string[],
): Option<readonly string[]> {
  const names = list(said);
  return {
    ...names,
    placeholder: "names",
    fallback,
    read: (value, before) => {
      const all = names.read(value, before);
      for (const name of all) knownName(kind, known, name);
      return all;
    },
  };
}

/** Commas separate; a repeated option adds. */
export function list(said: Said): Option<readonly string[]> {
  return {
    ...said,
    placeholder: "list",
    fallback: [],
    read: (value, before = []) => [
      ...before,
      ...value
        .split(",")
        .map((item) => item.trim())
        .filter((item) => item !== ""),
    ],
  };
}

/** `key=value`; a repeated option adds. Without `=` the value is empty (`toolkit.md §2`). */
export function pairs(said: Said): Option<Readonly<Record<string, string>>> {
  return {
    ...said,
    placeholder: "key=value",
    fallback: {},
    split: true,
    read: (value, before = {}) => {
      const equals = value.indexOf("=");
      return equals === -1
        ? { ...before, [value]: "" }
        : { ...before, [value.slice(0, equals)]: value.slice(equals + 1) };
    },
  };
}

/** A whole number that is not negative. */
export function integer<const F extends number | undefined>(said: Said, fallback: F): Option<number | F> {
  return {
    ...said,
    placeholder: "number",
    fallback,
    read: (value) => {
      const number = Number(value);
      if (/^\d+$/.test(value) && Number.isSafeInteger(number)) return number;
      throw new MicroError("invalid_argument", `"${value}" is no whole number`);
    },
  };
}

/** A Go duration, read as milliseconds. */
export function duration(said: Said, fallbackMs: number): Option<number> {
  return { ...said, placeholder: "duration", fallback: fallbackMs, read: (value) => readDuration(value) };
}

export function flag(said: Said, short?: string): Option<boolean> {
  return {
    ...said,
    placeholder: undefined,
    fallback: false,
    ...(short === undefined ? {} : { short }),
    read: (value) => {
      if (/^(true|1)$/i.test(value)) return true;
      if (/^(false|0)$/i.test(value)) return false;
      throw new MicroError("invalid_argument", `"${value}" is neither true nor false`);
    },
  };
}

/** Settings, and the arguments that were not read. */
export interface ReadOptions<T extends OptionTable> {
  readonly settings: Settings<T>;
  /** From the first bare word on. */
  readonly rest: readonly string[];
}

/**
 * Reads options up to the first bare word; `--` ends them. What the command line says wins over the environment, the
 * environment over the fallback; an empty variable counts as unset (`toolkit.md §1.1`).
 * @throws MicroError `invalid_argument` that names the option, and for an unknown one the nearest
 */
export function readOptions<T extends OptionTable>(
  table: T,
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): ReadOptions<T> {
  const given = new Map<string, unknown>();
  let at = 0;
  for (; at < args.length; at++) {
    const arg = args[at] as string;
    if (arg === "--") {
      at++;
      break;
    }
    if (arg === "-" || !arg.startsWith("-")) break;
    const [, dashed = "", , inline] = /^(--?[^=]*)(=(.*))?$/s.exec(arg) ?? [];
    const name = optionName(table, dashed.replace(/^--?/, ""));
    const option = name === undefined ? undefined : table[name];
    if (name === undefined || option === undefined) throw unknownOption(table, dashed);
    const value = inline ?? (option.placeholder === undefined ? "true" : args[++at]);
    if (value === undefined) throw new MicroError("invalid_argument", `${dashed} wants a value`);
    given.set(
      name,
      blame(dashed, () => option.read(value, given.get(name))),
    );
  }
  const settings: Record<string, unknown> = {};
  for (const [name, option] of Object.entries(table)) {
    settings[name] = given.has(name) ? given.get(name) : (fromEnvironment(option, env) ?? option.fallback);
  }
  return { settings: settings as Settings<T>, rest: args.slice(at) };
}

function fromEnvironment(option: Option<unknown>, env: Readonly<Record<string, string | undefined>>): unknown {
  const variable = option.env;
  const value = variable === undefined ? undefined : env[variable];
  if (variable === undefined || value === undefined || value === "") return undefined;
  return blame(variable, () =>
    (option.split ? value.split(",") : [value]).reduce<unknown>((before, item) => option.read(item, before), undefined),
  );
}

/** The table's spelling of a name: dashes are as good as underscores, and a letter may stand for it. */
function optionName(table: OptionTable, said: string): string | undefined {
  const name = said.replaceAll("-", "_");
  if (Object.hasOwn(table, name)) return name;
  return Object.keys(table).find((key) => table[key]?.short === said);
}

function unknownOption(table: OptionTable, dashed: string): MicroError {
  const details = { option: dashed.replace(/^--?/, "").replaceAll("-", "_") };
  return new MicroError("invalid_argument", `unknown option ${dashed}${nearest(dashed, table)}`, { details });
}

function nearest(dashed: string, table: OptionTable): string {
  const said = dashed.replace(/^--?/, "").slice(0, 64);
  const [best] = Object.keys(table)
    .map((name) => ({ name, far: distance(said, name) }))
    .sort((a, b) => a.far - b.far);
  return best && best.far <= Math.max(2, said.length / 3) ? `; did you mean --${best.name}?` : "";
}

function knownName(kind: string, known: readonly string[], name: string): string {
  if (known.some((one) => (one.endsWith(":…") ? begins(name, one.slice(0, -1)) : one === name))) return name;
  if (known.includes(`${name.replace(/:$/, "")}:…`)) {
    throw new MicroError("invalid_argument", `the ${kind} "${name}" needs a name behind a colon: a package or a path`);
  }
  throw new MicroError("invalid_argument", `no ${kind} is called "${name}"; there are ${known.join(", ")}`);
}

function begins(name: string, start: string): boolean {
  return name.startsWith(start) && name.length > start.length;
}

function blame<T>(name: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new MicroError("invalid_argument", `${name}: ${MicroError.from(error).message}`, { cause: error });
  }
}
