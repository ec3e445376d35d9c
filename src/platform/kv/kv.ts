import type { CallOptions, Closable, Startable } from "../../core/lifecycle.ts";

/** A value and what the store knows of it. */
export interface Entry {
  readonly key: string;
  /** UTF-8, up to 512 KiB. */
  readonly value: string;
  /**
   * Grows with every change in the whole store, deletions among them, and never comes again. So the revision at which a
   * lease was won is its fencing number: whoever wins it later has a higher one.
   */
  readonly revision: number;
}

/** What happened to a key; `entry` is absent when it was deleted. */
export interface Change {
  readonly key: string;
  readonly entry: Entry | undefined;
}

/**
 * Keys and values that several processes share, each change atomic and seen by everybody who asks afterwards: memory, SQLite,
 * NATS, etcd, Consul, PostgreSQL. All pass `kvContract`. With it replicas agree on who does what (`lease.ts`). Nothing
 * expires by itself: not all of them can do that, and their clocks are not ours.
 *
 * A key is words of `A-Z a-z 0-9 _ - =` joined by dots, 200 characters at most, since that is what all of them can hold; other
 * names are encoded by `keyOf`. Default limit of every call 5000 ms.
 *
 * What they throw: `unavailable` (the store is away, or cannot be written), `invalid_argument` (a key or value that cannot
 * be), `timeout`, `cancelled`. After `unavailable` or `timeout` a write may have happened or not: ask before you go on.
 */
export interface Kv extends Startable {
  readonly kind: string;
  /** The newest; never an older value than one that was seen written before the call. */
  get(key: string, options?: CallOptions): Promise<Entry | undefined>;
  /** Everything below a prefix that ends with a dot (`jobs.`), or everything (`""`), by key. */
  list(prefix: string, options?: CallOptions): Promise<readonly Entry[]>;
  /** Writes whatever was there. @returns the new revision */
  put(key: string, value: string, options?: CallOptions): Promise<number>;
  /** Only where nothing is. @returns the revision; `undefined`: there is a value */
  create(key: string, value: string, options?: CallOptions): Promise<number | undefined>;
  /** Only onto that revision. @returns the new one; `undefined`: it has changed, or is gone */
  update(key: string, value: string, revision: number, options?: CallOptions): Promise<number | undefined>;
  /** @param revision only if that is the newest @returns whether it was there (and was that one) */
  delete(key: string, options?: CallOptions & { readonly revision?: number }): Promise<boolean>;
  /**
   * Live once the promise resolves, so what is read after that misses nothing. The past is not told. Iterating throws
   * `unavailable` when the store is lost or changes were missed: list, then watch again.
   */
  watch(prefix: string, options?: CallOptions): Promise<KvWatcher>;
}

export interface KvWatcher extends AsyncIterable<Change>, Closable {}
