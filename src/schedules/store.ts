import { randomBytes } from "node:crypto";
import { z } from "zod";
import { answersSchema, behalfSchema } from "../commands/behalf.ts";
import { MicroError } from "../core/errors.ts";
import { keyOf } from "../platform/kv/keys.ts";
import type { Kv } from "../platform/kv/kv.ts";
import { whenSchema } from "./when.ts";

const schema = z.object({
  /** Six hex digits, for typing. */
  id: z.string(),
  when: whenSchema,
  line: z.string(),
  /** Whose it is: a person, as the policy names them. */
  owner: z.string(),
  /** Who asked for it and where: it is done with their rights there. */
  behalf: behalfSchema,
  /** Where its answer belongs, if not there; by its name, for people, and as its network knows it. */
  answers: answersSchema.optional(),
  /** Somebody said yes to exactly this line. */
  confirmed: z.boolean(),
  /** To exactly this command, too (`identityOf`); absent where nobody had to say yes. */
  which: z.string().optional(),
  madeAt: z.number(),
  /** Why it is not done now. */
  paused: z.string().optional(),
  /** The last of its times that a replica has taken, epoch ms; what it takes nobody else does. */
  taken: z.number().optional(),
  /** Times of a recurring write that were begun and have not ended, epoch ms: what becomes of them may never be known. */
  open: z.array(z.number()).optional(),
  /** Failures since it last went well. */
  failures: z.number(),
});

/** A line that is to be carried out later, as it is kept. Survives JSON. */
export type Schedule = z.infer<typeof schema>;

/** One, with the revision that it has in the store. */
export interface Held {
  readonly schedule: Schedule;
  readonly revision: number;
}

const PREFIX = "schedule";
export const KEYS = `${PREFIX}.`;
const TRIES = 5;

/** Schedules in the store that replicas share. All throw `MicroError` as it does. */
export interface ScheduleStore {
  get(id: string): Promise<Held | undefined>;
  list(): Promise<readonly Held[]>;
  /** Gives it an id. */
  add(schedule: Omit<Schedule, "id">): Promise<Schedule>;
  /** Only if it is what it was. @returns `undefined`: somebody has changed it, or taken it away */
  change(held: Held, schedule: Schedule): Promise<Held | undefined>;
  /** Whoever else changes it at that moment. @param to gives `undefined` to leave it @returns `undefined`: it was left, or is gone */
  alter(id: string, to: (schedule: Schedule) => Schedule | undefined): Promise<Schedule | undefined>;
  /** @returns whether it was there, and was that one */
  remove(held: Held): Promise<boolean>;
}

export function createScheduleStore(kv: Kv): ScheduleStore {
  const keyFor = (id: string) => keyOf(PREFIX, id);
  const get = async (id: string): Promise<Held | undefined> => {
    const entry = await kv.get(keyFor(id));
    const schedule = entry && readSchedule(entry.value);
    return entry && schedule && { schedule, revision: entry.revision };
  };
  const change = async ({ revision }: Held, schedule: Schedule): Promise<Held | undefined> => {
    const now = await kv.update(keyFor(schedule.id), JSON.stringify(schedule), revision);
    return now === undefined ? undefined : { schedule, revision: now };
  };
  return {
    get,
    change,
    list: async () =>
      (await kv.list(KEYS)).flatMap(({ value, revision }) => {
        const schedule = readSchedule(value);
        return schedule ? [{ schedule, revision }] : [];
      }),
    add: async (draft) => {
      for (let tries = 0; tries < TRIES; tries++) {
        const schedule = { ...draft, id: randomBytes(3).toString("hex") };
        if ((await kv.create(keyFor(schedule.id), JSON.stringify(schedule))) !== undefined) return schedule;
      }
      throw busy();
    },
    alter: async (id, to) => {
      for (let tries = 0; tries < TRIES; tries++) {
        const held = await get(id);
        const wanted = held && to(held.schedule);
        if (held === undefined || wanted === undefined) return undefined;
        const done = await change(held, wanted);
        if (done) return done.schedule;
      }
      throw busy();
    },
    remove: ({ schedule, revision }) => kv.delete(keyFor(schedule.id), { revision }),
  };
}

/** `undefined`: nobody of us wrote that. */
export function readSchedule(value: string): Schedule | undefined {
  try {
    return schema.safeParse(JSON.parse(value)).data;
  } catch {
    return undefined;
  }
}

function busy(): MicroError {
  return new MicroError("conflict", "others change that schedule at this moment; say it again");
}
