import { z } from "zod";
import { type PausedWrites, type Pauses, pausedWords } from "../commands/pause.ts";
import { MicroError } from "../core/errors.ts";
import type { Entry, Kv } from "../platform/kv/kv.ts";
import type { Layer } from "./context.ts";

/** In the store that all replicas share, so that it holds for all of them, and after a restart. */
const KEY = "pause.writes";

/** A write waits no longer than this for the store to say that it may be; then it is not done. */
const LOOK_MS = 3000;

const schema = z.object({ by: z.string(), reason: z.string(), at: z.number() });

/** The stop for all writes, of all replicas. */
export function createPause(kv: Pick<Kv, "get" | "create" | "delete">): Pauses {
  const find = async (): Promise<{ readonly entry: Entry; readonly paused: PausedWrites } | undefined> => {
    const entry = await kv.get(KEY, { timeoutMs: LOOK_MS });
    return entry && { entry, paused: read(entry.value) };
  };
  return {
    paused: async () => (await find())?.paused,
    pause: async (paused) => {
      const value = JSON.stringify(paused);
      // Between the two somebody may have resumed, and somebody else paused again.
      for (let attempt = 0; attempt < 5; attempt++) {
        if ((await kv.create(KEY, value, { timeoutMs: LOOK_MS })) !== undefined) return undefined;
        const before = await find();
        if (before) return before.paused;
      }
      throw new MicroError("conflict", "somebody pauses and resumes writes at the same moment; say it again");
    },
    resume: async () => {
      const found = await find();
      if (found === undefined) return undefined;
      const { entry, paused } = found;
      return (await kv.delete(KEY, { revision: entry.revision, timeoutMs: LOOK_MS })) ? paused : undefined;
    },
  };
}

/** What cannot be read pauses, too: somebody wanted it. */
function read(value: string): PausedWrites {
  const unknown = { by: "somebody", reason: "", at: 0 };
  try {
    const checked = schema.safeParse(JSON.parse(value));
    return checked.success ? checked.data : unknown;
  } catch {
    return unknown;
  }
}

/**
 * Refuses writes while they are paused, and while nobody can tell whether they are. It stands twice in the path: before
 * anybody is asked to confirm, and last of all, since what waits for its turn has not begun.
 */
export function refusePaused(pauses: Pick<Pauses, "paused">): Layer {
  return async (context, next) => {
    const command = context.run?.command;
    if (command?.effect !== "write" || command.whilePaused) return next(context);
    const paused = await pauses.paused().catch((error: unknown) => {
      const words = "nothing was done, because I cannot see whether writes are paused";
      throw new MicroError("unavailable", `${words}: ${MicroError.from(error).message}`, { cause: error });
    });
    if (paused === undefined) return next(context);
    throw new MicroError(
      "conflict",
      `nothing was done: ${pausedWords(paused)}; \`resume writes\` ends it, for who may`,
      { details: { paused: true } },
    );
  };
}
