import { MicroError } from "../core/errors.ts";
import type { Runs } from "./runs.ts";

export interface WantedInit {
  readonly runs: Runs;
  /** The engine that drives. */
  readonly owner: string;
  /** The bot stops. */
  readonly leaving: AbortSignal;
}

/** What nobody tells us of is looked at so often. */
export const LOOK_MS = 5000;

/** Waits that end when people change a run, or the bot stops. */
export interface Wanted {
  /** Does what only looks, which ends when people abort or pause, the bot stops, or another engine has the run. */
  whileWanted<T>(id: string, work: (signal: AbortSignal) => Promise<T>): Promise<T>;
  /** Begun before the run is looked at, so that no change comes between: it resolves with the next one, or after so long. */
  waiting(id: string, ms: number): { readonly changed: Promise<void>; end(): void };
}

export function createWanted({ runs, owner, leaving }: WantedInit): Wanted {
  return {
    whileWanted: async (id, work) => {
      const end = new AbortController();
      const leave = () => end.abort(new MicroError("cancelled", "it is not wanted any more"));
      leaving.addEventListener("abort", leave, { once: true });
      const off = runs.onChange((run) => {
        if (run.id === id && (run.abort || run.paused)) leave();
      });
      const watch = async () => {
        while (!end.signal.aborted) {
          await runs.changed(id, LOOK_MS, end.signal);
          const run = end.signal.aborted ? undefined : await runs.get(id).catch(() => undefined);
          if (run?.abort || run?.paused || (run && run.driver !== owner)) leave();
        }
      };
      const watching = watch();
      try {
        return await work(end.signal);
      } finally {
        off();
        leaving.removeEventListener("abort", leave);
        end.abort();
        await watching;
      }
    },
    waiting: (id, ms) => {
      const over = new AbortController();
      const end = () => {
        leaving.removeEventListener("abort", end);
        over.abort();
      };
      if (leaving.aborted) over.abort();
      else leaving.addEventListener("abort", end, { once: true });
      return { changed: runs.changed(id, ms, over.signal), end };
    },
  };
}
