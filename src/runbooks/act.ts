import type { Catalog } from "../commands/catalog.ts";
import { drawText } from "../commands/draw.ts";
import { chatLine } from "../commands/line.ts";
import type { Performed, Performer } from "../commands/perform.ts";
import { toldBy } from "../commands/told.ts";
import { NOT_BEGUN } from "../core/client/failure.ts";
import type { Clock } from "../core/clock.ts";
import { jsonCodec } from "../core/codec/json.ts";
import { goDuration } from "../core/duration.ts";
import { MicroError } from "../core/errors.ts";
import type { Redactor } from "../core/redact.ts";
import { isLookedAt } from "./references.ts";
import type { Run, StepRecord } from "./run.ts";
import type { Act, Runbook, Step } from "./runbook.ts";
import { scopeOf } from "./scope.ts";
import { fill, type Template } from "./template.ts";

/** What came of an attempt at a step; written by whoever drives the run. */
export type Ended = Pick<StepRecord, "state"> & Partial<Pick<StepRecord, "result" | "told" | "error">>;

export interface ActInit {
  readonly performer: Performer;
  readonly catalog: () => Catalog;
  readonly clock: Clock;
}

const MAX_TOLD = 200;

/** A line that a step is going to say. */
export interface Spoken {
  readonly line: string;
  /** Whether it may change something. What nobody knows is not said twice either. */
  readonly effect: "read" | "write";
  /** As it may be written down and shown: short, and with its secrets crossed out. */
  readonly shown: string;
  readonly secrets: readonly string[];
}

/** @throws MicroError as `fill` does */
export function spoken(template: Template, run: Run, catalog: Catalog, redactor: Redactor): Spoken {
  const line = fill(template, scopeOf(run), catalog);
  const effect = catalog.match(chatLine(line))?.command.effect ?? "write";
  const { text, secrets } = toldBy(chatLine(line), catalog, redactor);
  return { line, effect, shown: short(text), secrets };
}

export function templateOf({ act, rollback }: Step, run: Run): Template | undefined {
  if (run.phase === "rollback") return rollback;
  return act.kind === "approve" ? undefined : act.line;
}

/** Says a line once. @throws MicroError as `Performer.perform` does */
export async function say(
  line: string,
  run: Run,
  id: string,
  { performer }: ActInit,
  options: { readonly signal: AbortSignal; readonly readOnly?: boolean },
): Promise<Performed> {
  // Yes was said to the run, with all that it does.
  return performer.perform(line, run.by.behalf, { id, confirmed: true, ...options });
}

/** Facts as they can be kept, and a few words of what people would have seen. */
export function keepable(performed: Performed, step: Step, book: Runbook): Ended {
  const told = short(drawText(performed.view));
  if (!isLookedAt(book, step.id)) return { state: "done", told };
  return { state: "done", told, result: factsOf(performed.result) };
}

/** As they survive JSON. */
function factsOf(result: unknown): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(jsonCodec.encode(result)));
  } catch {
    return undefined;
  }
}

/**
 * Asks again and again until it is so, for as long as it may take from when the wait began.
 * @returns `undefined`: the signal came first
 */
export async function waitUntil(
  act: Act & { readonly kind: "wait" },
  line: string,
  record: StepRecord,
  run: Run,
  step: Step,
  book: Runbook,
  init: ActInit,
  signal: AbortSignal,
): Promise<Ended | undefined> {
  const { clock } = init;
  const { until, everyMs, atMostMs } = act;
  const limit = record.at + atMostMs;
  let last = "";
  for (let n = 1; !signal.aborted; n++) {
    try {
      const performed = await say(line, run, `${run.id}.${step.id}.${n}`, init, { signal, readOnly: true });
      if (until.holds(scopeOf(run, factsOf(performed.result)))) return keepable(performed, step, book);
      last = short(drawText(performed.view));
    } catch (error) {
      const { code, message } = MicroError.from(error);
      if (signal.aborted) return undefined;
      if (FINAL.has(code)) return { state: "failed", error: short(message) };
      last = short(message);
    }
    const left = limit - clock.now();
    if (left <= 0) {
      const why = `\`${until.text}\` was not so within ${goDuration(atMostMs * 1e6)}; the last was: ${last}`;
      return { state: "failed", error: why };
    }
    // It is looked at once more when the time is over, so that all of it was waited for.
    await clock.sleep(Math.min(everyMs, left), { signal }).catch(() => {});
  }
  return undefined;
}

/** Said again, it would be refused again. */
const FINAL: ReadonlySet<string> = new Set([
  ...["permission_denied", "invalid_argument", "unauthenticated", "unimplemented", "internal"],
]);

/** Whether it may be tried again: a read always, a write only where twice is once. */
export function mayTryAgain(act: Act, effect: "read" | "write", attempt: number, error: MicroError): boolean {
  if (act.kind !== "run" || attempt >= act.times || FINAL.has(error.code)) return false;
  return effect === "read" || act.idempotent;
}

/** Of a write that was cut off nobody knows, unless it surely never reached the service. */
export function mayHaveBeenDone({ code, details }: MicroError): boolean {
  return (code === "timeout" || code === "cancelled" || code === "unavailable") && details[NOT_BEGUN] !== true;
}

export function short(text: string): string {
  const flat = text
    .replace(/\s*\n\s*/g, " | ")
    .replaceAll("\t", " ")
    .trim();
  return flat.length > MAX_TOLD ? `${flat.slice(0, MAX_TOLD - 1)}…` : flat;
}
