import type { AuditFilter, AuditRow } from "../../commands/audit-record.ts";
import type { AuditLog } from "./audit-log.ts";
import { EMPTY, type Linked, link, readRow } from "./chain.ts";
import { fits } from "./fits.ts";
import { type AuditLogInit, createAuditLog } from "./log.ts";
import type { AuditStore } from "./store.ts";

/** For bots whose doings need not outlive them: a program's own, tests. @default maxBytes 16 MiB */
export function memoryAudit(init: AuditLogInit): AuditLog {
  return createAuditLog(memoryStore(), { maxBytes: 2 ** 24, ...init });
}

interface Kept {
  readonly row: AuditRow;
  readonly linked: Linked;
}

/** Most rows are never searched, so none is read before. */
function kept(row: AuditRow): Kept {
  let linked: Linked | undefined;
  return {
    row,
    get linked() {
      linked ??= readRow(row);
      return linked;
    },
  };
}

function memoryStore(): AuditStore {
  const all: Kept[] = [];
  let bytes = 0;
  const add = (rows: readonly AuditRow[]) => {
    for (const row of rows) {
      all.push(kept(row));
      bytes += sizeOf(row);
    }
  };
  const at = (seq: number) => all[seq - (all[0]?.row.seq ?? 1)]?.row;
  const commit: AuditStore["commit"] = (entries) => add(link(entries, all.at(-1)?.row ?? EMPTY));
  return {
    kind: "memory",
    where: "memory",
    commit,
    sync: async () => {},
    head: () => all.at(-1)?.row,
    row: at,
    search: (filter) => newest(all, filter),
    withId: (id, limit) => {
      const found = all.filter(({ linked }) => "id" in linked && linked.id === id);
      return found
        .slice(-limit)
        .map(({ row }) => row)
        .toReversed();
    },
    snapshot: () => {
      const rows = all.map(({ row }) => row);
      const first = rows[0]?.seq ?? 1;
      return {
        page: (after, limit) => {
          const from = Math.max(0, after + 1 - first);
          return rows.slice(from, from + limit);
        },
        close: () => {},
      };
    },
    size: () => ({ oldest: all[0]?.row.seq ?? 1, bytes }),
    cut: (upto, entry) => {
      commit([entry]);
      const gone = all.splice(0, upto + 1 - (all[0]?.row.seq ?? 1));
      for (const { row } of gone) bytes -= sizeOf(row);
    },
    close: () => {},
  };
}

function sizeOf({ body }: AuditRow): number {
  return body.length + 100;
}

/** The last row of each message, from the end. */
function newest(all: readonly Kept[], filter: AuditFilter): readonly AuditRow[] {
  const ended = new Set<string>();
  const found: Kept[] = [];
  for (const kept of all.toReversed()) {
    const { linked } = kept;
    if (linked.kind !== "begun" && linked.kind !== "ended") continue;
    const message = `${linked.id} ${linked.at}`;
    if (ended.has(message)) continue;
    ended.add(message);
    if (fits(linked, filter)) found.push(kept);
  }
  const byTime = found.sort((a, b) => b.linked.at - a.linked.at || b.linked.seq - a.linked.seq);
  return byTime.slice(0, filter.limit).map(({ row }) => row);
}
