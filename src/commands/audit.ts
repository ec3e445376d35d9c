import { z } from "zod";
import { MicroError } from "../core/errors.ts";
import { type Audit, type AuditFound, type AuditVerdict, READ_ALL } from "./audit-record.ts";
import { type CommandContext, defineCommand } from "./command.ts";
import { pastText, readPast } from "./past.ts";

const MAX = 500;
const since = pastText
  .optional()
  .describe("only what was said so long ago at most, like 2h, or since then, like yesterday");

export const audit = defineCommand({
  name: "audit",
  summary: "Show who told the bot what, and how it ended",
  input: z.object({
    who: z.string().optional().describe("a person, a caller as in slack:T01/U02, or a name; me for oneself"),
    command: z.string().optional().describe("only this command, or those that begin so"),
    since,
    room: z.string().optional().describe("only what was said there: a room's id, or network:room"),
    denied: z.boolean().optional().describe("only what was refused for want of a permission"),
    limit: z.number().int().positive().max(MAX).default(20).describe(`so many at most, the newest; up to ${MAX}`),
  }),
  permission: READ_ALL.permission,
  effect: "read",
  personal: true,
  examples: ["audit", "audit --who ann --since 2h", "audit --command call --denied --limit 50"],
  run: async ({ who, since: ago, limit, ...wanted }, context) => {
    const { caller, person = caller, clock } = context;
    const own = !kept(context).seesAll(context);
    const found = await kept(context).search({
      ...wanted,
      limit: limit + 1,
      ...(who !== undefined && { who: who === "me" ? person : who.replace(/^@/, "") }),
      ...(ago !== undefined && { since: readPast(ago, clock.now()) }),
      ...(own && { person }),
    });
    // Who asks what happened does not mean the question.
    const records = found.filter(({ command, outcome }) => command !== "audit" || outcome !== "running");
    return { records: records.slice(0, limit), own };
  },
  records: {
    fields: ["id", "when", "who", "where", "outcome", "took", "line"],
    rows: ({ records }) =>
      records.map((it) => ({
        id: it.id,
        when: timeOf(it.at),
        who: it.person,
        where: `${it.network}:${it.room}`,
        outcome: it.outcome,
        took: `${it.ms}ms`,
        line: it.line ?? it.text,
      })),
  },
  view: ({ records, own }) => {
    const note = own ? "only what you said yourself: the permission audit:read shows all" : undefined;
    if (records.length === 0) return { kind: "text", text: `there is no record of that${own ? ` (${note})` : ""}` };
    const rows = records.map((it) => {
      const room = `${it.network}:${it.room}`;
      const digest = cutArguments(it) ? ` (arguments sha256 ${it.argsHash?.slice(0, 12)}…)` : "";
      const line = `${oneLine(it.line ?? it.text, 60)}${digest}`;
      return [it.id, timeOf(it.at), it.person, room, it.outcome, `${it.ms} ms`, line].join("\t");
    });
    return { kind: "report", text: ["Id\tWhen\tWho\tWhere\tOutcome\tTook\tLine", ...rows].join("\n"), note };
  },
});

export const auditVerify = defineCommand({
  name: "audit verify",
  summary: "Tell whether a record of the audit was changed, removed, moved or cut off",
  input: z.object({}),
  permission: READ_ALL.permission,
  effect: "read",
  // A chain of a million rows takes seconds, on a slow disk more.
  maxMs: 300_000,
  examples: ["audit verify"],
  run: async (_input, context) => {
    demand(context);
    const verdict = await kept(context).verify(context.signal);
    if (context.oneShot && verdict.flaws.length > 0) throw new MicroError("conflict", verdictText(verdict));
    await context.emit({ kind: "text", text: verdictText(verdict) }, verdict);
    return verdict;
  },
  view: ({ flaws }) => ({ kind: "text", text: flaws.length === 0 ? "the audit is whole" : "the audit is NOT whole" }),
});

