import type { View } from "../commands/command.ts";
import { drawText } from "../commands/draw.ts";
import type { House } from "../commands/house.ts";
import { identityOf } from "../commands/identity.ts";
import { chatLine } from "../commands/line.ts";
import type { Behalf, Performed } from "../commands/perform.ts";
import { pipedIn } from "../commands/pipe/split.ts";
import { MicroError } from "../core/errors.ts";
import type { Held, Schedule, ScheduleStore } from "./store.ts";
import { inZone, makerOf, whenWords } from "./when.ts";

/** What is later than this is missed. */
export const GRACE_MS = 60_000;

/** What was taken and has not ended by then never will. */
export const ENDED_MS = 600_000;

/** So many that have not ended are kept of one; of those before them nobody is told. */
const MOST_OPEN = 100;

/** A failure is said at once, and then each so many times. */
const EACH_FAILURE = 10;

/** What it takes to make a schedule. */
export const MAKE = { permission: "bot:schedule", effect: "write" } as const;

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
  due(due: Due): Promise<void>;
  /** Says of what was to be done once, and was not, that it was missed. Never rejects. */
  missed(held: Held): Promise<void>;
}

export interface CarryInit {
  readonly house: House;
  readonly store: ScheduleStore;
  /** Nothing more is begun. */
  readonly leaving: AbortSignal;
  /** What has not ended by then is cut off. */
  readonly gone: AbortSignal;
}

