import { Socket } from "node:net";
import type { Readable } from "node:stream";
import { StringDecoder } from "node:string_decoder";

/** A line that is longer is not waited for; it ends here. */
const MAX_LINE = 1_000_000;

/**
 * The lines of a pipe, without their ends. The stream is read only as far as lines are asked for, so a fast writer waits.
 * Ends with the stream, with its error or with the signal.
 */
export async function* linesOf(input: Readable, signal: AbortSignal): AsyncGenerator<string, void, undefined> {
  const decoder = new StringDecoder("utf8");
  let text = "";
  let over = false;
  let wake = () => {};
  const rouse = () => wake();
  const end = () => {
    over = true;
    wake();
  };
  input.on("readable", rouse);
  for (const event of ENDS) input.on(event, end);
  signal.addEventListener("abort", rouse);
  if (input.readableEnded || input.destroyed) over = true;
  try {
    for (;;) {
      if (signal.aborted) return;
      let start = 0;
      for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", start)) {
        yield text.slice(start, text[at - 1] === "\r" ? at - 1 : at);
        if (signal.aborted) return;
        start = at + 1;
      }
      text = text.slice(start);
      if (text.length > MAX_LINE) {
        yield text;
        text = "";
      }
      const chunk: Buffer | string | null = input.read();
      if (chunk !== null) {
        text += typeof chunk === "string" ? chunk : decoder.write(chunk);
        continue;
      }
      if (over) {
        text += decoder.end();
        if (text !== "") yield text;
        return;
      }
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  } finally {
    signal.removeEventListener("abort", rouse);
    input.off("readable", rouse);
    for (const event of ENDS) input.off(event, end);
    // A pipe that nobody reads must not keep the process.
    if (input instanceof Socket) input.unref();
  }
}

const ENDS = ["end", "close", "error"] as const;
