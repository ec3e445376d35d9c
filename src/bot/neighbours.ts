import type { Audit, AuditFound } from "../commands/audit-record.ts";
import type { Job, Jobs, JobsElsewhere } from "../commands/jobs.ts";
import type { Clock } from "../core/clock.ts";
import type { Startable } from "../core/lifecycle.ts";
import { createElsewhere, type ElsewhereInit, type Question } from "./elsewhere.ts";

/** What the other replicas run and have written down: a network gives `cancel` and `explain` to whichever it likes. */
export interface Neighbours extends Required<Pick<Jobs, "elsewhere" | "cancelElsewhere">>, Startable {
  /** The newest record with this id that any of them has. @throws MicroError `unavailable` */
  find(id: string): Promise<AuditFound | undefined>;
}

export interface NeighboursInit extends Omit<ElsewhereInit, "answer"> {
  /** What runs here. */
  readonly jobs: Pick<Jobs, "list" | "cancel">;
  /** What was written down here. */
  readonly audit: Pick<Audit, "find">;
}

/** So many jobs of a replica are told at most. */
const MOST = 100;

export function createNeighbours(init: NeighboursInit): Neighbours {
  const { jobs, audit, clock, replicas } = init;
  const answer = ({ what, id = "" }: Question) => {
    if (what === "cancel") return jobs.cancel(id);
    if (what === "explain") return audit.find(id);
    return jobs
      .list()
      .slice(-MOST)
      .map((job) => aged(job, clock));
  };
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
      return { jobs, silent };
    },
    cancelElsewhere: async (id, replica) =>
      (await ask({ what: "cancel", id, to: replica })).answers.get(replica) === true,
    find: async (id) => {
      const found = [...(await ask({ what: "explain", id })).answers.values()] as readonly (AuditFound | null)[];
      return found.filter((one) => one !== null).sort((a, b) => b.at - a.at)[0];
    },
    start,
    stop,
  };
}

/** Clocks of two machines are not compared. */
type Aged = Omit<Job, "startedAt"> & { readonly ageMs: number };

function aged({ startedAt, ...job }: Job, clock: Clock): Aged {
  return { ...job, ageMs: clock.now() - startedAt };
}
