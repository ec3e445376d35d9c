import type { AuditEntry, AuditFilter, AuditRow } from "../../commands/audit-record.ts";
import type { Closable } from "../../core/lifecycle.ts";
import type { AnchorPlace } from "./anchor.ts";

/**
 * What the bot has done, row by row, each tied to the one before by its hash. Rows are added and never changed; the oldest are
 * let go in whole segments, which leaves a row that says so. Both versions (`memory.ts`, `sqlite.ts`) pass `auditContract`.
 *
 * What they throw: `unavailable` (the disk is full, the file cannot be read).
 */
export interface AuditLog extends Closable {
  readonly kind: string;
  /** Where it is, for people. */
  readonly where: string;
  /** The bot that writes it, by name. */
  readonly replica: string;
  /** Since when rows cannot be written (epoch ms), and why; absent while they can. */
  readonly trouble: { readonly since: number; readonly why: string } | undefined;
  /**
   * Adds a row. What is added in one turn of the event loop, or while the disk is busy, is written together. Resolves when the
   * row outlives this process, and with `durable` the machine's power. What could not be written is told by a `gap` row later.
   * @throws MicroError `unavailable`
   */
  append(entry: AuditEntry, options?: { readonly durable?: boolean }): Promise<void>;
  /** The last row of each message that fits, newest first. */
  search(filter: AuditFilter): Promise<readonly AuditRow[]>;
  /** The rows of the newest message with this id, oldest first. */
  of(id: string): Promise<readonly AuditRow[]>;
  /** All rows, oldest first, as they stand when the first is asked for; lets others work between pages. */
  rows(): AsyncIterable<AuditRow>;
  /** Where the newest hash is kept apart. */
  readonly anchors: readonly AnchorPlace[];
}

/** How much is kept. Whichever is reached first; rows go in segments of `SEGMENT`, and the newest one stays. */
export interface Retention {
  /** @default 365 days */
  readonly keepMs?: number;
  /** Bytes of rows, roughly. @default 1 GiB; in memory 16 MiB */
  readonly maxBytes?: number;
}

/** So many rows are let go at once. */
export const SEGMENT = 1000;
