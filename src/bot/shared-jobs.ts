import type { Job, Jobs, JobsElsewhere } from "../commands/jobs.ts";
import type { Clock } from "../core/clock.ts";
import type { Startable } from "../core/lifecycle.ts";
import { createElsewhere, type ElsewhereInit, type Question } from "./elsewhere.ts";

/** What the other replicas run: a message for one of them may be heard by another, `cancel` as well. */
export interface SharedJobs extends Required<Pick<Jobs, "elsewhere" | "cancelElsewhere">>, Startable {}

/** So many of a replica are told at most. */
const MOST = 100;

/** @param local what runs here */
export function sharedJobs(
  init: Omit<ElsewhereInit, "answer"> & { readonly local: Pick<Jobs, "list" | "cancel"> },
): SharedJobs {
  const { local, clock, replicas } = init;
  const answer = ({ what, id }: Question) =>
    what === "cancel"
      ? local.cancel(id ?? "")
      : local
          .list()
          .slice(-MOST)
          .map((job) => aged(job, clock));
  const { ask, start, stop } = createElsewhere({ ...init, answer });
  return {
    elsewhere: async (): Promise<JobsElsewhere> => {
      const { answers, silent } = await ask({ what: "jobs" });
      const names = new Map(replicas.list().map(({ id, name }) => [id, name]));
      const jobs = [...answers].flatMap(([replica, told]) =>
        (told as readonly Aged[]).map(({ ageMs, ...job }) => ({
          job: { ...job, startedAt: clock.now() - ageMs },
          replica,
          on: names.get(replica) ?? replica,
        })),
      );
      return { jobs, silent, alone: answers.size + silent.length === 0 };
    },
    cancelElsewhere: async (id, replica) =>
      (await ask({ what: "cancel", id, to: replica })).answers.get(replica) === true,
    start,
    stop,
  };
}

/** Clocks of two machines are not compared. */
type Aged = Omit<Job, "startedAt"> & { readonly ageMs: number };

function aged({ startedAt, ...job }: Job, clock: Clock): Aged {
  return { ...job, ageMs: clock.now() - startedAt };
}
