import { MicroError } from "../core/errors.ts";
import type { Run, StepRecord } from "./run.ts";
import type { Runbook } from "./runbook.ts";

/** What a store takes for one value (`Kv`), in bytes. */
const MOST = 512 << 10;
/** Of that, kept free before a step begins: for how it ends, and for what people say to the run meanwhile. */
const RESERVED = 16 << 10;
/** A run that begins larger has no room for what its steps come to. */
const MOST_BEGUN = 192 << 10;
/** Of the results that are kept for later steps: one, and all of a run. */
const MOST_RESULT = 64 << 10;
const MOST_RESULTS = 160 << 10;

/** Of what is written down of one step at most, beside its result: three texts of `MAX_TOLD` characters, whatever letters they are. */
const MOST_RECORD = 1600;
/** Of one person who approved it. */
const MOST_APPROVAL = 512;

/**
 * Whether all that may come to a run has room beside it, so that none ends in the middle for want of it.
 * @throws MicroError `invalid_argument`: its parameters and its file are too much
 */
export function checkBegun(run: Run, book: Runbook): void {
  const most = Math.min(MOST_BEGUN, MOST - RESERVED - MOST_RESULTS - recordsOf(book));
  if (bytesOf(run) <= most) return;
  const steps = book.steps.length + book.onFailure.length;
  throw new MicroError(
    "invalid_argument",
    `nothing was begun: the file of ${run.runbook} and its parameters have more than ${most >> 10} KB together, which is the most with ${steps} steps`,
  );
}

/** What is written down of all its steps, at most. */
function recordsOf({ steps, onFailure }: Runbook): number {
  const each = [...steps, ...onFailure].map(({ act, rollback }) => {
    const approvals = act.kind === "approve" ? act.count * MOST_APPROVAL : 0;
    return MOST_RECORD * (rollback ? 2 : 1) + approvals;
  });
  return each.reduce((sum, one) => sum + one, 0);
}

/**
 * The run with a step that begins, if its end can be written down as well: else it would be done and nobody would know. One that
 * was not done is always written down, at the cost of what earlier steps found out.
 * @throws MicroError `invalid_argument`
 */
export function withRoom(run: Run): Run {
  if (bytesOf(run) <= MOST - RESERVED) return run;
  if (run.records.at(-1)?.state !== "failed") {
    throw new MicroError("invalid_argument", "there is no room left to write down how it would end");
  }
  return { ...run, records: run.records.map(({ result: _result, ...record }) => record) };
}

/** The record with its result, where that can be kept beside those of the others; else with a word about it. */
export function withResult(record: StepRecord, run: Run): StepRecord {
  const { result, ...rest } = record;
  const own = bytesOf(result);
  const others = run.records
    .filter(({ token }) => token !== record.token)
    .reduce((sum, one) => sum + bytesOf(one.result), 0);
  if (own === 0 || (own <= MOST_RESULT && own + others <= MOST_RESULTS)) return record;
  return { ...rest, error: `its result has ${own} bytes, too many to be kept for later steps` };
}

function bytesOf(value: unknown): number {
  return value === undefined ? 0 : Buffer.byteLength(JSON.stringify(value));
}
