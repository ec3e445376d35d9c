import { clearScreenDown, createInterface, cursorTo, type Interface, moveCursor } from "node:readline";
import { plainText } from "../../core/plain-text.ts";
import { createQueue } from "../../core/queue.ts";
import { fileHistory } from "./history.ts";
import type { Screen, TerminalInit } from "./terminal.ts";

/** What may stand in place of the last word of a line that is being typed. */
export type Complete = (line: string) => Promise<readonly string[]>;

const PROMPT = "micro> ";

/** A line to type in, with history and completion; answers appear above it. */
export function createPrompt(init: TerminalInit, closing: AbortSignal): Screen {
  const { output, complete } = init;
  const lines = createQueue<string>(1000);
  const history = init.historyFile === undefined ? undefined : fileHistory(init.historyFile);
  const prompt = createInterface({
    input: init.input,
    output,
    terminal: true,
    prompt: PROMPT,
    history: [...(history?.lines ?? [])],
    historySize: 1000,
    removeHistoryDuplicates: true,
    ...(complete ? { completer: completer(complete) } : {}),
  });
  let over = false;
  /** Ctrl-C was pressed, and nothing typed since. */
  let leaving = false;

  const end = () => {
    if (over) return;
    over = true;
    prompt.close();
    // Whatever the shell shows next begins on a row of its own.
    output.write("\n");
    lines.end();
  };
  prompt.on("line", (line) => {
    leaving = false;
    history?.add(line);
    if (!lines.push(line)) output.write("too many lines wait for an answer; this one is left out\n");
    prompt.prompt();
  });
  prompt.on("SIGINT", () => {
    if (leaving && prompt.line === "") {
      end();
      return;
    }
    leaving = true;
    const typed = prompt.line !== "";
    below(prompt, output);
    if (!typed) output.write("Ctrl-C again or Ctrl-D to leave\n");
    clearLine(prompt);
    prompt.prompt();
  });
  // Ctrl-D, or the terminal went away.
  prompt.on("close", end);
  closing.addEventListener("abort", end, { once: true });
  prompt.prompt();

  return {
    lines,
    write: (text) => {
      if (over) {
        output.write(text);
        return;
      }
      above(prompt, output, text);
    },
    close: end,
  };
}

/** Node keeps here on how many rows above the cursor's the prompt begins; it has no name in the types. */
type Rows = { prevRows: number };

/** Writes where the prompt is, and puts the prompt with what has been typed below. */
function above(prompt: Interface, output: NodeJS.WritableStream, text: string): void {
  moveCursor(output, 0, -prompt.getCursorPos().rows);
  cursorTo(output, 0);
  clearScreenDown(output);
  output.write(text);
  (prompt as unknown as Rows).prevRows = 0;
  prompt.prompt(true);
}

/** Leaves what has been typed where it stands and goes to the row after it. */
function below(prompt: Interface, output: NodeJS.WritableStream): void {
  prompt.write(null, { ctrl: true, name: "e" });
  output.write("\n");
  (prompt as unknown as Rows).prevRows = 0;
}

function clearLine(prompt: Interface): void {
  const line = prompt as unknown as { line: string; cursor: number };
  line.line = "";
  line.cursor = 0;
}

function isPlain(text: string): boolean {
  return plainText(text) === text && !/[\n\t]/.test(text);
}

/** Candidates for the last word, and that word: what readline wants. A candidate that stands alone ends with a blank. */
function completer(complete: Complete) {
  return (line: string, done: (error: null, result: [string[], string]) => void): void => {
    const word = /\S*$/.exec(line)?.[0] ?? "";
    complete(line).then(
      (found) => {
        // What a registry offers is shown as it is, so a name that would act on the screen is not offered.
        const fitting = found.filter((candidate) => candidate.startsWith(word) && isPlain(candidate));
        done(null, [fitting.length === 1 ? [`${fitting[0]} `] : fitting, word]);
      },
      () => done(null, [[], word]),
    );
  };
}
