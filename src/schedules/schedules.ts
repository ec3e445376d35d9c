import type { Extension, House } from "../commands/house.ts";
import { sharedAbort } from "../core/abort.ts";
import { createAgenda } from "../core/agenda.ts";
import { MicroError } from "../core/errors.ts";
import { createCarry, type Due, ENDED_MS, GRACE_MS } from "./carry.ts";
import { scheduleCommands } from "./commands.ts";
import { createScheduleStore, type Held, KEYS, readSchedule, type Schedule } from "./store.ts";
import { nextAfter } from "./when.ts";

export interface SchedulesInit {
  /** The time zone where none is said, as `Europe/Berlin`. @default the machine's */
  readonly zone?: string;
  /** Nothing is done oftener. @default 10000 */
  readonly minMs?: number;
  /** @default 50 */
  readonly maxOwn?: number;
  /** @default 10000 */
  readonly max?: number;
  /** So many lines are carried out at once. @default 16 */
  readonly atOnce?: number;
  /** What is carried out when the bot is stopped has so long to end; then it is cut off. @default 5000 */
  readonly drainMs?: number;
}

/** How long it waits before it looks into a store again that could not be seen. */
const AGAIN_MS = 2000;

/** So long it takes at most to say what was cut off. */
const LAST_WORDS_MS = 2000;

/**
 * `every`, `at`, `cron` and `schedule …`: lines that are carried out later, for who asked and with the rights they have by then.
 * They are keys in the store, so they outlive the bot, and whichever replica is first takes each of their times.
 */
export function schedules(init: SchedulesInit = {}): (house: House) => Extension {
  const { atOnce = 16, drainMs = 5000 } = init;
  return (house) => {
    const { kv, clock, log } = house;
    const store = createScheduleStore(kv);
    const agenda = createAgenda(clock);
    const ended = sharedAbort();
    const gone = sharedAbort();
    const carry = createCarry({ house, store, leaving: ended.signal, gone: gone.signal });
    const working = new Set<Promise<void>>();
    /** What is due and waits for its turn, each once. */
    const waiting = new Map<string, Due>();

    /** When it is due next; what was to be done often and was missed is done at its next time. */
    const plan = (schedule: Schedule | undefined, id: string) => {
      if (schedule === undefined || schedule.paused !== undefined) return agenda.set(id, undefined);
      const { when, taken = 0 } = schedule;
      // What was begun and has not ended is looked at once more.
      if (when.kind === "at") return agenda.set(id, taken >= when.at ? taken + ENDED_MS : when.at);
      agenda.set(id, nextAfter(when, Math.max(taken, clock.now())));
    };
    const begin = (due: Due) => {
      const work = carry.due(due).then(async () => {
        await lookAfter(due.id);
        working.delete(work);
        const [first] = waiting.values();
        if (first === undefined || ended.signal.aborted) return;
        waiting.delete(first.id);
        begin(first);
      });
      working.add(work);
    };
    const onDue = (id: string, at: number) => {
      const due = { id, at, late: clock.now() - at > GRACE_MS };
      if (working.size < atOnce) begin(due);
      else waiting.set(id, due);
      void next(id, at);
    };
    /** After one of its times comes the next, whoever took that one. */
    const next = async (id: string, due: number) => {
      try {
        const held = await store.get(id);
        if (held === undefined || held.schedule.when.kind === "at") return;
        const { schedule } = held;
        plan({ ...schedule, taken: Math.max(schedule.taken ?? 0, due) }, id);
      } catch (error) {
        log.warn({ schedule: id, reason: MicroError.from(error).message }, "a schedule could not be looked after");
        agenda.set(id, clock.now() + AGAIN_MS);
      }
    };
    /**
     * What was to be done once is gone when it has ended. If it is still there, the store failed, or another replica has taken it, which may
     * die of it: then somebody has to tell.
     */
    const lookAfter = async (id: string) => {
      if (agenda.dueOf(id) !== undefined || ended.signal.aborted) return;
      const again = clock.now() + AGAIN_MS;
      try {
        const held = await store.get(id);
        if (held === undefined) return;
        const { when, taken, paused, behalf } = held.schedule;
        if (when.kind !== "at" || paused !== undefined || !house.hears(behalf.input)) return;
        if (taken === undefined && when.at < clock.now() - GRACE_MS) await carry.missed(held);
        agenda.set(id, taken === undefined ? again : Math.max(taken + ENDED_MS, again));
      } catch (error) {
        log.warn({ schedule: id, reason: MicroError.from(error).message }, "a schedule could not be looked after");
        agenda.set(id, again);
      }
    };
    const learn = async (held: readonly Held[]) => {
      for (const one of held) {
        const { when, taken } = one.schedule;
        const late = when.kind === "at" && taken === undefined && when.at < clock.now() - GRACE_MS;
        if (late) await carry.missed(one);
        else plan(one.schedule, one.schedule.id);
      }
    };
    /** Live first, then what there is: nothing is missed in between. */
    const follow = async () => {
      while (!ended.signal.aborted) {
        try {
          const watcher = await kv.watch(KEYS, { signal: ended.signal });
          const stop = () => void watcher.close();
          ended.signal.addEventListener("abort", stop, { once: true });
          try {
            await learn(await store.list());
            for await (const { key, entry } of watcher) {
              const schedule = entry && readSchedule(entry.value);
              // Its own times are counted on where it is carried out.
              if (schedule === undefined || schedule.taken === undefined || schedule.paused !== undefined) {
                plan(schedule, key.slice(KEYS.length));
              } else if (agenda.dueOf(schedule.id) === undefined) plan(schedule, schedule.id);
            }
          } finally {
            ended.signal.removeEventListener("abort", stop);
            await watcher.close();
          }
        } catch (error) {
          if (ended.signal.aborted) return;
          log.warn({ reason: MicroError.from(error).message }, "schedules cannot be seen in the store; I look again");
        }
        await clock.sleep(AGAIN_MS, { signal: ended.signal }).catch(() => {});
      }
    };

    /** All that is carried out has ended, or so much time has gone by. */
    const soon = async (ms: number) => {
      const over = new AbortController();
      await Promise.race([Promise.all(working), clock.sleep(ms, { signal: over.signal }).catch(() => {})]);
      over.abort();
    };

    let going: Promise<unknown> | undefined;
    return {
      commands: scheduleCommands({ ...init, house, store }),
      start: async () => {
        going = Promise.all([follow(), agenda.run(onDue, ended.signal)]);
      },
      stop: async () => {
        ended.abort();
        await going;
        await soon(drainMs);
        gone.abort();
        await soon(LAST_WORDS_MS);
      },
    };
  };
}
