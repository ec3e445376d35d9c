/** What was said to the bot, what came of it, and what the bot said to it. */
export interface Tally {
  said(id: string): void;
  /** It was never said: an edit, a line within what somebody else said. */
  never(id: string): void;
  /** What is wrong; nothing, it is hoped. */
  wrongs(facts: Facts): Wrongs;
}

export interface Facts {
  /** How often the service did each. */
  readonly effects: ReadonlyMap<string, number>;
  /** What the bot said to each. */
  readonly answers: ReadonlyMap<string, readonly string[]>;
  /** Its network has not given it to the bot, or not to the one after that which died with it. */
  readonly lost: (id: string) => boolean;
}

export interface Wrongs {
  readonly doneTwice: readonly string[];
  /** Done, and nobody had said it. */
  readonly doneUnsaid: readonly string[];
  /** Neither answered nor reported. */
  readonly silent: readonly string[];
  /** The bot says that it was done, or that it was not, and it is not so: `id: what it says`. */
  readonly lies: readonly string[];
  readonly figures: Readonly<Record<string, number>>;
}

const DONE = /"counted":"([^"]+)"/;
/** What a process could not write down is taken by the next one, when its network gives it once more. */
const NOT_DONE =
  /nothing was done(?!, because I cannot write down what I am told)|nothing was changed|not done|was not begun/;
const UNKNOWN = /unknown/;
/** A line of a message that tells of several, and the id that its command has. */
const ONE_OF_SEVERAL = /^\S+ \((?:unknown|not done|done)\): .*"id":"([a-z]+-\d+)"/;

/**
 * What a text that the bot said to an id tells, and of which ids: what a process has left in a room is told in one message
 * with a line for each, and of each only its own line is told.
 */
export function toldIn(id: string, text: string): readonly (readonly [id: string, text: string])[] {
  const lines = text.split("\n").flatMap((line) => {
    const one = ONE_OF_SEVERAL.exec(line)?.[1];
    return one === undefined ? [] : [[one, line] as const];
  });
  return lines.length > 0 ? lines : [[id, text]];
}

export function createTally(): Tally {
  const commands = new Set<string>();
  const nevers = new Set<string>();
  return {
    said: (id) => void commands.add(id),
    never: (id) => void nevers.add(id),
    wrongs: ({ effects, answers, lost }) => {
      const texts = (id: string) => answers.get(id) ?? [];
      const ids = [...commands];
      const done = ids.filter((id) => effects.has(id));
      const answered = ids.filter((id) => texts(id).length > 0);
      const count = (pattern: RegExp) => answered.filter((id) => texts(id).some((text) => pattern.test(text))).length;
      return {
        doneTwice: [...effects].filter(([, times]) => times > 1).map(([id]) => id),
        doneUnsaid: [...effects.keys()].filter((id) => nevers.has(id) || !commands.has(id)),
        silent: ids.filter((id) => texts(id).length === 0 && (effects.has(id) || !lost(id))),
        lies: answered.flatMap((id) =>
          texts(id)
            .filter(
              (text) => (DONE.exec(text)?.[1] === id && !effects.has(id)) || (NOT_DONE.test(text) && effects.has(id)),
            )
            .map((text) => `${id}: ${text}`),
        ),
        figures: {
          said: ids.length,
          done: done.length,
          answered: answered.length,
          "told as done": count(DONE),
          "told as not done": count(NOT_DONE),
          "told as unknown": count(UNKNOWN),
          "said twice": answered.filter((id) => texts(id).length > 1).length,
          "never reached": ids.length - answered.length,
        },
      };
    },
  };
}
