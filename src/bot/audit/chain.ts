import type { AuditEntry, AuditRow } from "../../commands/audit-record.ts";
import { canonicalJson, sha256 } from "../canonical.ts";

/** What stands in the first row, which has none before it. */
export const GENESIS = "0".repeat(64);

/** An entry as it stands in its row. */
export type Linked = AuditEntry & { readonly seq: number; readonly before: string };

/** The end of a chain, to which the next row is tied. */
export type Head = Pick<AuditRow, "seq" | "hash">;

/** The end of a chain without rows. */
export const EMPTY: Head = { seq: 0, hash: GENESIS };

/** Ties entries to the end of a chain. */
export function link(entries: readonly AuditEntry[], head: Head): readonly AuditRow[] {
  let { seq, hash } = head;
  return entries.map((entry) => {
    seq++;
    const body = canonicalJson({ ...entry, seq, before: hash });
    hash = sha256(body);
    return { seq, body, hash };
  });
}

/** What a row's body says. @throws SyntaxError */
export function readRow(row: Pick<AuditRow, "body">): Linked {
  return JSON.parse(row.body) as Linked;
}
