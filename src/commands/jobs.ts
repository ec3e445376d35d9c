import { z } from "zod";
import { MicroError } from "../core/errors.ts";
import type { AnyCommand, CommandContext } from "./command.ts";
import { defineCommand } from "./command.ts";
import { type PausedWrites, pausedWords } from "./pause.ts";

/** A command that is running now. */
export interface Job {
  /** Short, for typing. */
  readonly id: string;
  readonly caller: string;
  /** Who the caller is on every network (`CommandContext.person`). */
  readonly person?: string;
  /** The name of the command. */
  readonly command: string;
  /** As it may be shown: secrets are crossed out. */
  readonly text: string;
  readonly startedAt: number;
}

/** An answer that nobody saw: its network was away too long, or would not have it. */
export interface LostAnswer extends Omit<Job, "startedAt"> {
  readonly at: number;
  readonly why: string;
}

/** What the other replicas of the bot run. */
export interface JobsElsewhere {
  /** `replica`: its id. `on`: its name. */
  readonly jobs: readonly { readonly job: Job; readonly replica: string; readonly on: string }[];
  /** Names of those that did not tell. */
  readonly silent: readonly string[];
}

/** The commands that are running; kept by who runs them. */
export interface Jobs {
  list(): readonly Job[];
  /** Of the last hour, oldest first. */
  lost(): readonly LostAnswer[];
  /** `false`: no such job. */
  cancel(id: string): boolean;
  /** Left out where there are no replicas. @throws MicroError `unavailable`, when they cannot be asked */
  elsewhere?(): Promise<JobsElsewhere>;
  /** `false`: it has ended, or that replica did not answer. @throws MicroError `unavailable` */
  cancelElsewhere?(id: string, replica: string): Promise<boolean>;
  /**
   * Whether who asks may see and cancel what others run (`OTHERS_JOBS`), here and now. Not `mayRun`: that says yes to whoever
   * may do so anywhere, to one service as well.
   */
  seesAll(context: CommandContext): boolean;
  /** Whether `pause writes` holds. Left out: there is no such thing. @throws MicroError `unavailable`, when nobody can tell */
  paused?(): Promise<PausedWrites | undefined>;
}

/** What it takes to see and cancel what others run: a grant, since a write is never open to all members. */
export const OTHERS_JOBS = { name: "jobs", permission: "bot:admin", effect: "write" } as const;

/** `jobs` and `cancel`, over a table of running commands. They are answered at once, however busy the room is. */
export function jobsCommands(jobs: Jobs): readonly AnyCommand[] {
  const list = defineCommand({
    name: "jobs",
    summary: "Show the commands that are running, and answers that could not be delivered",
    input: z.object({}),
    permission: "bot:talk",
    effect: "read",
    urgent: true,
    examples: ["jobs"],
    run: async (_input, context) => {
      const { clock, caller, person = caller } = context;
      const now = clock.now();
      const all = jobs.seesAll(context);
      // What others typed may hold what is not for everybody; that they run something is no secret.
      const shown = <J extends Omit<Job, "startedAt">>(job: J): J =>
        all || (job.person ?? job.caller) === person ? job : { ...job, text: `${job.command} …`.trim() };
      const paused = await jobs.paused?.().catch((error: unknown) => ({ unknown: MicroError.from(error).message }));
      const others = await jobs.elsewhere?.().catch((error: unknown) => ({ unknown: MicroError.from(error).message }));
      const seconds = (since: number) => Math.round((now - since) / 1000);
      const told = others === undefined || "unknown" in others ? [] : others.jobs;
      const running = [...jobs.list().map((job) => ({ job, on: undefined })), ...told];
      return {
        jobs: running
          // Who asks what runs does not mean the question.
          .filter(({ job }) => job.command !== "jobs")
          .map(({ job, on }) => ({ ...shown(job), seconds: seconds(job.startedAt), ...(on !== undefined && { on }) })),
        lost: jobs
          .lost()
          .toReversed()
          .map((answer) => ({ ...shown(answer), seconds: seconds(answer.at) })),
        ...(paused && { paused }),
        ...(others && ("unknown" in others || others.silent.length > 0) && { others }),
      };
    },
    records: { rows: ({ jobs: running }) => running },
    view: (result) => {
      const running = result.jobs.map(
        (job) => `${job.id}\t${job.caller}\t${job.seconds}\t${job.text}${"on" in job ? `\ton ${job.on}` : ""}`,
      );
      const lost = result.lost.map((it) => `${it.id}\t${it.caller}\t${it.seconds} s ago\t${it.text}\t${it.why}`);
      const { paused } = result;
      const stopped =
        paused &&
        ("unknown" in paused ? `whether writes are paused is unknown: ${paused.unknown}` : pausedWords(paused));
      const notes = [stopped, unheard(result.others)].filter((line) => line !== undefined);
      if (running.length + lost.length === 0)
        return { kind: "text", text: [...notes, "nothing is running"].join("\n") };
      const tables = [
        notes.length === 0 ? [] : [...notes, ""],
        running.length === 0 ? ["nothing is running"] : ["Id\tCaller\tSeconds\tCommand", ...running],
        lost.length === 0
          ? []
          : ["", "answers that could not be delivered:", "Id\tCaller\tWhen\tCommand\tWhy", ...lost],
      ];
      return { kind: "report", text: tables.flat().join("\n") };
    },
  });
  const cancel = defineCommand({
    name: "cancel",
    summary: "Stop a running command of yours",
    input: z.object({ id: z.string({ error: "cancel what? `jobs` shows the ids" }).describe("as `jobs` shows it") }),
    words: ["id"],
    permission: "bot:talk",
    effect: "read",
    urgent: true,
    examples: ["cancel 03f9a1"],
    run: async ({ id }, context) => {
      const { caller, person = caller } = context;
      const here = jobs.list().find((running) => running.id === id);
      const others = here === undefined ? await jobs.elsewhere?.() : undefined;
      const there = others?.jobs.find((running) => running.job.id === id);
      const job = here ?? there?.job;
      if (job === undefined) {
        const unknown = unheard(others);
        const words = unknown === undefined ? "" : `, as far as I know: ${unknown}`;
        throw new MicroError("not_found", `no command ${id} is running${words}; \`jobs\` shows what is`);
      }
      if ((job.person ?? job.caller) !== person && !jobs.seesAll(context)) {
        throw new MicroError(
          "permission_denied",
          `${id} was started by ${job.caller}; they can cancel it, or who has the grant \`bot:admin\``,
        );
      }
      const done = there ? await jobs.cancelElsewhere?.(id, there.replica) : jobs.cancel(id);
      return { cancelled: done === true ? job : undefined };
    },
    view: ({ cancelled }) => ({
      kind: "text",
      text: cancelled ? `cancelled ${cancelled.id}: ${cancelled.text}` : "it has just ended",
    }),
  });
  return [list, cancel];
}

/** What is not known of the other replicas. */
function unheard(others: { readonly unknown: string } | Pick<JobsElsewhere, "silent"> | undefined): string | undefined {
  if (others === undefined) return undefined;
  if ("unknown" in others) return `what other replicas run is unknown: ${others.unknown}`;
  return others.silent.length === 0
    ? undefined
    : `what ${others.silent.join(", ")} runs is unknown: there was no answer`;
}
