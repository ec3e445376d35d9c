import { z } from "zod";
import { type AnyCommand, defineCommand } from "./command.ts";

/** That writes are paused: by whom, since when and why. */
export interface PausedWrites {
  /** `slack:T01/U02`, `ann (slack:T01/U02)`. */
  readonly by: string;
  /** May be empty. */
  readonly reason: string;
  /** Epoch ms. */
  readonly at: number;
}

/** The stop for all writes; kept by who runs commands. All throw `unavailable` and `timeout` when nobody can tell. */
export interface Pauses {
  /** `undefined`: they are not paused. */
  paused(): Promise<PausedWrites | undefined>;
  /** @returns what they are paused by already; `undefined`: by this */
  pause(paused: PausedWrites): Promise<PausedWrites | undefined>;
  /** @returns what has ended by that; `undefined`: they were not paused */
  resume(): Promise<PausedWrites | undefined>;
}

/** In sentences and tables. */
export function pausedWords({ by, reason, at }: PausedWrites): string {
  const since = at === 0 ? "" : ` at ${new Date(at).toISOString().slice(0, 19).replace("T", " ")} UTC`;
  return `${by} paused all writes${since}${reason === "" ? "" : `: ${reason}`}`;
}

function whoIs(caller: string, person: string): string {
  return person === caller ? caller : `${person} (${caller})`;
}

/** `pause writes` and `resume writes`. Both are answered at once, however busy the room is. */
export function pauseCommands(pauses: Pauses): readonly AnyCommand[] {
  const pause = defineCommand({
    name: "pause writes",
    summary: "Refuse every command that changes something, here and on all replicas, until they are resumed",
    input: z.object({ reason: z.string().max(500).default("").describe("why, for whoever is refused") }),
    words: ["reason"],
    rest: "reason",
    permission: "bot:admin",
    effect: "write",
    whilePaused: true,
    // Whoever needs it needs it now.
    confirm: false,
    urgent: true,
    examples: ["pause writes", "pause writes the database is being moved"],
    run: async ({ reason }, { caller, person = caller, clock }) => {
      const paused: PausedWrites = { by: whoIs(caller, person), reason: reason.trim(), at: clock.now() };
      const before = await pauses.pause(paused);
      return { already: before !== undefined, ...(before ?? paused) };
    },
    view: (result) => ({
      kind: "text",
      text: result.already
        ? `they are paused already: ${pausedWords(result)}`
        : `${pausedWords(result)}. Reads go on; \`resume writes\` ends it.`,
    }),
  });
  const resume = defineCommand({
    name: "resume writes",
    summary: "End `pause writes`",
    input: z.object({}),
    permission: "bot:admin",
    effect: "write",
    whilePaused: true,
    confirm: false,
    urgent: true,
    examples: ["resume writes"],
    run: async (_input, { caller, person = caller }) => ({ by: whoIs(caller, person), ended: await pauses.resume() }),
    view: ({ by, ended }) => ({
      kind: "text",
      text:
        ended === undefined
          ? "writes were not paused"
          : `${by} resumed writes. What was refused meanwhile was not done. Before, ${pausedWords(ended)}.`,
    }),
  });
  return [pause, resume];
}
