import type { AuditEntry } from "../../commands/audit-record.ts";

/** So many ids of lost rows are remembered. */
const NAMED = 50;

/** Remembers rows that could not be written, until a row can tell of them. */
export function createGap(replica: string) {
  let since = 0;
  let rows = 0;
  let why = "";
  let ids: string[] = [];
  return {
    lost: (entry: AuditEntry, reason: string, now: number): void => {
      if (rows === 0) since = now;
      rows++;
      why = reason;
      // With what came of it, so that the end of what had begun is not lost with its row.
      const id =
        entry.kind === "ended" ? `${entry.id} ${entry.outcome}` : entry.kind === "begun" ? entry.id : undefined;
      if (id !== undefined && ids.length < NAMED) ids.push(id);
    },
    /** What is to be written before anything else. */
    entries: (now: number): readonly AuditEntry[] =>
      rows === 0 ? [] : [{ kind: "gap", replica, at: now, since, rows, ids: [...ids], why }],
    told: (): void => {
      rows = 0;
      ids = [];
    },
  };
}
