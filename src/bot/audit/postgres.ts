import type { AuditRow } from "../../commands/audit-record.ts";
import { deadline } from "../../core/deadline.ts";
import { MicroError } from "../../core/errors.ts";
import type { AuditLog } from "./audit-log.ts";
import { type Linked, readRow } from "./chain.ts";

/** Rows that travel together. */
const TOGETHER = 500;
const CONNECT_MS = 10_000;
const STATEMENT_MS = 30_000;
/** For all of it. */
const COPY_MS = 3_600_000;

/** `body` is JSON as text, so that its hash can be computed there: `encode(sha256(body::text::bytea), 'hex') = hash`. */
const TABLE = `
  create table if not exists micro_audit (
    hash text primary key,
    replica text not null,
    seq bigint not null,
    kind text not null,
    id text,
    at timestamptz not null,
    caller text,
    person text,
    network text,
    room text,
    command text,
    outcome text,
    body json not null
  )`;

const INSERT = `
  insert into micro_audit (hash, replica, seq, kind, id, at, caller, person, network, room, command, outcome, body)
  select r.hash, b.b ->> 'replica', r.seq, b.b ->> 'kind', b.b ->> 'id', to_timestamp((b.b ->> 'at')::numeric / 1000), b.b ->> 'caller',
    b.b ->> 'person', b.b ->> 'network', b.b ->> 'room', b.b ->> 'command', b.b ->> 'outcome', r.body::json
  from unnest($1::text[], $2::bigint[], $3::text[]) as r (hash, seq, body), lateral (select r.body::json as b) as b
  on conflict (hash) do nothing`;

/**
 * Copies rows into the table `micro_audit` of a PostgreSQL database, which it makes where there is none. A row is known by its
 * hash, so it may be done again, by several replicas into one table.
 * @throws MicroError `invalid_argument` for what is no URL, `unavailable`, `timeout`, `cancelled`
 */
export async function copyToPostgres(log: Pick<AuditLog, "rows">, url: string, since: number, signal: AbortSignal) {
  const where = placeOf(url);
  const { default: pg } = await import("pg");
  const client = new pg.Client({
    connectionString: url,
    application_name: "micro",
    connectionTimeoutMillis: CONNECT_MS,
    query_timeout: STATEMENT_MS,
  });
  // Told by the query that it breaks; unheard, it would end the process.
  client.on("error", () => {});
  using limit = deadline({ signal }, COPY_MS, `copying to ${where}`);
  let copied = 0;
  let there = 0;
  const copy = async (rows: readonly AuditRow[]) => {
    if (rows.length === 0) return;
    const columns = [rows.map(({ hash }) => hash), rows.map(({ seq }) => seq), rows.map(({ body }) => body)];
    const { rowCount } = await limit.race(client.query(INSERT, columns));
    copied += rowCount ?? 0;
    there += rows.length - (rowCount ?? 0);
  };
  try {
    await limit.race(client.connect());
    await limit.race(client.query(TABLE));
    let page: AuditRow[] = [];
    for await (const row of log.rows()) {
      if ((readRow(row) as Linked).at < since) continue;
      if (page.push(row) < TOGETHER) continue;
      await copy(page);
      page = [];
    }
    await copy(page);
    return { copied, there };
  } catch (error) {
    if (error instanceof MicroError) throw error;
    const words = `${where}: ${(error as Error).message}; ${copied} rows were copied before, and it can be done again`;
    throw new MicroError("unavailable", words, { cause: error });
  } finally {
    // It says good-bye and waits for the other side, which may be what does not answer.
    await limit.race(client.end()).catch(() => {});
    client.connection.stream.destroy();
  }
}

/** Without user and password. */
function placeOf(url: string): string {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed && /^postgres(ql)?:$/.test(parsed.protocol)) return `postgres://${parsed.host}${parsed.pathname}`;
  throw new MicroError("invalid_argument", "--postgres wants a URL: postgres://user@host:5432/database");
}
