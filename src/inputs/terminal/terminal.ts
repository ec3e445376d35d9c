import { randomBytes } from "node:crypto";
import type { Readable, Writable } from "node:stream";
import { type Clock, systemClock } from "../../core/clock.ts";
import { deadline, orAbort } from "../../core/deadline.ts";
import { MicroError } from "../../core/errors.ts";
import { closable } from "../../core/lifecycle.ts";
import { plainText } from "../../core/plain-text.ts";
import type { IncomingMessage, Input, OutgoingMessage } from "../input.ts";
import { linesOf } from "./lines.ts";
import { type Complete, createPrompt } from "./prompt.ts";

export interface TerminalInit {
  readonly input: Readable & { readonly isTTY?: boolean };
  readonly output: Writable & { readonly isTTY?: boolean };
  /** Who sits there: the name that the operating system knows. */
  readonly user: string;
  /** What may stand in place of a line's last word. */
  readonly complete?: Complete | undefined;
  /** Where typed lines are kept for the next session; nowhere when left out. */
  readonly historyFile?: string | undefined;
}

/** Typed lines, or what brings them out of a pipe, and how to write above whatever is being typed. */
export interface Screen {
  readonly lines: AsyncIterable<string>;
  write(text: string): void;
  close(): void;
}

/**
 * Whoever sits at this machine. Two terminals make a chat with history and completion; with a pipe on either side it is
 * lines in, plain answers out, until the pipe ends.
 */
export function terminalInput(init: TerminalInit): (parts?: { readonly clock?: Clock }) => Input {
  const { input, output, user } = init;
  const interactive = input.isTTY === true && output.isTTY === true;
  return ({ clock = systemClock } = {}) => ({
    name: "terminal",
    // A terminal scrolls, and who reads a pipe wants all of it.
    limits: { textLength: 4_000_000, files: false, edits: false, buttons: false, pictures: false },
    replays: false,
    hides: true,
    everyLine: true,
    // There is one room, whatever it is called.
    placeIn: () => ({ room: "terminal" }),
    connect: async (options = {}) => {
      if (options.signal?.aborted) throw new MicroError("cancelled", "terminal: cancelled while connecting");
      const closing = new AbortController();
      const broken = () => closing.abort();
      output.on("error", broken);
      output.on("close", broken);
      const screen = interactive ? createPrompt(init, closing.signal) : pipe(init, closing.signal);
      const session = randomBytes(4).toString("hex");
      let count = 0;
      const message = (text: string): IncomingMessage => ({
        id: `${session}-${++count}`,
        from: { id: user, name: user, guest: false },
        place: { room: "terminal" },
        text,
        addressed: true,
        sentAt: clock.now(),
      });
      return {
        async *[Symbol.asyncIterator]() {
          if (closing.signal.aborted) return;
          for await (const line of screen.lines) if (line.trim() !== "") yield message(line);
        },
        send: async (outgoing, options = {}) => {
          using limit = deadline(options, 15_000, "terminal: writing");
          const gone = new MicroError("unavailable", "terminal: it is closed");
          while (output.writableNeedDrain && !closing.signal.aborted) {
            await orAbort(drained(output, closing.signal), limit.signal);
          }
          limit.check();
          if (closing.signal.aborted || output.destroyed) throw gone;
          screen.write(drawn(outgoing));
        },
        ...closable(() => {
          closing.abort();
          screen.close();
          output.off("error", broken);
          output.off("close", broken);
        }),
      };
    },
  });
}

function pipe({ input, output }: TerminalInit, closing: AbortSignal): Screen {
  return { lines: linesOf(input, closing), write: (text) => void output.write(text), close: () => {} };
}

function drawn({ parts }: OutgoingMessage): string {
  return parts.map(({ text }) => `${plainText(text).replace(/\n$/, "")}\n`).join("");
}

/** Resolves when there is room again, or nobody to have it. */
function drained(output: Writable, closing: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      output.off("drain", done);
      closing.removeEventListener("abort", done);
      resolve();
    };
    output.on("drain", done);
    closing.addEventListener("abort", done);
  });
}
