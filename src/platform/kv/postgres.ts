import { type Clock, systemClock } from "../../core/clock.ts";
import { MicroError } from "../../core/errors.ts";
import { createKv } from "./engine.ts";
import { afterPrefix } from "./keys.ts";
import type { Change, Entry, Kv } from "./kv.ts";
import { createPostgresLink } from "./postgres-link.ts";

export interface PostgresKvInit {
  /**
   * `host`, `host:port` or `postgres://user:password@host:port/database?sslmode=verify-full`; what it leaves out is taken from
   * `PGUSER`, `PGPASSWORD`, `PGDATABASE` and `PGSSLMODE`, as everywhere with PostgreSQL. @default "127.0.0.1:5432"
   */
  readonly address?: string;
  readonly clock?: Clock;
}

/** A deletion is remembered for so many changes of anything; a watch that is further behind has missed something. */
const REMEMBERED = 10_000;
const SWEEP_EVERY = 1000;
const CHANNEL = "micro_bot_kv";

/** Whoever comes first makes them; the lock lets the others wait. */
const SCHEMA = `
  SELECT pg_advisory_xact_lock(7230517);
  CREATE TABLE IF NOT EXISTS micro_bot_kv (key text COLLATE "C" PRIMARY KEY, value bytea, revision bigint NOT NULL);
  CREATE INDEX IF NOT EXISTS micro_bot_kv_revision ON micro_bot_kv (revision);
  CREATE TABLE IF NOT EXISTS micro_bot_kv_head (id int PRIMARY KEY CHECK (id = 1), revision bigint NOT NULL, swept bigint NOT NULL);
  INSERT INTO micro_bot_kv_head VALUES (1, 0, 0) ON CONFLICT DO NOTHING;`;

/*
 * Every write begins by counting in the one row of the head, and holds that row until it is committed: so writes follow one
 * another, and who sees a revision sees all that are lower. Each is one statement, since a process that stands still between
 * two would hold up all the others. A key that was deleted stays for a while as a row without a value, for watches to find.
 */
const COUNTED = "WITH head AS (UPDATE micro_bot_kv_head SET revision = revision + 1 WHERE id = 1 RETURNING revision)";
const told = (write: string) =>
  `${COUNTED}, wrote AS (${write} RETURNING kv.revision) SELECT revision, pg_notify('${CHANNEL}', $1) FROM wrote`;
const inserted = (condition: string) =>
  told(`INSERT INTO micro_bot_kv AS kv (key, value, revision) SELECT $1, $2::bytea, head.revision FROM head
    ON CONFLICT (key) DO UPDATE SET value = excluded.value, revision = excluded.revision ${condition}`);
const changed = (value: string, condition: string) =>
  told(`UPDATE micro_bot_kv AS kv SET value = ${value}, revision = head.revision FROM head
    WHERE kv.key = $1 AND kv.value IS NOT NULL ${condition}`);

const ENTRIES = "SELECT key, value, revision FROM micro_bot_kv";
const SQL = {
  get: `${ENTRIES} WHERE key = $1 AND value IS NOT NULL`,
  list: `${ENTRIES} WHERE value IS NOT NULL`,
  listBelow: `${ENTRIES} WHERE value IS NOT NULL AND key >= $1 AND key < $2`,
  put: inserted(""),
  create: inserted("WHERE kv.value IS NULL"),
  update: changed("$2::bytea", "AND kv.revision = $3"),
  delete: changed("NULL", ""),
  deleteOne: changed("NULL", "AND kv.revision = $2"),
  head: "SELECT revision, swept FROM micro_bot_kv_head",
  changes: `${ENTRIES} WHERE revision > $1 ORDER BY revision`,
  changesBelow: `${ENTRIES} WHERE revision > $1 AND key >= $2 AND key < $3 ORDER BY revision`,
  sweep: `WITH head AS (UPDATE micro_bot_kv_head SET swept = GREATEST(swept, revision - ${REMEMBERED}) RETURNING swept)
    DELETE FROM micro_bot_kv USING head WHERE value IS NULL AND revision <= head.swept`,
} as const;

