import { chatLine, type Line, type Word } from "../line.ts";

/** A line before and after its first pipe. */
export interface Piped {
  /** What comes before it; no words: the line begins with the pipe. */
  readonly head: Line;
  /** The words of each stage. */
  readonly stages: readonly (readonly Word[])[];
  /** All of the stages as they were typed, without the first pipe. */
  readonly text: string;
}

/**
 * Where a line has pipes: a `|` between blanks, outside of quotes and JSON. `undefined` where it has none.
 */
export function pipedIn(line: Line): Piped | undefined {
  const first = line.words.findIndex(isPipe);
  const pipe = line.words[first];
  if (pipe === undefined) return undefined;
  return {
    head: chatLine(line.text.slice(0, pipe.start).trimEnd()),
    stages: stageWords(line.words.slice(first + 1)),
    text: line.text.slice(pipe.end).trim(),
  };
}

/** Words of each stage: apart where a pipe stands between them. */
export function stageWords(words: readonly Word[]): readonly (readonly Word[])[] {
  const stages: Word[][] = [[]];
  for (const word of words) {
    if (isPipe(word)) stages.push([]);
    else stages.at(-1)?.push(word);
  }
  return stages;
}

function isPipe({ text, quoted }: Word): boolean {
  return text === "|" && !quoted;
}
