import type { Clock } from "../core/clock.ts";
import type { Input } from "../inputs/input.ts";

/** What ends sooner than that is not worth a word. */
const SOON_MS = 500;

/** How many lines are named. */
const SHOWN = 3;

/**
 * An input of which it is told what still runs when whoever sat there has left, or where the bot goes on: they see nothing else.
 * @param running the lines that are carried out now
 * @param tell not called once the signal has aborted
 */
export function tellingOnLeave(
  input: Input,
  init: {
    readonly clock: Clock;
    readonly signal: AbortSignal;
    readonly running: () => readonly string[];
    /** Other inputs, for which the bot goes on. */
    readonly stays: readonly string[];
    readonly tell: (words: string) => void;
  },
): Input {
  const { clock, signal, running, stays, tell } = init;
  const left = async () => {
    if (stays.length > 0 && !signal.aborted) return tell(`I go on in ${stays.join(", ")}; Ctrl+C ends me`);
    await clock.sleep(SOON_MS, { signal }).catch(() => {});
    const lines = running();
    if (lines.length > 0 && !signal.aborted) tell(stillWords(lines));
  };
  return {
    ...input,
    connect: async (options) => {
      const connection = await input.connect(options);
      return {
        ...connection,
        async *[Symbol.asyncIterator]() {
          yield* connection;
          void left();
        },
      };
    },
  };
}

function stillWords(lines: readonly string[]): string {
  const named = lines.slice(0, SHOWN).map((line) => `\`${line}\``);
  const more = lines.length > SHOWN ? ` and ${lines.length - SHOWN} more` : "";
  return `still running: ${named.join(", ")}${more}; I leave when that has ended, Ctrl+C leaves now`;
}
