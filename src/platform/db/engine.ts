import type { Deadline } from "../../core/deadline.ts";
import { MicroError } from "../../core/errors.ts";
import type { CallOptions } from "../../core/lifecycle.ts";
import { createOpening } from "../opening.ts";
import type { Db, DbQuery, DbRecord, DbTables } from "./db.ts";

/** What differs between the stores of records. What it is handed was checked. */
export interface DbEngine {
  readonly kind: string;
  /** For people: `records at /var/lib/micro/records.db`. */
  readonly where: string;
  open(signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
  /** @param most how many the table keeps */
  put(table: string, record: DbRecord, most: number, limit: Deadline): Promise<void>;
  get(table: string, id: string, limit: Deadline): Promise<DbRecord | undefined>;
  /** @param before the last record of the page before */
  search(table: string, query: DbSearch, limit: Deadline): Promise<readonly DbRecord[]>;
  delete(table: string, id: string, limit: Deadline): Promise<boolean>;
}

export interface DbSearch extends Omit<DbQuery, "after"> {
  readonly before?: Pick<DbRecord, "at" | "id">;
}

const MAX_VALUE_BYTES = 1 << 20;
const MAX_TEXT = 200;
const MAX_FACTS = 16;
const MAX_LIMIT = 1000;
const LONE_SURROGATE = /\p{Surrogate}/u;

/** A store of records out of what is peculiar to it. */
export function createDb(engine: DbEngine, tables: DbTables): Db {
  const { kind, where } = engine;
  const opening = createOpening({
    where,
    open: (signal) => engine.open(signal),
    close: () => engine.close(),
    errorOf: (thrown) => ofContract(thrown, where),
  });
  const call = <T>(table: string, options: CallOptions, work: (most: number, within: Deadline) => Promise<T>) => {
    const most = Object.hasOwn(tables, table) ? tables[table]?.most : undefined;
    if (most === undefined) throw new MicroError("invalid_argument", `${where} has no table "${table}"`);
    return opening.call(options, (within) => work(most, within));
  };

  return {
    kind,
    start: opening.start,
    stop: () => opening.stop(),
    put: async (table, record, options = {}) => {
      check(record);
      return call(table, options, (most, within) => engine.put(table, record, most, within));
    },
    get: async (table, id, options = {}) => call(table, options, (_most, within) => engine.get(table, id, within)),
    search: async (table, { after, ...query }, options = {}) => {
      const { limit } = query;
      if (!Number.isSafeInteger(limit) || limit < 1 || limit > MAX_LIMIT) {
        throw new MicroError("invalid_argument", `a search finds 1 to ${MAX_LIMIT} records at a time, not ${limit}`);
      }
      const search = { ...query, limit: limit + 1, ...(after !== undefined && { before: placeOf(after) }) };
      const found = await call(table, options, (_most, within) => engine.search(table, search, within));
      const records = found.slice(0, limit);
      const last = records.at(-1);
      return { records, ...(found.length > limit && last && { next: `${last.at}/${last.id}` }) };
    },
    delete: async (table, id, options = {}) =>
      call(table, options, (_most, within) => engine.delete(table, id, within)),
  };
}

function placeOf(text: string): Pick<DbRecord, "at" | "id"> {
  const [, at, id] = /^(-?\d+)\/(.+)$/s.exec(text) ?? [];
  if (at !== undefined && id !== undefined) return { at: Number(at), id };
  throw new MicroError("invalid_argument", `"${text.slice(0, 40)}" is no place in a search`);
}

/** What is in a record is not repeated: nobody knows what that is. */
function check({ id, at, facts, value }: DbRecord): void {
  const refuse = (why: string) => {
    throw new MicroError("invalid_argument", `record "${id.slice(0, 60)}" cannot be kept: ${why}`);
  };
  if (id === "" || id.length > MAX_TEXT) refuse(`its id has 1 to ${MAX_TEXT} characters`);
  if (!Number.isSafeInteger(at)) refuse("its time is no whole number of milliseconds");
  const all = Object.entries(facts);
  if (all.length > MAX_FACTS) refuse(`it has ${MAX_FACTS} facts at most`);
  if (all.flat().some((text) => text.length > MAX_TEXT)) refuse(`a fact has ${MAX_TEXT} characters at most`);
  const bytes = Buffer.byteLength(value);
  if (bytes > MAX_VALUE_BYTES) refuse(`it has ${bytes} bytes; ${MAX_VALUE_BYTES} is the most`);
  if ([id, value, ...all.flat()].some((text) => LONE_SURROGATE.test(text)))
    refuse("half a character stands alone in it");
  if ([id, value, ...all.flat()].some((text) => text.includes("\0")))
    refuse("there is a NUL in it, which ends a text in SQLite");
}

const CODES: readonly string[] = ["unavailable", "invalid_argument", "timeout", "cancelled"];

/** Whatever a store says no with, it cannot be used now. */
function ofContract(thrown: unknown, where: string): MicroError {
  const { message } = MicroError.from(thrown, "unavailable");
  if (thrown instanceof MicroError && CODES.includes(thrown.code)) {
    if (thrown.code !== "unavailable" || message.includes(where)) return thrown;
  }
  const code = String((thrown as { readonly code?: unknown } | null)?.code ?? "");
  const next = Object.entries(NEXT).find(([begins]) => code.startsWith(begins))?.[1];
  const said = `${where}: ${message}${next === undefined ? "" : `; ${next}`}`;
  return new MicroError("unavailable", said, { cause: thrown });
}

/** What to do about it, by the code of SQLite. */
const NEXT: Readonly<Record<string, string>> = {
  SQLITE_FULL: "the disk is full, and nothing of it was written: make room and say it again",
  SQLITE_IOERR: "the disk did not take it, and nothing of it was written: make room, or look at the disk",
  SQLITE_CORRUPT:
    "the file is damaged: move it away, and a new one is begun; `sqlite3 <file> .recover` may save what it holds",
  SQLITE_NOTADB: "the file is no such store, or damaged: move it away, and a new one is begun",
  SQLITE_READONLY: "it may not be written: look at its owner and mode",
};
