import type { AuditEntry, AuditFilter, AuditRow } from "../../commands/audit-record.ts";

/**
 * Where the rows of a log stand; `log.ts` makes an `AuditLog` of it. What it does is done when it returns, so that nothing comes
 * between a chain's end and the rows tied to it. All throw `unavailable`; with `details.busy`, another process is writing.
 */
export interface AuditStore {
  readonly kind: string;
  readonly where: string;
  /** Ties them to the end of the chain, all of them or none. */
  commit(entries: readonly AuditEntry[]): void;
  /** Resolves when all that was committed outlives the machine's power. */
  sync(): Promise<void>;
  /** The newest row. */
  head(): AuditRow | undefined;
  row(seq: number): AuditRow | undefined;
  search(filter: AuditFilter): readonly AuditRow[];
  /** All rows with this id, newest first, so many at most. */
  withId(id: string, limit: number): readonly AuditRow[];
  /** The rows as they are now, whatever is written or let go meanwhile. */
  snapshot(): Snapshot;
  size(): { readonly oldest: number; readonly bytes: number };
  /** Lets go of all rows up to `upto`, and commits the entry that says so. */
  cut(upto: number, entry: AuditEntry): void;
  close(): void;
}

export interface Snapshot {
  /** The next ones after `seq`, oldest first; none: that was the last. */
  page(after: number, limit: number): readonly AuditRow[];
  close(): void;
}
