import { z } from "zod";
import { readDuration } from "../core/duration.ts";
import { MicroError } from "../core/errors.ts";
import type { CallOptions } from "../core/lifecycle.ts";
import type { AnyCommand } from "./command.ts";
import { defineCommand } from "./command.ts";

/** What is known of a token (`platform/tokens.ts`). */
export interface TokenRow {
  readonly id: string;
  readonly person: string;
  readonly note: string;
  readonly by: string;
  /** Epoch ms. */
  readonly issuedAt: number;
  readonly expiresAt: number;
}

/** The tokens there are; kept by who runs these commands. */
export interface TokenDesk {
  issue(facts: Omit<TokenRow, "id" | "issuedAt">, options?: CallOptions): Promise<{ token: string; facts: TokenRow }>;
  list(options?: CallOptions): Promise<readonly TokenRow[]>;
  revoke(id: string, options?: CallOptions): Promise<TokenRow | undefined>;
}

const GRANT = { permission: "bot:admin", effect: "write" } as const;

/** `token issue`, `token list`, `token revoke`. A token is told once, to who asked alone. */
export function tokenCommands(desk: TokenDesk): readonly AnyCommand[] {
  const issue = defineCommand({
    ...GRANT,
    name: "token issue",
    summary: "Make a token with which a program says who it is",
    input: z.object({
      person: z
        .string({ error: "for whom? `ann`, or an id like slack:T01/U02" })
        .describe("whose it is, as the policy names them"),
      note: z.string().max(200).default("").describe("what it is for"),
      expires: z
        .string()
        .default("2160h")
        .refine((text) => isTime(text), { error: "expires wants a time such as 24h, up to 17520h" })
        .describe("how long it is valid, as 24h"),
    }),
    words: ["person"],
    confirm: false,
    personal: true,
    reveals: ({ token }) => token,
    examples: ["token issue ann --expires 24h"],
    run: async ({ person, note, expires }, { clock, caller, signal }) => {
      const expiresAt = clock.now() + readDuration(expires);
      return desk.issue({ person, note, by: caller, expiresAt }, { signal });
    },
    view: ({ token, facts }) => ({
      kind: "text",
      text: `${token}\nit is ${facts.person}'s until ${day(facts.expiresAt)}, and cannot be shown again; \`token revoke ${facts.id}\` ends it`,
    }),
  });
  const list = defineCommand({
    name: "token list",
    summary: "Show which tokens are valid",
    input: z.object({}),
    permission: "bot:admin",
    // Nothing is changed; but only a write is never open to all members.
    effect: "write",
    whilePaused: true,
    confirm: false,
    examples: ["token list"],
    run: async (_input, { signal }) => ({ tokens: await desk.list({ signal }) }),
    view: ({ tokens }) => {
      if (tokens.length === 0) return { kind: "text", text: "there is none" };
      const rows = tokens.map((row) => [row.id, row.person, day(row.expiresAt), row.by, row.note].join("\t"));
      return { kind: "report", text: ["Id\tWhose\tUntil\tIssued by\tFor", ...rows].join("\n") };
    },
  });
  const revoke = defineCommand({
    ...GRANT,
    whilePaused: true,
    name: "token revoke",
    summary: "End a token at once",
    input: z.object({
      id: z.string({ error: "which? `token list` shows the ids" }).describe("as `token list` shows it"),
    }),
    words: ["id"],
    confirm: false,
    examples: ["token revoke 03f9a1c2d4e5"],
    run: async ({ id }, { signal }) => {
      const revoked = await desk.revoke(id, { signal });
      if (revoked) return { revoked };
      throw new MicroError("not_found", `there is no token ${id}; \`token list\` shows the ids`);
    },
    view: ({ revoked }) => ({ kind: "text", text: `${revoked.person}'s token ${revoked.id} is no longer valid` }),
  });
  return [issue, list, revoke];
}

/** Two years at most: what nobody remembers is not to be valid. */
const LONGEST_MS = 17_520 * 3_600_000;

function isTime(text: string): boolean {
  try {
    const ms = readDuration(text);
    return ms >= 60_000 && ms <= LONGEST_MS;
  } catch {
    return false;
  }
}

function day(at: number): string {
  return `${new Date(at).toISOString().slice(0, 16).replace("T", " ")} UTC`;
}
