import { z } from "zod";
import { type AnyCommand, type CommandContext, defineCommand } from "../commands/command.ts";
import type { House } from "../commands/house.ts";
import { MicroError } from "../core/errors.ts";
import { MAKE } from "./carry.ts";
import { factsOf } from "./facts.ts";
import { makingCommands } from "./make.ts";
import { EXAMPLES } from "./request.ts";
import type { Held, Schedule, ScheduleStore } from "./store.ts";

export interface ScheduleCommandsInit {
  readonly house: House;
  readonly store: ScheduleStore;
  readonly zone?: string;
  readonly minMs?: number;
  readonly maxOwn?: number;
  readonly max?: number;
}

/** What it takes to see and end what others have scheduled. */
const OTHERS = { name: "schedule remove", permission: "bot:admin", effect: "write" } as const;

const CHANGE = { ...MAKE, confirm: false, whilePaused: true } as const;

/** So many are listed at most, the newest: their next times have to be counted. */
const SHOWN = 200;

const id = z.string({ error: "which? `schedule list` shows the ids" }).describe("as `schedule list` shows it");

/** `every`, `at`, `in`, `cron`, and `schedule list`, `remove`, `pause` and `resume`. */
export function scheduleCommands(init: ScheduleCommandsInit): readonly AnyCommand[] {
  const { house, store, zone = Intl.DateTimeFormat().resolvedOptions().timeZone } = init;
  const facts = (schedule: Schedule) => factsOf(schedule, zone, house.clock.now());

  const list = defineCommand({
    name: "schedule list",
    aliases: ["schedules", "list schedules"],
    summary: "List what you have scheduled, and what is scheduled in this room",
    input: z.object({}),
    permission: "bot:talk",
    effect: "read",
    personal: true,
    examples: ["schedule list"],
    run: async (_input, context) => {
      const { caller, person = caller, behalf } = context;
      const all = house.may(context, OTHERS);
      const here = (schedule: Schedule) => isMadeIn(schedule, behalf);
      const shown = (await store.list())
        .map(({ schedule }) => schedule)
        .filter((schedule) => all || schedule.owner === person || here(schedule));
      const newest = shown.toSorted((a, b) => b.madeAt - a.madeAt).slice(0, SHOWN);
      const listed = newest.toReversed().map((schedule) => ({ ...facts(schedule), room: roomOf(schedule, behalf) }));
      return { schedules: listed, more: shown.length - newest.length };
    },
    records: { fields: ["id", "when", "line", "room", "owner", "next", "state"], rows: (result) => result.schedules },
    view: ({ schedules, more }) => {
      if (schedules.length === 0) return { kind: "text", text: `nothing is scheduled: ${EXAMPLES.every}` };
      const rows = schedules.map((it) => [it.id, it.when, it.line, it.room, it.owner, it.next, it.state].join("\t"));
      const note = more > 0 ? `and ${more} older ones` : undefined;
      return { kind: "report", text: ["Id\tWhen\tLine\tRoom\tOwner\tNext\tState", ...rows].join("\n"), note };
    },
  });
  /** One that who asks may change. @throws MicroError `not_found`, `permission_denied` */
  const theirs = async (wanted: string, context: CommandContext): Promise<Held> => {
    const { caller, person = caller } = context;
    const held = await store.get(wanted.toLowerCase());
    if (held === undefined) {
      throw new MicroError("not_found", `there is no schedule ${wanted}; \`schedule list\` shows them`);
    }
    if (held.schedule.owner === person || house.may(context, OTHERS)) return held;
    const words = `${wanted} is ${held.schedule.owner}'s; they can change it, or who has the grant \`bot:admin\``;
    throw new MicroError("permission_denied", words);
  };
  const ids = async () => (await store.list()).map(({ schedule }) => schedule.id);
  const remove = defineCommand({
    ...CHANGE,
    name: "schedule remove",
    summary: "End a schedule",
    input: z.object({ id }),
    words: ["id"],
    examples: ["schedule remove 03f9a1"],
    run: async ({ id: wanted }, context) => {
      // It may be carried out at this moment, which changes it.
      for (let tries = 0; tries < 5; tries++) {
        const held = await theirs(wanted, context);
        if (await store.remove(held)) return { removed: facts(held.schedule) };
      }
      throw new MicroError("conflict", `${wanted} is being carried out at this moment; say it again`);
    },
    view: ({ removed }) => ({
      kind: "text",
      text: `schedule ${removed.id} is ended: ${removed.when}, \`${removed.line}\``,
    }),
    complete: ids,
  });
  const paused = (name: "schedule pause" | "schedule resume", summary: string) =>
    defineCommand({
      ...CHANGE,
      name,
      summary,
      input: z.object({ id }),
      words: ["id"],
      examples: [`${name} 03f9a1`],
      run: async ({ id: wanted }, context) => {
        const { schedule } = await theirs(wanted, context);
        const { caller, person = caller } = context;
        const changed = await store.alter(schedule.id, ({ paused: _, ...rest }) =>
          name === "schedule pause" ? { ...rest, paused: `by ${person}` } : { ...rest, failures: 0 },
        );
        if (changed === undefined) throw new MicroError("not_found", `the schedule ${wanted} has just ended`);
        return facts(changed);
      },
      view: (now) => ({
        kind: "text",
        text:
          now.next === "-"
            ? `schedule ${now.id} is paused; \`schedule resume ${now.id}\` goes on with it`
            : `schedule ${now.id} goes on: ${now.when}, \`${now.line}\`; next at ${now.next}`,
      }),
      complete: ids,
    });
  return [
    ...makingCommands({ ...init, zone }),
    list,
    remove,
    paused("schedule pause", "Carry a schedule out no more, until it is resumed"),
    paused("schedule resume", "Go on with a schedule that was paused"),
  ];
}

function isMadeIn({ behalf }: Schedule, here: CommandContext["behalf"]): boolean {
  return here !== undefined && behalf.input === here.input && behalf.place.room === here.place.room;
}

/** Where its answers are said, for who asks: as rooms are called in rules, or as who made it called it. */
function roomOf(schedule: Schedule, asked: CommandContext["behalf"]): string {
  const { answers, behalf } = schedule;
  return answers?.room ?? (isMadeIn(schedule, asked) ? "here" : `${behalf.input}:${behalf.place.room}`);
}
