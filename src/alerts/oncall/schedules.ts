import { closest } from "fastest-levenshtein";
import { MicroError } from "../../core/errors.ts";
import type { Override, Overrides } from "./overrides.ts";
import type { Answer, Rota, Shift } from "./shift.ts";

/** A schedule of the configuration. */
export interface Schedule {
  readonly name: string;
  readonly zone: string;
  readonly rota: Rota;
  /** Of the file. */
  readonly overrides: readonly Pick<Override, "person" | "from" | "until">[];
}

/** Who is on call by one schedule. */
export interface Turn {
  readonly schedule: string;
  readonly zone: string;
  readonly kind: string;
  /** Left out: nobody. */
  readonly person?: string;
  /** Epoch ms. */
  readonly until?: number;
  readonly next?: Shift;
  /** Who takes it for somebody else, by whose word. */
  readonly instead?: { readonly of?: string; readonly by: string; readonly id?: string };
  readonly note?: string;
}

export interface Schedules {
  readonly all: readonly Schedule[];
  /** @throws MicroError `not_found` */
  get(name: string): Schedule;
  /** @param at epoch ms @throws MicroError `not_found` (no such schedule), `unavailable`, `timeout` (nobody can tell now) */
  who(name: string, at: number, signal?: AbortSignal): Promise<Turn>;
}

/** So often somebody may follow upon somebody, to find who is next. */
const HOPS = 5;

export function createSchedules(all: readonly Schedule[], made: Pick<Overrides, "list">): Schedules {
  const get = (name: string): Schedule => {
    const found = all.find((one) => one.name === name);
    if (found) return found;
    const names = all.map((one) => one.name);
    if (names.length === 0) {
      throw new MicroError("not_found", "there are no schedules: --alerts=alerts.yaml names them under oncall");
    }
    const known = names.slice(0, 10).join(", ");
    throw new MicroError(
      "not_found",
      `there is no schedule ${name.slice(0, 60)}; did you mean ${closest(name, names)}? There is ${known}`,
    );
  };
  const turn = async (
    schedule: Schedule,
    overrides: readonly Said[],
    at: number,
    signal?: AbortSignal,
  ): Promise<Turn> => {
    const { name, zone, rota } = schedule;
    const over = overrides.findLast(({ from, until }) => from <= at && at < until);
    const known = { schedule: name, zone, kind: rota.kind };
    const base = await rota.at(at, signal).catch((error: unknown): Answer => {
      // Who stands in is known without knowing for whom.
      if (over) return {};
      throw error;
    });
    const { shift, next, note } = base;
    const noted = note === undefined ? {} : { note };
    if (over) {
      const later = overrides.slice(overrides.indexOf(over) + 1).filter(({ from }) => from > at);
      const until = Math.min(over.until, ...later.map(({ from }) => from));
      const { by = "the file", id } = over;
      const instead = { by, ...(shift && { of: shift.person }), ...(id !== undefined && { id }) };
      return { ...known, person: over.person, until, instead, ...noted };
    }
    const begins = overrides.filter(({ from }) => from > at).map(({ from }) => from);
    const ends = [shift?.until, ...begins].filter((one) => one !== undefined);
    const until = ends.length === 0 ? undefined : Math.min(...ends);
    return {
      ...known,
      ...(shift && { person: shift.person }),
      ...(shift && until !== undefined && { until }),
      ...(!shift && next && { next }),
      ...noted,
    };
  };
  return {
    all,
    get,
    who: async (name, at, signal) => {
      const schedule = get(name);
      const overrides: readonly Said[] = [...schedule.overrides, ...(await made.list(name))];
      const now = await turn(schedule, overrides, at, signal);
      if (now.next || now.until === undefined) return now;
      let from = now.until;
      for (let hop = 0; hop < HOPS; hop++) {
        const after = await turn(schedule, overrides, from, signal).catch(() => undefined);
        if (after?.person === undefined) return after?.next ? { ...now, next: after.next } : now;
        if (after.person !== now.person || after.until === undefined) {
          return {
            ...now,
            until: from,
            next: { person: after.person, from, ...(after.until !== undefined && { until: after.until }) },
          };
        }
        // Their own turn goes on, by another's word.
        from = after.until;
      }
      return now;
    },
  };
}

type Said = Pick<Override, "person" | "from" | "until"> & Partial<Pick<Override, "by" | "id">>;