export function createCarry({ house, store, leaving, gone }: CarryInit): Carry {
  const { performer, clock, log, hears } = house;
  /** Where its answers belong. */
  const there = ({ behalf, answers }: Schedule): Behalf =>
    (answers ? { ...behalf, place: answers.place } : behalf) as Behalf;
  const say = (schedule: Schedule, view: View) => performer.say(there(schedule), view);
  const text = (schedule: Schedule, words: string) =>
    say(schedule, { kind: "text", text: `${headOf(schedule)}\n${words}` });

  const failed = async (schedule: Schedule, due: number, error: MicroError): Promise<void> => {
    const left = error.details["gone"] === true;
    const why = "the account of its owner is gone";
    const now = await store.alter(schedule.id, (one) => ({
      ...withoutOpen(one, due),
      failures: one.failures + 1,
      ...(left && { paused: why }),
    }));
    const failures = now?.failures ?? schedule.failures + 1;
    if (left) return text(schedule, `${error.message}. It is paused now: \`schedule remove ${schedule.id}\` ends it`);
    if (failures !== 1 && failures % EACH_FAILURE !== 0) return;
    const often = failures === 1 ? "" : ` (${failures} times in a row)`;
    const next = schedule.when.kind === "at" ? "" : `; said again after ${EACH_FAILURE} failures`;
    await text(schedule, `failed${often}: ${error.message}${next}`);
  };
  /** Whoever pauses it says so. @returns whether that is us */
  const pause = async ({ schedule }: Held, why: string): Promise<boolean> => {
    const to = (one: Schedule) => (one.paused === undefined ? { ...one, paused: why } : undefined);
    return (await store.alter(schedule.id, to)) !== undefined;
  };
  /** The yes was said to one command, and its name may be another's by now. One that is gone may come back. */
  const isAnother = ({ line, which }: Schedule): boolean => {
    const words = chatLine(line);
    const command = house.catalog().match(pipedIn(words)?.head ?? words)?.command;
    return which !== undefined && command !== undefined && identityOf(command) !== which;
  };
  const replaced = async (held: Held): Promise<void> => {
    const { id, when } = held.schedule;
    if (!(await pause(held, "its command is another one now"))) return;
    const then = `\`schedule remove ${id}\` ends it; say \`${makerOf(when)}\` anew if you want what the command does now`;
    await text(
      held.schedule,
      `nothing was done: its command is another than the one that was agreed to. It is paused now: ${then}`,
    );
  };
  /** What was given to make schedules may have been taken away. */
  const revoked = async (held: Held): Promise<void> => {
    const { schedule } = held;
    const { id, behalf, when } = schedule;
    const why = `may not say \`${makerOf(when)}\` any more`;
    if (!(await pause(held, `its owner ${why}`))) return;
    const then = `\`schedule remove ${id}\` ends it, and \`schedule resume ${id}\` goes on with it when they may again`;
    await text(schedule, `nothing was done: ${behalf.from.name} ${why}. It is paused now: ${then}`);
  };
  /** It is said before it is forgotten: what cannot be said now is told of later, by whoever comes next. */
  const cut = async (schedule: Schedule): Promise<void> => {
    const { confirmed, when, line } = schedule;
    const known = confirmed ? "whether it was done is not known" : "it has no answer";
    const then =
      when.kind !== "at"
        ? "It is carried out again at its next time"
        : confirmed
          ? `It is not done again: ${line}`
          : `Say it if you still want it: ${line}`;
    await text(schedule, `${known}: I was stopped in the middle of it. ${then}`);
  };
  const succeeded = async ({ id, failures, open }: Schedule, due: number): Promise<void> => {
    if (failures === 0 && !open?.includes(due)) return;
    await store.alter(id, (one) => ({ ...withoutOpen(one, due), failures: 0 }));
  };

  const carryOut = async (schedule: Schedule, due: number): Promise<void> => {
    const { id, line, confirmed, when } = schedule;
    const run = `${id}.${due.toString(36)}`;
    let done: Performed | MicroError;
    try {
      done = await performer.perform(line, schedule.behalf as Behalf, { id: run, confirmed, signal: gone });
    } catch (thrown) {
      done = MicroError.from(thrown);
    }
    if (!(done instanceof MicroError)) {
      const said = say(schedule, headed(headOf(schedule), done.view));
      if (when.kind !== "at") await succeeded(schedule, due);
      await said;
    } else if (!gone.aborted) await failed(schedule, due, done);
    else {
      await cut(schedule);
      if (when.kind !== "at") await store.alter(id, (one) => withoutOpen(one, due));
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
    due: ({ id, at, late }) =>
      quietly(id, async () => {
        for (let tries = 0; tries < 3; tries++) {
          const held = await store.get(id);
          // Another replica takes it, or it is missed.
          if (leaving.aborted) return;
          if (held === undefined || held.schedule.paused !== undefined) return;
          const { taken = 0, behalf, when } = held.schedule;
          if (late || (when.kind === "at" && taken > 0)) return missed(held);
          if (taken >= at || !hears(behalf.input)) return;
          if (!house.mayStill(behalf as Behalf, { ...MAKE, name: makerOf(when) })) return revoked(held);
          if (isAnother(held.schedule)) return replaced(held);
          const { open = [], confirmed } = held.schedule;
          const lost = open.filter((one) => clock.now() - one >= ENDED_MS);
          const begun = [...open.filter((one) => !lost.includes(one)), at].slice(-MOST_OPEN);
          const noted = confirmed && when.kind !== "at" ? { open: begun } : {};
          // The one write that says who does it: on whatever replica, only one of them succeeds.
          const mine = await store.change(held, { ...held.schedule, taken: at, ...noted });
          if (mine === undefined) continue;
          if (lost.length > 0) void text(mine.schedule, lostWords(mine.schedule, lost));
          return carryOut(mine.schedule, at);
        }
      }),
  };
}

/** Without a time that has ended. */
function withoutOpen({ open = [], ...rest }: Schedule, due: number): Schedule {
  const left = open.filter((one) => one !== due);
  return left.length === 0 ? rest : { ...rest, open: left };
}

function lostWords({ when }: Schedule, lost: readonly number[]): string {
  const zone = when.kind === "every" ? "UTC" : when.zone;
  const first = inZone(lost[0] as number, zone);
  const which = lost.length === 1 ? first : `${first} and ${lost.length - 1} times more`;
  return `whether it was done at ${which} is not known: it was begun, and whoever began it has gone`;
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
