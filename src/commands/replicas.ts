import { z } from "zod";
import type { AnyCommand } from "./command.ts";
import { defineCommand } from "./command.ts";

/** One of the processes that are a bot together. */
export interface Replica {
  readonly id: string;
  /** What its operator calls it; tells nothing of its machine by itself. */
  readonly name: string;
  /** The networks it listens to. */
  readonly inputs: readonly string[];
  /** Epoch ms, by its own clock. */
  readonly since: number;
  /** It does what only one may do. */
  readonly leader: boolean;
  /** Milliseconds since it was last seen to give a sign of life. */
  readonly seenMs: number;
}

/** @param list as they were seen last; `own` is the id of who answers */
export function replicasCommand(list: () => readonly Replica[], own: string): AnyCommand {
  return defineCommand({
    name: "replicas",
    summary: "Show the processes that this bot consists of",
    input: z.object({}),
    permission: "bot:read",
    effect: "read",
    examples: ["replicas"],
    run: async () => ({ replicas: list().map((replica) => ({ ...replica, answers: replica.id === own })) }),
    view: ({ replicas }) => {
      if (replicas.length === 0) return { kind: "text", text: "there is only me, and I share nothing with anybody" };
      const rows = replicas.map(({ id, name, inputs, since, leader, seenMs, answers }) => {
        const is = [leader ? "leads" : "", answers ? "answers" : ""].filter((word) => word !== "").join(", ");
        const seen = `${Math.round(seenMs / 100) / 10} s ago`;
        return [id, name, inputs.join(" "), new Date(since).toISOString().slice(0, 19), seen, is].join("\t");
      });
      return { kind: "report", text: ["Id\tName\tInputs\tSince (UTC)\tSeen\tIs", ...rows].join("\n") };
    },
  });
}
