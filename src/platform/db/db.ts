import type { CallOptions, Startable } from "../../core/lifecycle.ts";

/** Something that happened, kept for who asks later: a runbook's run, a stored result. */
export interface DbRecord {
  /** Unique in its table; 1 to 200 characters. */
  readonly id: string;
  /** Epoch ms; records are found newest first by it. */
  readonly at: number;
  /** What it is found by: `{ runbook: "drain" }`. 16 at most, of 200 characters each. */
  readonly facts: Readonly<Record<string, string>>;
  /** A text, mostly JSON; up to 1 MiB. */
  readonly value: string;
}

/** Which records; what is left out does not matter. */
export interface DbQuery {
  /** All of them have to be so. */
  readonly facts?: Readonly<Record<string, string>>;
  /** Not before, epoch ms. */
  readonly since?: number;
  /** `next` of the page before. */
  readonly after?: string;
  /** So many at most: 1 to 1000. */
  readonly limit: number;
}

export interface DbPage {
  /** Newest first; of the same millisecond by id, backwards. */
  readonly records: readonly DbRecord[];
  /** There are more; `undefined`: these were the last. */
  readonly next?: string;
}

/** The tables there are, and how many records each keeps: whenever one is written, the oldest beyond that are let go. */
export type DbTables = Readonly<Record<string, { readonly most: number }>>;

/**
 * Records that are written once in a while, searched, and let go when there are too many: memory, SQLite. All pass
 * `dbContract`. What replicas agree on is not for here but for `kv`: nothing is compared before it is written.
 *
 * A record is there whole or not at all, and on the disk when `put` resolves. Default limit of every call 5000 ms. What they
 * throw: `unavailable` (the disk is full, the file damaged or away), `invalid_argument` (a record or table that cannot be),
 * `timeout`, `cancelled`.
 */
export interface Db extends Startable {
  readonly kind: string;
  /** In the stead of what has its id. */
  put(table: string, record: DbRecord, options?: CallOptions): Promise<void>;
  get(table: string, id: string, options?: CallOptions): Promise<DbRecord | undefined>;
  search(table: string, query: DbQuery, options?: CallOptions): Promise<DbPage>;
  /** @returns whether it was there */
  delete(table: string, id: string, options?: CallOptions): Promise<boolean>;
}
