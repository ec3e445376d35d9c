import type { Anchor, AuditFlaw, AuditRow, AuditVerdict } from "../../commands/audit-record.ts";
import { MicroError } from "../../core/errors.ts";
import { sha256 } from "../canonical.ts";
import type { AuditLog } from "./audit-log.ts";
import { GENESIS, type Linked, readRow } from "./chain.ts";

/** So many flaws are told of; one is enough. */
const TOLD = 20;

/**
 * Walks the whole chain: whether each row is what its hash says, follows the one before it, and whether the hash that was
 * kept apart is still where it was. That finds a row that was changed, removed, added or moved, and a chain that was cut
 * short or made anew; not rows that were removed from the end before their hash was kept apart, a second at most.
 * @throws MicroError `unavailable`, `cancelled`
 */
export async function verify(log: Pick<AuditLog, "rows" | "anchors">, signal: AbortSignal): Promise<AuditVerdict> {
  // Before the rows: what is written meanwhile comes after it.
  const anchors = await readAnchors(log.anchors);
  const flaws: AuditFlaw[] = [];
  let moreFlaws = 0;
  const flaw = (seq: number, what: string) => {
    if (flaws.length < TOLD) flaws.push({ seq, what });
    else moreFlaws++;
  };
  const open = new Map<number, string[]>();
  for (const { anchor } of anchors) {
    if (anchor) open.set(anchor.seq, [...(open.get(anchor.seq) ?? []), anchor.hash]);
  }
  let rows = 0;
  let lost = 0;
  let cut = 0;
  let first: { readonly seq: number; readonly before: string } | undefined;
  let lastCut: { readonly upto: number; readonly hash: string } | undefined;
  let head: Anchor | undefined;
  for await (const row of log.rows()) {
    if (signal.aborted) throw new MicroError("cancelled", "audit verify: cancelled");
    rows++;
    const linked = bodyOf(row);
    if (sha256(row.body) !== row.hash) flaw(row.seq, "was changed: its hash is another one");
    else if (linked === undefined || linked.seq !== row.seq) flaw(row.seq, "was moved: it was written as another row");
    if (head === undefined) first = { seq: row.seq, before: linked?.before ?? "" };
    else if (row.seq !== head.seq + 1) {
      flaw(row.seq, `is missing what was before it: ${missing(head.seq + 1, row.seq - 1)} removed`);
    } else if (linked !== undefined && linked.before !== head.hash) {
      flaw(row.seq, "does not follow the row before it: one of them was changed, exchanged or put in");
    }
    for (const hash of open.get(row.seq) ?? []) {
      if (hash !== row.hash) flaw(row.seq, "has not the hash that was kept apart: the chain was made anew up to here");
    }
    open.delete(row.seq);
    if (linked?.kind === "gap") lost += linked.rows;
    if (linked?.kind === "broken") {
      const date = new Date(linked.at).toISOString();
      flaw(linked.row, `had not the hash any more, on ${date}, that was kept apart at ${linked.where}`);
    }
    if (linked?.kind === "cut") {
      cut = Math.max(cut, linked.upto);
      lastCut = { upto: linked.upto, hash: linked.hash };
    }
    head = { seq: row.seq, hash: row.hash, at: linked?.at ?? 0 };
  }
  if (first !== undefined && !beginsWell(first, lastCut)) {
    flaw(first.seq, `is the first, and ${missing(1, first.seq - 1)} removed by something else than the retention`);
  }
  const end = head?.seq ?? 0;
  for (const seq of open.keys()) {
    // One that the retention has taken since cannot be looked at any more.
    if (seq > end) flaw(seq, `is missing: the chain was cut short after row ${end}, its hash was kept apart`);
    else if (first !== undefined && seq >= first.seq) flaw(seq, "is missing, and its hash was kept apart");
  }
  for (const { where, trouble } of anchors)
    if (trouble !== undefined) flaw(end, `is the last, and ${where}: ${trouble}`);
  const kept = anchors.filter((it) => it.anchor !== undefined).sort((a, b) => seqOf(b) - seqOf(a))[0];
  const noneAt = anchors
    .filter(({ anchor, trouble }) => anchor === undefined && trouble === undefined)
    .map(({ where }) => where);
  return {
    rows,
    ...(head && { head }),
    ...(kept?.anchor && { anchor: { ...kept.anchor, where: kept.where } }),
    ...(noneAt.length > 0 && { noneAt }),
    flaws,
    moreFlaws,
    lost,
    cut,
  };
}

interface Read {
  readonly where: string;
  readonly anchor?: Anchor | undefined;
  readonly trouble?: string;
}

function readAnchors(places: AuditLog["anchors"]): Promise<readonly Read[]> {
  return Promise.all(
    places.map(async ({ where, read }): Promise<Read> => {
      try {
        return { where, anchor: await read() };
      } catch (error) {
        return { where, trouble: MicroError.from(error).message };
      }
    }),
  );
}

function seqOf({ anchor }: Read): number {
  return anchor?.seq ?? 0;
}

function bodyOf(row: AuditRow): Linked | undefined {
  try {
    return readRow(row);
  } catch {
    return undefined;
  }
}

function beginsWell(
  first: { readonly seq: number; readonly before: string },
  cut: { readonly upto: number; readonly hash: string } | undefined,
): boolean {
  if (first.seq === 1) return first.before === GENESIS;
  return cut !== undefined && cut.upto === first.seq - 1 && cut.hash === first.before;
}

function missing(from: number, to: number): string {
  return from >= to ? `row ${to} was` : `rows ${from} to ${to} were`;
}
