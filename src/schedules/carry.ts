import type { View } from "../commands/command.ts";
import { drawText } from "../commands/draw.ts";
import type { House } from "../commands/house.ts";
import type { Behalf } from "../commands/perform.ts";
import { MicroError } from "../core/errors.ts";
import type { Held, Schedule, ScheduleStore } from "./store.ts";
import { inZone, whenWords } from "./when.ts";

/** What is later than this is missed. */
export const GRACE_MS = 60_000;

/** What was taken and has not ended by then never will. */
export const ENDED_MS = 600_000;

/** A failure is said at once, and then each so many times. */
const EACH_FAILURE = 10;

/** One of the times of a schedule. */
export interface Due {
  readonly id: string;
  /** Epoch ms. */
  readonly at: number;
  /** It is long over: the machine slept, or the clock was set. */
  readonly late: boolean;
}

/** Carries out what is due. */
export interface Carry {
  /** One of its times has come. Never rejects. */
  due(due: Due, signal: AbortSignal): Promise<void>;
  /** Says of what was to be done once, and was not, that it was missed. Never rejects. */
  missed(held: Held): Promise<void>;
}

export function createCarry({ performer, clock, log, hears }: House, store: ScheduleStore): Carry {
  /** Where its answers belong. */
  const there = ({ behalf, answers }: Schedule): Behalf =>
    (answers ? { ...behalf, place: answers.place } : behalf) as Behalf;
  const say = (schedule: Schedule, view: View) => performer.say(there(schedule), view);
  const text = (schedule: Schedule, words: string) =>
    say(schedule, { kind: "text", text: `${headOf(schedule)}\n${words}` });

  const failed = async (schedule: Schedule, error: MicroError): Promise<void> => {
    const gone = error.details["gone"] === true;
    const why = "the account of its owner is gone";
    const now = await store.alter(schedule.id, (one) => ({
      ...one,
      failures: one.failures + 1,
      ...(gone && { paused: why }),
    }));
    const failures = now?.failures ?? schedule.failures + 1;
    if (gone) return text(schedule, `${error.message}. It is paused now: \`schedule remove ${schedule.id}\` ends it`);
    if (failures !== 1 && failures % EACH_FAILURE !== 0) return;
    const often = failures === 1 ? "" : ` (${failures} times in a row)`;
    const next = schedule.when.kind === "at" ? "" : `; said again after ${EACH_FAILURE} failures`;
    await text(schedule, `failed${often}: ${error.message}${next}`);
  };

  const carryOut = async (schedule: Schedule, due: number, signal: AbortSignal): Promise<void> => {
    const { id, line, confirmed, failures, when } = schedule;
    try {
      const run = `${id}.${due.toString(36)}`;
      const done = await performer.perform(line, schedule.behalf as Behalf, { id: run, confirmed, signal });
      if (failures > 0) await store.alter(id, (one) => ({ ...one, failures: 0 }));
      await say(schedule, headed(headOf(schedule), done.view));
    } catch (thrown) {
      // Stopped in the middle: whoever comes next tells of what was to be done once.
      if (signal.aborted) return;
      await failed(schedule, MicroError.from(thrown));
    }
    if (when.kind !== "at") return;
    const held = await store.get(id);
    if (held) await store.remove(held);
  };

  const missed = async (held: Held): Promise<void> => {
    const { schedule } = held;
    if (schedule.when.kind !== "at" || !hears(schedule.behalf.input)) return;
    const { at, zone } = schedule.when;
    if (schedule.taken !== undefined && clock.now() - schedule.taken < ENDED_MS) return;
    // Whoever takes it away says so.
    if (!(await store.remove(held))) return;
    const words =
      schedule.taken === undefined
        ? `it was missed: I was not there at ${inZone(at, zone)}, and it was not done. Say it if you still want it: ${schedule.line}`
        : `whether it was done is not known: it was begun, and whoever began it has gone. It is not done again: ${schedule.line}`;
    await text(schedule, words);
  };

  const quietly = async (id: string, work: () => Promise<void>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      log.warn({ schedule: id, reason: MicroError.from(error).message }, "a schedule could not be looked after");
    }
  };

  return {
    missed: (held) => quietly(held.schedule.id, () => missed(held)),
    due: ({ id, at, late }, signal) =>
      quietly(id, async () => {
        for (let tries = 0; tries < 3; tries++) {
          const held = await store.get(id);
          if (held === undefined || held.schedule.paused !== undefined) return;
          const { taken = 0, behalf, when } = held.schedule;
          if (late || (when.kind === "at" && taken > 0)) return missed(held);
          if (taken >= at || !hears(behalf.input)) return;
          // The one write that says who does it: on whatever replica, only one of them succeeds.
          const mine = await store.change(held, { ...held.schedule, taken: at });
          if (mine) return carryOut(mine.schedule, at, signal);
        }
      }),
  };
}

/** The first line of whatever it says. */
function headOf({ id, when, line, behalf }: Schedule): string {
  return `schedule ${id}, ${whenWords(when)}, of ${behalf.from.name}: ${line}`;
}

function headed(head: string, view: View): View {
  if (view.kind === "text") return { kind: "text", text: `${head}\n${view.text}` };
  const note = view.kind === "json" ? undefined : view.note;
  return { kind: "report", text: `${head}\n${drawText(view) || "there is none"}`, note };
}