/** Entries in two tables of a PostgreSQL database, which are made in its first schema where they are not there. */
export function postgresKv({ address = "127.0.0.1:5432", clock = systemClock }: PostgresKvInit = {}): Kv {
  const link = createPostgresLink({ address, channel: CHANNEL, clock });
  const { where } = link;

  const rows = (name: keyof typeof SQL, values: readonly unknown[], signal: AbortSignal) =>
    link.query({ name: `micro_bot_kv_${name}`, text: SQL[name], values: [...values] }, signal);
  const head = async (signal: AbortSignal) => {
    const [row] = await rows("head", [], signal);
    if (row === undefined) throw new MicroError("unavailable", `${where} has lost the row of micro_bot_kv_head`);
    return { revision: Number(row["revision"]), swept: Number(row["swept"]) };
  };

  return createKv({
    kind: "postgres",
    where,
    open: async (signal) => {
      link.open();
      const there = "SELECT to_regclass('micro_bot_kv_head') AS name";
      const [found] = await link.query({ text: there }, signal);
      // Who finds them needs no right to make any.
      if (typeof found?.["name"] !== "string") await link.query({ text: SCHEMA }, signal);
      await head(signal);
    },
    close: link.close,
    get: async (key, { signal }) => (await rows("get", [key], signal)).flatMap((row) => entryOf(row) ?? [])[0],
    list: async (prefix, { signal }) => {
      const found =
        prefix === "" ? await rows("list", [], signal) : await rows("listBelow", [prefix, afterPrefix(prefix)], signal);
      return found.flatMap((row) => entryOf(row) ?? []);
    },
    write: async (key, value, expected, { signal }) => {
      const bytes = value === undefined ? undefined : Buffer.from(value);
      const write = () => {
        if (bytes === undefined) {
          return expected === undefined ? rows("delete", [key], signal) : rows("deleteOne", [key, expected], signal);
        }
        if (expected === undefined) return rows("put", [key, bytes], signal);
        return expected === 0 ? rows("create", [key, bytes], signal) : rows("update", [key, bytes, expected], signal);
      };
      const [row] = await write();
      if (row === undefined) return undefined;
      const revision = Number(row["revision"]);
      // What need not be remembered is thrown away by whoever comes along; it does not matter whether it works this time.
      if (revision % SWEEP_EVERY === 0) await rows("sweep", [], signal).catch(() => {});
      return revision;
    },
    watch: async (prefix, tell, signal) => {
      let news = false;
      let wake = () => {};
      const told = (key: string) => {
        if (!key.startsWith(prefix)) return;
        news = true;
        wake();
      };
      const listening = await link.listen(told, signal);
      try {
        let seen = (await head(signal)).revision;
        const look = async () => {
          const { revision } = await head(signal);
          const found =
            prefix === ""
              ? await rows("changes", [seen], signal)
              : await rows("changesBelow", [seen, prefix, afterPrefix(prefix)], signal);
          // Asked after the rows were read: had anything been thrown away before, it would say so.
          const { swept } = await head(signal);
          if (swept > seen) throw new MicroError("unavailable", `a watch of ${where} missed changes; watch again`);
          for (const row of found) tell(changeOf(row));
          seen = Math.max(revision, Number(found.at(-1)?.["revision"] ?? 0));
        };
        const follow = async (): Promise<void> => {
          while (!signal.aborted) {
            if (!news) {
              await new Promise<void>((resolve) => {
                wake = resolve;
                signal.addEventListener("abort", () => resolve(), { once: true });
              });
            }
            if (signal.aborted) return;
            news = false;
            await look();
          }
        };
        return { ended: Promise.race([follow(), listening.lost]).finally(listening.leave) };
      } catch (error) {
        await listening.leave();
        throw error;
      }
    },
  });
}

type Row = Readonly<Record<string, unknown>>;

function entryOf({ key, value, revision }: Row): Entry | undefined {
  if (!Buffer.isBuffer(value)) return undefined;
  return { key: String(key), value: value.toString(), revision: Number(revision) };
}

function changeOf(row: Row): Change {
  return { key: String(row["key"]), entry: entryOf(row) };
}
