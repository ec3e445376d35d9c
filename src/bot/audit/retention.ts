import { type Retention, SEGMENT } from "./audit-log.ts";
import { readRow } from "./chain.ts";
import type { AuditStore } from "./store.ts";

const YEAR_MS = 365 * 86_400_000;
const GIB = 2 ** 30;

/**
 * Lets go of the oldest segments that are too old, or too many. A segment ends at a multiple of `SEGMENT` and goes as a whole; the row that
 * tells of it holds its last hash, so the chain goes on where it was cut, and no other cut can be passed off as one of these.
 */
export function retain(
  store: AuditStore,
  { keepMs = YEAR_MS, maxBytes = GIB }: Retention,
  now: number,
  replica: string,
): void {
  const head = store.head();
  if (head === undefined) return;
  for (let segments = 0; segments < 20; segments++) {
    const { oldest, bytes } = store.size();
    const upto = Math.ceil(oldest / SEGMENT) * SEGMENT;
    const last = upto < head.seq - SEGMENT ? store.row(upto) : undefined;
    if (last === undefined) return;
    const old = readRow(last).at < now - keepMs;
    if (!old && bytes <= maxBytes) return;
    const rows = upto - oldest + 1;
    store.cut(upto, { kind: "cut", replica, at: now, upto, rows, hash: last.hash, why: old ? "age" : "size" });
  }
}
