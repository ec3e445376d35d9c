import { open } from "node:fs/promises";
import { deadline } from "../core/deadline.ts";
import { MicroError } from "../core/errors.ts";
import type { OptionTable } from "./options.ts";

/** Reads one key of a secret at a path of the store. @throws MicroError whose message names the path and no value */
export type ReadVault = (path: string, key: string) => Promise<string>;

export interface ReferenceInit {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
  /** `undefined`: no store is configured. */
  readonly vault?: ReadVault | undefined;
}

/** More than any key or certificate needs. */
const FILE_MAX = 64 * 1024;

/** A file may be a pipe that nobody writes to. */
const FILE_MS = 5000;

/**
 * `file:/run/secrets/slack`, `env:SLACK_TOKEN`, `vault:secret/micro#slack`. Nothing else: a path begins with `/`, `./` or `~`, a
 * variable with a letter, and a secret of the store has a key, so that `env:8500` stays the address that it is.
 */
const REFERENCE =
  /^(?:file:(?<file>(?:\/|\.{1,2}\/).+)|env:(?<env>[A-Za-z_]\w*)|vault:(?<path>[^#\s]+)#(?<key>[^#\s]+))$/s;

export function isReference(text: string): boolean {
  return REFERENCE.test(text);
}

/**
 * The settings with what their references lead to. They count in options marked as secret and in those marked as taking
 * them (`Option.references`): in a list each item by itself.
 * @throws MicroError `invalid_argument`, or what kept the store from answering; names the option, never a value
 */
export async function withReferences<T extends object>(
  settings: T,
  table: OptionTable,
  init: ReferenceInit,
): Promise<T> {
  const resolved = Object.entries(table).map(async ([name, option]): Promise<readonly [string, unknown]> => {
    const value = (settings as Record<string, unknown>)[name];
    if (option.secret !== true && option.references !== true) return [name, value];
    const read = (text: string) => blamed(`--${name}`, () => resolve(text, init));
    if (typeof value === "string") return [name, await read(value)];
    if (!Array.isArray(value)) return [name, value];
    return [name, await Promise.all(value.map((item) => (typeof item === "string" ? read(item) : item)))];
  });
  return { ...settings, ...Object.fromEntries(await Promise.all(resolved)) };
}

/** What a text refers to; itself where it is no reference. @throws MicroError `invalid_argument` and what a store throws */
export async function resolve(text: string, { env, signal, vault }: ReferenceInit): Promise<string> {
  const groups = REFERENCE.exec(text)?.groups;
  if (groups === undefined) return text;
  const { file, env: variable, path, key } = groups;
  if (variable !== undefined) {
    const value = env[variable];
    if (value) return value;
    throw new MicroError(
      "invalid_argument",
      `${text}: there is no variable ${variable} in the environment, or it is empty`,
    );
  }
  if (file !== undefined) {
    const value = withoutEnd(await contentOf(file, signal));
    if (value !== "") return value;
    throw new MicroError("invalid_argument", `${text}: the file is empty`);
  }
  if (vault === undefined) {
    throw new MicroError(
      "invalid_argument",
      `${text}: give --vault_address and --vault_token, so that it can be looked up`,
    );
  }
  return vault(path ?? "", key ?? "");
}

async function contentOf(path: string, signal: AbortSignal): Promise<string> {
  using limit = deadline({ signal }, FILE_MS, `reading ${path}`);
  try {
    return await limit.race(beginningOf(path));
  } catch (thrown) {
    if (thrown instanceof MicroError) throw thrown;
    const reason = REASONS[(thrown as NodeJS.ErrnoException).code ?? ""] ?? (thrown as Error).message;
    throw new MicroError("invalid_argument", `the file ${path} cannot be read: ${reason}`, { cause: thrown });
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "it does not exist",
  EACCES: "this user may not",
  EISDIR: "it is a folder",
};

async function beginningOf(path: string): Promise<string> {
  await using file = await open(path, "r");
  const bytes = Buffer.alloc(FILE_MAX + 1);
  let length = 0;
  for (;;) {
    const { bytesRead } = await file.read(bytes, length, bytes.length - length, null);
    length += bytesRead;
    if (length > FILE_MAX) throw new MicroError("invalid_argument", `the file ${path} is larger than a secret, 64 KiB`);
    if (bytesRead === 0) return bytes.toString("utf8", 0, length);
  }
}

/** Editors end a file with the end of a line. */
function withoutEnd(text: string): string {
  return text.replace(/(?:\r?\n)+$/, "");
}

async function blamed(name: string, read: () => Promise<string>): Promise<string> {
  try {
    return await read();
  } catch (thrown) {
    const { code, message } = MicroError.from(thrown);
    throw new MicroError(code, `${name}: ${message}`, { cause: thrown });
  }
}
