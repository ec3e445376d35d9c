import { z } from "zod";
import { MicroError } from "../core/errors.ts";
import type { AnyCommand } from "./command.ts";
import { defineCommand } from "./command.ts";

/** A command that is running now. */
export interface Job {
  /** Short, for typing. */
  readonly id: string;
  readonly caller: string;
  /** As it was typed. */
  readonly text: string;
  readonly startedAt: number;
}

/** The commands that are running; kept by who runs them. */
export interface Jobs {
  list(): readonly Job[];
  /** `false`: no such job. */
  cancel(id: string): boolean;
}

/** `jobs` and `cancel`, over a table of running commands. They are answered at once, however busy the room is. */
export function jobsCommands(jobs: Jobs): readonly AnyCommand[] {
  const list = defineCommand({
    name: "jobs",
    summary: "Show the commands that are running",
    input: z.object({}),
    permission: "bot:talk",
    effect: "read",
    urgent: true,
    examples: ["jobs"],
    run: async (_input, { clock }) => {
      const now = clock.now();
      return { jobs: jobs.list().map((job) => ({ ...job, seconds: Math.round((now - job.startedAt) / 1000) })) };
    },
    view: (result) =>
      result.jobs.length === 0
        ? { kind: "text", text: "nothing is running" }
        : {
            kind: "report",
            text: ["Id\tCaller\tSeconds\tCommand"]
              .concat(result.jobs.map((job) => `${job.id}\t${job.caller}\t${job.seconds}\t${job.text}`))
              .join("\n"),
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
    run: async ({ id }, { caller }) => {
      const job = jobs.list().find((running) => running.id === id);
      if (job === undefined) throw new MicroError("not_found", `no command ${id} is running; \`jobs\` shows what is`);
      if (job.caller !== caller) {
        throw new MicroError("permission_denied", `${id} was started by ${job.caller}; only they can cancel it`);
      }
      return { cancelled: jobs.cancel(id) ? job : undefined };
    },
    view: ({ cancelled }) => ({
      kind: "text",
      text: cancelled ? `cancelled ${cancelled.id}: ${cancelled.text}` : "it has just ended",
    }),
  });
  return [list, cancel];
}
