import type { Extension } from "../commands/house.ts";
import type { Clock } from "../core/clock.ts";
import { MicroError } from "../core/errors.ts";
import type { CallOptions, Startable } from "../core/lifecycle.ts";
import type { Log } from "../core/log.ts";
import { joinAll } from "./joining.ts";
import type { Link } from "./links.ts";
import type { Runner } from "./run.ts";
import { within } from "./within.ts";

export interface LifeInit {
  /** Those that the bot lives as long as, and those that are there beside them. */
  readonly links: readonly Link[];
  readonly beside: readonly Link[];
  readonly runner: Pick<Runner, "endGoingOn" | "stop">;
  readonly extensions: readonly Extension[];
  /** What has to be there before anything is heard. */
  readonly open: (options: CallOptions) => Promise<void>;
  /** Nothing more is taken on. */
  readonly leave: () => Promise<unknown>;
  /** Nothing runs any more, and nobody is in a network. */
  readonly close: () => Promise<void>;
  /** How long running commands may finish. */
  readonly drainMs: number;
  readonly clock: Clock;
  readonly log: Log;
}

/** The beginning and the end of a bot, each once and in their order, whoever asks for them and when. */
export interface Life extends Startable {
  /** As `Bot.done`. */
  readonly done: Promise<MicroError | undefined>;
}

/** A message that grew has to wait a second itself before it says its last. */
const LAST_WORDS_MS = 2000;

export function createLife(init: LifeInit): Life {
  const { links, beside, runner, extensions, clock, log } = init;
  const all = [...links, ...beside];
  let begun = false;
  let stopped: Promise<void> | undefined;
  let finish: (error: MicroError | undefined) => void = () => {};
  const done = new Promise<MicroError | undefined>((resolve) => {
    finish = resolve;
  });

  const stop = async () => {
    for (const link of all) link.leave();
    const left = init.leave();
    runner.endGoingOn();
    await Promise.all(extensions.map((extension) => ended(extension, log)));
    const ends = all.map(async (link) => {
      if (!(await within(clock, init.drainMs, link.idle()))) {
        runner.stop();
        // What was cut off is told so, if its network takes it quickly.
        await within(clock, LAST_WORDS_MS, link.idle());
      }
      await link.close();
    });
    await Promise.all(ends);
    runner.stop();
    await left;
    await init.close();
    finish(undefined);
  };
  const stopOnce = () => {
    stopped ??= stop();
    return stopped;
  };

  return {
    done,
    start: async ({ signal } = {}) => {
      if (begun || stopped) throw new MicroError("conflict", "this bot was started before; make another one");
      begun = true;
      const leave = () => void stopOnce();
      if (signal?.aborted) leave();
      else signal?.addEventListener("abort", leave, { once: true });
      await init.open({ ...(signal && { signal }) });
      const refusal = await joinAll({ links, beside, clock, log, onEnd: finish });
      signal?.removeEventListener("abort", leave);
      if (refusal) {
        await stopOnce();
        throw refusal;
      }
      if (!stopped) for (const extension of extensions) await extension.start?.();
      if (!stopped) return;
      await stopped;
      throw new MicroError("cancelled", "the bot was told to stop while it was starting");
    },
    stop: stopOnce,
  };
}

/** One that cannot end keeps nobody else from it. */
async function ended(extension: Extension, log: Log): Promise<void> {
  try {
    await extension.stop?.();
  } catch (error) {
    log.warn({ reason: MicroError.from(error).message }, "a part of the bot may be left open");
  }
}
