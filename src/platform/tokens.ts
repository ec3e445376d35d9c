import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import type { Clock } from "../core/clock.ts";
import { MicroError } from "../core/errors.ts";
import type { CallOptions } from "../core/lifecycle.ts";
import type { Entry, Kv } from "./kv/kv.ts";

/** What is known of a token; the token itself is not. */
export interface TokenFacts {
  /** Twelve hex digits; part of the token, and no secret. */
  readonly id: string;
  /** Whose it is, as policies name people: `ann`, `slack:T01/U02`. */
  readonly person: string;
  /** What it is for. */
  readonly note: string;
  /** Who asked for it. */
  readonly by: string;
  /** Epoch ms. */
  readonly issuedAt: number;
  readonly expiresAt: number;
}

/** Tokens with which programs say who they are: `micro_<id>_<secret>`. */
export interface Tokens {
  /** @returns the token, which nobody can be told again @throws MicroError `exhausted` for more than 1000, what `Kv` throws */
  issue(
    facts: Omit<TokenFacts, "id" | "issuedAt">,
    options?: CallOptions,
  ): Promise<{ token: string; facts: TokenFacts }>;
  /** @returns whose it is; `undefined`: it is none, was revoked or has expired @throws MicroError what `Kv` throws */
  verify(token: string, options?: CallOptions): Promise<TokenFacts | undefined>;
  /** Those that are valid, oldest first. */
  list(options?: CallOptions): Promise<readonly TokenFacts[]>;
  /** @returns `undefined`: there is none with this id */
  revoke(id: string, options?: CallOptions): Promise<TokenFacts | undefined>;
}

interface Kept extends TokenFacts {
  /** SHA-256 of the secret, in base64url. */
  readonly hash: string;
}

const PREFIX = "tokens.";
const MOST = 1000;
const TOKEN = /^micro_([0-9a-f]{12})_([\w-]{43})$/;

/**
 * Tokens in the shared store, each by its SHA-256. Slow hashes keep people's passwords from being guessed; these secrets are
 * 256 random bits, which nobody guesses at any speed, so a fast one is as good and lets no stranger keep the bot busy.
 */
export function createTokens(kv: Kv, clock: Clock): Tokens {
  const all = async (options?: CallOptions): Promise<readonly Kept[]> => {
    const now = clock.now();
    const kept: Kept[] = [];
    for (const entry of await kv.list(PREFIX, options)) {
      const found = read(entry);
      if (found === undefined) continue;
      if (found.expiresAt > now) kept.push(found);
      else await kv.delete(entry.key, { ...options, revision: entry.revision });
    }
    return kept.sort((a, b) => a.issuedAt - b.issuedAt);
  };
  return {
    issue: async (wanted, options) => {
      if ((await all(options)).length >= MOST) {
        throw new MicroError("exhausted", `there are ${MOST} tokens already: revoke some that nobody needs`);
      }
      const secret = randomBytes(32).toString("base64url");
      const facts: TokenFacts = { ...wanted, id: randomBytes(6).toString("hex"), issuedAt: clock.now() };
      const kept: Kept = { ...facts, hash: hashOf(secret).toString("base64url") };
      if ((await kv.create(PREFIX + facts.id, JSON.stringify(kept), options)) === undefined) {
        throw new MicroError("conflict", "a token was not issued: its id was there before; ask again");
      }
      return { token: `micro_${facts.id}_${secret}`, facts };
    },
    verify: async (token, options) => {
      const [, id = "", secret = ""] = TOKEN.exec(token) ?? [];
      if (id === "") return undefined;
      const entry = await kv.get(PREFIX + id, options);
      const kept = entry && read(entry);
      if (kept === undefined || kept.expiresAt <= clock.now()) return undefined;
      const hash = Buffer.from(kept.hash, "base64url");
      const given = hashOf(secret);
      return hash.length === given.length && timingSafeEqual(hash, given) ? factsOf(kept) : undefined;
    },
    list: async (options) => (await all(options)).map(factsOf),
    revoke: async (id, options) => {
      if (!/^[0-9a-f]{12}$/.test(id)) return undefined;
      const entry = await kv.get(PREFIX + id, options);
      const kept = entry && read(entry);
      return (await kv.delete(PREFIX + id, options)) && kept ? factsOf(kept) : undefined;
    },
  };
}

function hashOf(secret: string): Buffer {
  return createHash("sha256").update(secret).digest();
}

function factsOf({ hash: _hash, ...facts }: Kept): TokenFacts {
  return facts;
}

/** `undefined`: it was written by somebody else. */
function read({ value }: Entry): Kept | undefined {
  try {
    const kept = JSON.parse(value) as Partial<Kept>;
    const whole = typeof kept.hash === "string" && typeof kept.id === "string" && typeof kept.expiresAt === "number";
    return whole ? (kept as Kept) : undefined;
  } catch {
    return undefined;
  }
}