export const auditExport = defineCommand({
  name: "audit export",
  summary: "Write the audit out: lines of JSON, or rows of a PostgreSQL database",
  input: z.object({
    since,
    postgres: z
      .string()
      .optional()
      .describe("URL of a database, postgres://user@host/database: rows go to its table micro_audit, each once"),
  }),
  permission: READ_ALL.permission,
  effect: "read",
  secrets: ["postgres"],
  maxMs: 3_600_000,
  examples: ["audit export --since 24h", "audit export --postgres postgres://audit@db.example/ops"],
  run: async ({ since: ago, postgres }, context) => {
    if (!context.oneShot) {
      const words = "the audit is too long for a chat; `micro audit export` writes it out on the machine of the bot";
      throw new MicroError("unimplemented", words);
    }
    const { clock, signal } = context;
    const from = ago === undefined ? 0 : readPast(ago, clock.now());
    const source = kept(context);
    if (postgres !== undefined) {
      if (source.copyTo === undefined) throw new MicroError("unimplemented", "there is no PostgreSQL to be had here");
      const done = await source.copyTo(postgres, from, signal);
      const text = `${done.copied} rows copied, ${done.there} were there already`;
      await context.emit({ kind: "text", text }, done);
      return done;
    }
    let copied = 0;
    for await (const { hash, body } of source.rows(from)) {
      if (signal.aborted) break;
      // Its hash is that of the line without it.
      const text = `{"hash":"${hash}",${body.slice(1)}`;
      await context.emit({ kind: "json", text });
      copied++;
    }
    return { copied };
  },
  view: ({ copied }) => ({ kind: "text", text: `${copied} rows` }),
});

/** @throws MicroError `unimplemented` */
export function kept({ audit: source }: CommandContext): Audit {
  if (source) return source;
  throw new MicroError("unimplemented", "no audit is kept here");
}

/**
 * One that the caller may see: their own, or anybody's with a grant.
 * @throws MicroError `not_found`, the same for what is not there and for what is not theirs
 */
export async function visible(id: string, context: CommandContext): Promise<AuditFound> {
  const { caller, person = caller } = context;
  const found = await kept(context).find(id.toLowerCase());
  if (found && (found.person === person || kept(context).seesAll(context))) return found;
  throw new MicroError("not_found", `there is no record ${id} that you may see; \`audit\` shows those that you may`);
}

/** UTC, to the second. */
export function timeOf(at: number): string {
  return new Date(at).toISOString().replace(/\.\d+Z$/, "Z");
}

/** Characters of one argument that are shown. */
export const SHOWN = 300;

/** Whether a record does not show all of its arguments, so that only their hash tells one from another. */
export function cutArguments({ args, argsHash }: AuditFound): boolean {
  if (argsHash === undefined || args === undefined) return false;
  // What the audit has left out says so with this sign.
  return (
    Object.values(args).some((value) => written(value).length > SHOWN || written(value).includes("…")) || "…" in args
  );
}

export function written(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

export function oneLine(text: string, length: number): string {
  const flat = text.replace(/\s+/g, " ");
  return flat.length > length ? `${flat.slice(0, length - 1)}…` : flat;
}

function demand(context: CommandContext): void {
  if (kept(context).seesAll(context)) return;
  throw new MicroError("permission_denied", "you need the permission audit:read to look through everybody's records");
}

const NONE =
  "no hash is kept apart: a chain cut short cannot be told from a whole one, unless you know its newest hash";

function verdictText(verdict: AuditVerdict): string {
  const { rows, head, anchor, noneAt = [], flaws, moreFlaws, lost, cut } = verdict;
  const flawed = flaws.map(({ seq, what }) => `row ${seq} ${what}`);
  return [
    flaws.length === 0 ? `${rows} rows, each as it was written` : `NOT whole: of ${rows} rows,`,
    ...flawed,
    ...(moreFlaws > 0 ? [`and ${moreFlaws} more`] : []),
    ...(head ? [`newest: row ${head.seq} of ${timeOf(head.at)}, hash ${head.hash}`] : []),
    ...(anchor ? [`kept apart: row ${anchor.seq}, hash ${anchor.hash}, at ${anchor.where}`] : []),
    ...noneAt.map(
      (where) =>
        `no hash is at ${where} yet: it comes a second after the first row, so ask again then; if none comes, it was taken away or cannot be written`,
    ),
    ...(anchor || noneAt.length > 0 ? [] : [NONE]),
    ...(lost > 0 ? [`${lost} rows could not be written when they should have been`] : []),
    ...(cut > 0 ? [`the ${cut} oldest were let go, as the retention says`] : []),
  ].join("\n");
}
