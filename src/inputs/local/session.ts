import { randomBytes } from "node:crypto";
import { once } from "node:events";
import type { Socket } from "node:net";
import type { Clock } from "../../core/clock.ts";
import { deadline, orAbort } from "../../core/deadline.ts";
import { MicroError } from "../../core/errors.ts";
import type { OutgoingMessage } from "../input.ts";
import { socketLines } from "./lines.ts";
import type { Proofs } from "./proof.ts";
import { type FromBot, type FromChat, HANDSHAKE_LINE, readChat, SAID_LINE, VERSION, written } from "./protocol.ts";

/** How many lines of one session may be without an answer; then no more are read. */
const UNANSWERED = 100;

/** How long an offer for a word may take: who types has gone on by then. */
const COMPLETE_MS = 2000;

/** One `micro chat`, as the bot sees it, from the first byte to the last. */
export interface Session {
  /** Names it among all sessions there ever were. */
  readonly id: string;
  /** Resolves when there is room for the answer and it was written, or there is nobody to have it any more: `false`. */
  answer(to: number, message: OutgoingMessage, signal: AbortSignal): Promise<boolean>;
  /** Hangs up, with a word about it. */
  end(error: MicroError): void;
  /** Hangs up without a word: who is there does not read. */
  cut(): void;
}

/** What a session tells whoever has it. */
export interface Ears {
  /** @returns the name to be known by @throws MicroError `exhausted` when there is no room for this user */
  admit(session: Session, uid: number): Promise<string>;
  said(session: Session, id: number, text: string): void;
  complete(line: string): Promise<readonly string[]>;
}

export interface SessionInit {
  readonly socket: Socket;
  readonly proofs: Proofs;
  readonly clock: Clock;
  /** How long who comes may take to prove who they are. */
  readonly handshakeMs: number;
}

/** Serves one connection until it is over. Never rejects. */
export async function serve(init: SessionInit, ears: Ears): Promise<void> {
  const { socket, clock, proofs } = init;
  const over = new AbortController();
  const unanswered = new Set<number>();
  let wake = () => {};
  let known = false;
  const write = (message: FromBot) => void (socket.writable && socket.write(written(message)));
  socket.on("error", () => socket.destroy());
  socket.on("close", () => {
    over.abort();
    wake();
  });

  const session: Session = {
    id: randomBytes(6).toString("hex"),
    answer: async (to, { parts, progress, failed = false }, signal) => {
      while (socket.writableNeedDrain && !over.signal.aborted) await roomIn(socket, signal);
      if (!socket.writable) return false;
      const last = progress?.last !== false;
      if (last) unanswered.delete(to);
      wake();
      // Only what the kernel has taken was said to somebody: a socket that nobody has any more fails here.
      return orAbort(taken(socket, { type: "answer", to, parts: [...parts], last, failed }), signal);
    },
    end: (error) => {
      write({ type: "refused", code: error.code, message: error.message });
      socket.end();
      // Who does not read what was said last does not hold us up.
      const gone = clock.sleep(1000, { signal: over.signal }).catch(() => {});
      void gone.then(() => socket.destroy());
    },
    cut: () => socket.destroy(),
  };

  const lines = socketLines(socket, () => (known ? SAID_LINE : HANDSHAKE_LINE));
  const expected = async <T extends FromChat["type"]>(type: T): Promise<Extract<FromChat, { type: T }>> => {
    const { done, value } = await lines.next();
    const message = done ? undefined : readChat(value);
    if (message?.type === type) return message as Extract<FromChat, { type: T }>;
    throw new MicroError("invalid_argument", "that is not how `micro chat` begins");
  };
  const meet = async (): Promise<void> => {
    const { version } = await expected("hello");
    if (version !== VERSION) {
      throw new MicroError(
        "unimplemented",
        `this bot speaks version ${VERSION} of the language of \`micro chat\`, and you another; take the \`micro\` that it runs`,
      );
    }
    const name = proofs.ask();
    try {
      write({ type: "prove", name });
      await expected("proved");
      const uid = await proofs.check(name);
      const user = await ears.admit(session, uid);
      known = true;
      write({ type: "welcome", user });
    } finally {
      proofs.forget(name);
    }
  };
  const listen = async (): Promise<void> => {
    for await (const line of lines) {
      const message = readChat(line);
      if (message?.type === "say" && message.text.trim() !== "") {
        unanswered.add(message.id);
        ears.said(session, message.id, message.text);
        await answered(UNANSWERED);
      } else if (message?.type === "complete") {
        const words = await offered(message.line, over.signal, ears);
        while (socket.writableNeedDrain && !over.signal.aborted) await roomIn(socket, over.signal).catch(() => {});
        write({ type: "completed", id: message.id, words: [...words] });
      }
    }
  };
  /** Fewer than so many lines wait for their answers, or nobody does. */
  const answered = async (fewer: number): Promise<void> => {
    while (unanswered.size >= fewer && !over.signal.aborted) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  };

  const inTime = clock.sleep(init.handshakeMs, { signal: over.signal }).catch(() => {});
  void inTime.then(() => known || socket.destroy());
  try {
    await meet();
    await listen();
    await answered(1);
    socket.end();
  } catch (thrown) {
    session.end(MicroError.from(thrown));
  }
  if (!socket.closed) await once(socket, "close").catch(() => {});
  over.abort();
}

async function offered(line: string, gone: AbortSignal, ears: Ears): Promise<readonly string[]> {
  using limit = deadline({ signal: gone }, COMPLETE_MS, "completing a line");
  try {
    const words = await orAbort(ears.complete(line), limit.signal);
    return words.slice(0, 1000).map((word) => word.slice(0, 1000));
  } catch {
    return [];
  }
}

function taken(socket: Socket, message: FromBot): Promise<boolean> {
  return new Promise((resolve) => {
    socket.write(written(message), (error) => resolve(error === undefined || error === null));
  });
}

/** Resolves when a socket has room again, or is closed. @throws MicroError the signal's reason */
async function roomIn(socket: Socket, signal: AbortSignal): Promise<void> {
  const listening = new AbortController();
  const either = ["drain", "close"].map((event) => once(socket, event, { signal: listening.signal }));
  try {
    await orAbort(Promise.race(either), signal);
  } finally {
    listening.abort();
    for (const waiting of either) waiting.catch(() => {});
  }
}
