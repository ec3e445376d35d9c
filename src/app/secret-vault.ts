import { backoff } from "../core/backoff.ts";
import type { Clock } from "../core/clock.ts";
import { deadline } from "../core/deadline.ts";
import { MicroError } from "../core/errors.ts";
import type { ReadVault } from "./secret-references.ts";

export interface VaultInit {
  /** `https://vault.example.org:8200`. */
  readonly address: string;
  readonly token: string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** How long it is asked again while it is away, sealed or busy. @default 15000 */
  readonly giveUpMs?: number;
}

/** One request. */
const REQUEST_MS = 5000;

/** A secret is small; more is no answer of a store's. */
const ANSWER_MAX = 1024 * 1024;

/**
 * A store with the HTTP API of Vault's key/value engine, version 2 or 1 (developer.hashicorp.com/vault/api-docs/secret/kv).
 * A path is written as its command line has it, `secret/micro`: which version the mount has is asked first, as the command
 * line does it (`sys/internal/ui/mounts`); where that is not told, both are tried.
 *
 * Each path is read once. What is away is asked again for some time, what is refused is not.
 */
export function vault(init: VaultInit): ReadVault {
  const base = addressOf(init.address);
  const read = new Map<string, Promise<Readonly<Record<string, unknown>>>>();
  return async (path, key) => {
    const clean = path.replace(/^\/+|\/+$/g, "");
    let secret = read.get(clean);
    if (secret === undefined) {
      secret = secretAt(init, base, clean);
      read.set(clean, secret);
    }
    const value = (await secret)[key];
    if (typeof value === "string" && value !== "") return value;
    if (typeof value === "number" || typeof value === "boolean") return String(value);
    throw new MicroError("invalid_argument", `the secret store has no text under ${key} at ${clean}`);
  };
}

function addressOf(address: string): URL {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.username !== "" || url.password !== "") {
    throw new MicroError("invalid_argument", "--vault_address is no address like https://vault.example.org:8200");
  }
  return url;
}

async function secretAt(init: VaultInit, base: URL, path: string): Promise<Readonly<Record<string, unknown>>> {
  for (const candidate of await candidates(init, base, path)) {
    const answer = await ask(init, base, candidate);
    const data = answer === undefined ? undefined : dataOf(answer);
    if (data !== undefined) return data;
  }
  throw new MicroError("invalid_argument", `the secret store has nothing at ${path}`);
}

/** Where a secret may be, the likelier first: version 2 has it under `data/` behind the name of its mount. */
async function candidates(init: VaultInit, base: URL, path: string): Promise<readonly string[]> {
  const mounted = await mountOf(init, base, path);
  const mount = mounted?.path ?? path.slice(0, path.indexOf("/") + 1);
  const inside = path.slice(mount.length);
  const second = inside.startsWith("data/") ? path : `${mount}data/${inside}`;
  if (mounted?.version === "2") return [second];
  return mounted?.version === "1" ? [path] : [...new Set([second, path])];
}

async function mountOf(
  init: VaultInit,
  base: URL,
  path: string,
): Promise<{ path: string; version?: string } | undefined> {
  try {
    const { data } = objectOf(await ask(init, base, `sys/internal/ui/mounts/${path}`));
    const { path: mount, options, type } = objectOf(data);
    if (typeof mount !== "string" || !path.startsWith(mount)) return undefined;
    const { version } = objectOf(options);
    if (typeof version === "string") return { path: mount, version };
    return type === "kv" || type === "generic" ? { path: mount, version: "1" } : { path: mount };
  } catch (error) {
    // A token may be kept from knowing; that it may not read the secret would be told by reading it.
    if (MicroError.from(error).code === "permission_denied") return undefined;
    throw error;
  }
}

/** Version 2 wraps the secret once more, and tells of versions that were deleted without it. */
function dataOf(answer: unknown): Readonly<Record<string, unknown>> | undefined {
  const { data } = objectOf(answer);
  if (typeof data !== "object" || data === null) return undefined;
  const { data: inner, metadata } = objectOf(data);
  if (typeof metadata !== "object" || metadata === null) return objectOf(data);
  return typeof inner === "object" && inner !== null ? objectOf(inner) : undefined;
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

/** What stands at a path of the API; `undefined`: nothing. */
async function ask(init: VaultInit, base: URL, path: string): Promise<unknown> {
  const { clock, signal, giveUpMs = 15_000 } = init;
  const until = clock.now() + giveUpMs;
  for (let attempt = 0; ; attempt++) {
    try {
      return await askOnce(init, base, path);
    } catch (thrown) {
      const error = MicroError.from(thrown, "unavailable");
      const wait = backoff(attempt, 200, 2000);
      if (!error.retryable || signal.aborted || clock.now() + wait > until) throw error;
      await clock.sleep(wait, { signal });
    }
  }
}

async function askOnce({ token, signal }: VaultInit, base: URL, path: string): Promise<unknown> {
  using limit = deadline({ signal }, REQUEST_MS, `the secret store at ${base.host}`);
  const url = new URL(`/v1/${path.split("/").map(encodeURIComponent).join("/")}`, base);
  let response: Response;
  let body: string;
  try {
    // Who follows a redirect takes the token along, to wherever it leads.
    response = await fetch(url, {
      headers: { "X-Vault-Token": token, "X-Vault-Request": "true" },
      redirect: "manual",
      signal: limit.signal,
    });
    body = await bodyOf(response);
  } catch (thrown) {
    limit.check();
    if (thrown instanceof MicroError) throw thrown;
    const { cause, message } = thrown as Error;
    const reason = cause instanceof Error ? cause.message || (cause as NodeJS.ErrnoException).code : message;
    throw new MicroError("unavailable", `the secret store at ${base.host} cannot be reached: ${reason}`, {
      cause: thrown,
    });
  }
  const { status } = response;
  if (status === 404) return undefined;
  if (status === 403)
    throw new MicroError("permission_denied", `the secret store does not let this token read ${path}`);
  if (status >= 300 && status < 400) {
    throw new MicroError(
      "invalid_argument",
      `the secret store at ${base.host} sends elsewhere: give the address of the active one as --vault_address`,
    );
  }
  // 472 and 473: a standby (developer.hashicorp.com/vault/api-docs, "HTTP status codes").
  if (status === 429 || status === 412 || status === 472 || status === 473 || status >= 500) {
    const why = status === 503 ? "is sealed or in maintenance" : `answers ${status}`;
    throw new MicroError("unavailable", `the secret store at ${base.host} ${why}`);
  }
  if (status !== 200)
    throw new MicroError("invalid_argument", `the secret store at ${base.host} answers ${status} to ${path}`);
  try {
    return JSON.parse(body);
  } catch {
    throw new MicroError("invalid_argument", `what answers at ${base.host} is no secret store: it says no JSON`);
  }
}

async function bodyOf(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    length += chunk.length;
    if (length > ANSWER_MAX)
      throw new MicroError("invalid_argument", "the secret store says more than a secret: over 1 MiB");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}
