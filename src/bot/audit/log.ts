import { setImmediate as turn, setTimeout as wait } from "node:timers/promises";
import type { AuditEntry, AuditRow } from "../../commands/audit-record.ts";
import type { Clock } from "../../core/clock.ts";
import { MicroError } from "../../core/errors.ts";
import { closable } from "../../core/lifecycle.ts";
import type { AnchorPlace } from "./anchor.ts";
import type { AuditLog, Retention } from "./audit-log.ts";
import { type Head, readRow } from "./chain.ts";
import { createGap } from "./gap.ts";
import { retain } from "./retention.ts";
import type { AuditStore } from "./store.ts";

export interface AuditLogInit extends Retention {
  readonly clock: Clock;
  /** Names this bot in the rows. */
  readonly replica: string;
  /** Where the newest hash is kept apart. */
  readonly anchors?: readonly AnchorPlace[];
  /** The newest hash is kept apart so often at most. @default 1000 */
  readonly anchorMs?: number;
}

interface Waiting {
  readonly entry: AuditEntry;
  readonly durable: boolean;
  readonly done: () => void;
  readonly failed: (error: MicroError) => void;
}

/** So many rows are written together, and so many wait at most. */
const TOGETHER = 500;
const WAITING = 10_000;

/** How long another process may keep us from writing. */
const BUSY_MS = 5000;

/** Rows of one page while all are read; others work between two. */
const PAGE = 500;

/** A log over a store: writes rows in groups, keeps the newest hash apart, lets go of the oldest rows. */
export function createAuditLog(store: AuditStore, init: AuditLogInit): AuditLog {
  const { clock, replica, anchors = [], anchorMs = 1000 } = init;
  const waiting: Waiting[] = [];
  const gap = createGap(replica);
  const over = new AbortController();
  let trouble: AuditLog["trouble"];
  let writing: Promise<void> | undefined;
  let anchoring: Promise<void> | undefined;
  let closed = false;
  let wrote = false;
  /** Who reads sees what was added before. */
  let last = Promise.resolve();

  const commit = async (batch: readonly Waiting[]) => {
    const since = performance.now();
    const entries = [...gap.entries(clock.now()), ...batch.map(({ entry }) => entry)];
    for (;;) {
      try {
        store.commit(entries);
        gap.told();
        wrote = true;
        trouble = undefined;
        return;
      } catch (error) {
        const busy = error instanceof MicroError && error.details["busy"] === true;
        if (!busy || performance.now() - since > BUSY_MS) throw error;
        // Not the clock's, which holds no process open: this row is still to be written.
        await wait(5);
      }
    }
  };
  const write = async (batch: readonly Waiting[]) => {
    try {
      await commit(batch);
      for (const { durable, done } of batch) if (!durable) done();
      if (!batch.some(({ durable }) => durable)) return;
      await store.sync();
      for (const { durable, done } of batch) if (durable) done();
    } catch (thrown) {
      const error = MicroError.from(thrown, "unavailable");
      const now = clock.now();
      trouble ??= { since: now, why: error.message };
      for (const { entry, failed } of batch) {
        gap.lost(entry, error.message, now);
        failed(error);
      }
    }
  };
  const writeAll = async () => {
    while (waiting.length > 0) {
      // What is said in the same turn is written together.
      await turn();
      await write(waiting.splice(0, TOGETHER));
      retainSometimes();
      anchorSoon();
    }
    writing = undefined;
  };

  /** A chain that does not hold what was kept apart of it says so for good, since that is written over now. */
  const compare = async () => {
    const read = anchors.map(async ({ where, read }) => ({ where, anchor: await read() }));
    for (const [at, result] of (await Promise.allSettled(read)).entries()) {
      const where = anchors[at]?.where ?? "";
      const anchor = result.status === "fulfilled" ? result.value.anchor : { seq: 0, hash: "" };
      if (anchor === undefined || holds(store, anchor)) continue;
      store.commit([{ kind: "broken", replica, at: clock.now(), where, row: anchor.seq, hash: anchor.hash }]);
    }
  };

  let untilRetention = 0;
  const retainSometimes = () => {
    if (untilRetention-- > 0 || trouble !== undefined) return;
    untilRetention = 200;
    try {
      // More than one segment only where the limits have been lowered; the rest goes next time.
      retain(store, init, clock.now(), replica);
    } catch {
      // Nothing is lost by keeping more; what is wrong with the disk is told by the next row.
    }
  };

  let compared = false;
  const anchorNow = async () => {
    // Whoever only reads has nothing to keep apart; and what is there is not written over before it was compared.
    if (!wrote) return;
    if (!compared) await compare();
    compared = true;
    const head = store.head();
    if (head === undefined) return;
    // A hash must not be known of a row that the next power failure takes.
    await store.sync();
    const anchor = { seq: head.seq, hash: head.hash, at: clock.now() };
    await Promise.allSettled(anchors.map((place) => place.write(anchor)));
  };
  const anchorSoon = () => {
    if (anchors.length === 0 || anchoring !== undefined || closed) return;
    anchoring = clock
      .sleep(anchorMs, { signal: over.signal })
      .then(anchorNow)
      .catch(() => {})
      .finally(() => {
        anchoring = undefined;
      });
  };

  return {
    kind: store.kind,
    where: store.where,
    replica,
    get trouble() {
      return trouble;
    },
    append: (entry, { durable = false } = {}) => {
      if (closed) return Promise.reject(new MicroError("unavailable", "the audit is closed"));
      if (waiting.length >= WAITING) {
        const why = `${WAITING} rows are waiting to be written`;
        gap.lost(entry, why, clock.now());
        return Promise.reject(new MicroError("unavailable", why));
      }
      const written = new Promise<void>((done, failed) => {
        waiting.push({ entry, durable, done, failed });
      });
      writing ??= writeAll();
      last = written.catch(() => {});
      return written;
    },
    search: async (filter) => {
      await last;
      return store.search(filter);
    },
    of: async (id) => {
      await last;
      const rows = store.withId(id, 50).map((row) => ({ row, at: readRow(row).at }));
      return rows
        .filter(({ at }) => at === rows[0]?.at)
        .map(({ row }) => row)
        .toReversed();
    },
    rows: () => allRows(store, last),
    anchors,
    ...closable(async () => {
      while (writing !== undefined) await writing;
      closed = true;
      over.abort();
      await anchoring;
      try {
        if (anchors.length > 0 && trouble === undefined) await anchorNow();
      } catch {
        // The hash of before stays, which is one of this chain, too.
      } finally {
        store.close();
      }
    }),
  };
}

/** Whether the chain still has that row; one that the retention took is as it should be. */
function holds(store: AuditStore, { seq, hash }: Head): boolean {
  const row = store.row(seq);
  return row === undefined ? seq > 0 && seq < store.size().oldest : row.hash === hash;
}

async function* allRows(store: AuditStore, last: Promise<void>): AsyncGenerator<AuditRow> {
  await last;
  const snapshot = store.snapshot();
  try {
    let after = 0;
    for (;;) {
      const page = snapshot.page(after, PAGE);
      if (page.length === 0) return;
      yield* page;
      after = page.at(-1)?.seq ?? after;
      await turn();
    }
  } finally {
    snapshot.close();
  }
}
