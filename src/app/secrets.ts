import type { Clock } from "../core/clock.ts";
import { createRedactor, type Redactor, SHORTEST_SECRET } from "../core/redact.ts";
import { isSecretName } from "../core/redact-patterns.ts";
import type { OptionTable } from "./options.ts";
import { isReference, type ReadVault, resolve, withReferences } from "./secret-references.ts";

/** What is known to be secret before anything is said. */
export interface KnownSecrets {
  readonly redactor: Redactor;
  /** Names of options and variables whose values are too short to be looked for. */
  readonly tooShort: readonly string[];
}

type Env = Readonly<Record<string, string | undefined>>;

/**
 * A redactor that knows the values of options marked as secret (each item, where they hold several), passwords within
 * addresses, and variables of the environment whose names say so.
 */
export function secretsOf(settings: object, table: OptionTable, env: Env): KnownSecrets {
  const named: (readonly [string, string])[] = [];
  for (const [name, option] of Object.entries(table)) {
    const value = (settings as Record<string, unknown>)[name];
    const texts = (Array.isArray(value) ? value : [value]).filter((text) => typeof text === "string");
    for (const text of texts) {
      if (option.secret) named.push(...[text, ...items(text)].map((one) => [`--${name}`, one] as const));
      named.push(...passwordsIn(text).map((one) => [`--${name}`, one] as const));
    }
  }
  const own = new Set(Object.values(table).map((option) => option.env));
  for (const [name, value = ""] of Object.entries(env)) {
    if (own.has(name)) continue;
    if (isSecretName(name) && !isPlain(value)) named.push([name, value]);
    named.push(...passwordsIn(value).map((one) => [name, one] as const));
  }
  const long = named.filter(([, value]) => value.length >= SHORTEST_SECRET);
  const short = named.filter(([, value]) => value !== "" && value.length < SHORTEST_SECRET);
  return {
    redactor: createRedactor(long.map(([, value]) => value)),
    tooShort: [...new Set(short.map(([name]) => name))],
  };
}

/** Several tokens stand in one option with commas. */
function items(text: string): readonly string[] {
  return text.includes(",") ? text.split(",").map((item) => item.trim()) : [];
}

/** As it stands in an address, and as it is. */
function passwordsIn(text: string): readonly string[] {
  return [...text.matchAll(/:\/\/[^\s/@:]{0,256}:([^\s/@]{1,256})@/g)].flatMap(([, password = ""]) => {
    try {
      return [...new Set([password, decodeURIComponent(password)])];
    } catch {
      return [password];
    }
  });
}

/** A path, a number or a switch tells nothing, whatever its variable is called. */
function isPlain(value: string): boolean {
  return /^(?:\/|\.{1,2}\/|~|(?:true|false|yes|no|on|off|\d{1,5})$)/i.test(value);
}

/** Settings with what their references lead to, and what is secret in them. */
export interface Opened<T> extends KnownSecrets {
  readonly settings: T;
  /** What a value refers to; itself where it is no reference. @throws MicroError */
  readonly resolve: (text: string) => Promise<string>;
}

interface VaultSettings {
  readonly vault_address: string;
  readonly vault_token: string | undefined;
}

/**
 * Looks up what the settings refer to (`withReferences`), once, when the program starts.
 * @throws MicroError that names the option, never a value
 */
export async function openSecrets<T extends object & VaultSettings>(
  settings: T,
  table: OptionTable,
  init: { readonly env: Env; readonly signal: AbortSignal; readonly clock: Clock },
): Promise<Opened<T>> {
  const { vault_token: tokenOption, ...others } = table;
  const { vault_token } = await withReferences(
    { vault_token: settings.vault_token },
    { ...(tokenOption && { vault_token: tokenOption }) },
    init,
  );
  const read = await vaultFor(settings.vault_address, vault_token, init);
  const where = { ...init, vault: read };
  const opened = await withReferences({ ...settings, vault_token }, others, where);
  return { settings: opened, resolve: (text) => resolve(text, where), ...secretsOf(opened, table, init.env) };
}

async function vaultFor(
  address: string,
  token: string | undefined,
  init: { readonly signal: AbortSignal; readonly clock: Clock },
): Promise<ReadVault | undefined> {
  if (address === "" || token === undefined || token === "") return undefined;
  const { vault } = await import("./secret-vault.ts");
  return vault({ address, token, ...init });
}

/** A redactor for what goes wrong before the settings are known: arguments whose names say that they are secret, and the environment. */
export function secretsBefore(args: readonly string[], env: Env): Redactor {
  const { redactor } = secretsOf({}, {}, env);
  const given = args.flatMap((arg, at) => {
    const [, name = "", inline] = /^--?([\w-]+)(?:=(.*))?$/s.exec(arg) ?? [];
    const value = inline ?? args[at + 1] ?? "";
    return isSecretName(name) && !isReference(value) ? [value, ...items(value)] : passwordsIn(arg);
  });
  redactor.add(given);
  return redactor;
}
