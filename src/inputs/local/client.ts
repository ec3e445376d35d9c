import { mkdir, rmdir } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { basename, dirname, join } from "node:path";
import { deadline, orAbort } from "../../core/deadline.ts";
import { ERROR_CODES, type ErrorCode, MicroError } from "../../core/errors.ts";
import { type CallOptions, type Closable, closable } from "../../core/lifecycle.ts";
import { createQueue } from "../../core/queue.ts";
import { checkPath, proofFolder } from "./door.ts";
import { hold } from "./held.ts";
import { socketLines } from "./lines.ts";
import { ANSWER_LINE, type BotAnswer, type FromBot, readBot, SAID_LINE, VERSION, written } from "./protocol.ts";

/** A talk with a running bot, from the side of who talks. */
export interface Talk extends Closable {
  /** Who we are, as the bot has found out. */
  readonly user: string;
  /** What the bot says. Ends when all is said after `end()`. @throws MicroError what the bot hangs up with; `unavailable` */
  readonly answers: AsyncIterable<BotAnswer>;
  /** @returns the number that the answers to it carry @throws MicroError `invalid_argument` for a line that is too long */
  say(text: string): number;
  /** What may stand in place of the line's last word; nothing when the bot does not say so within 3 s. Never rejects. */
  complete(line: string): Promise<readonly string[]>;
  /** There is nothing more to say. */
  end(): void;
}

/** The bot itself takes 2 s at most for words that may follow (`session.ts`). */
const COMPLETE_MS = 3000;

/**
 * Comes to the bot that listens at a path, and proves who we are by a directory that the kernel writes our name on.
 * @param options `completeMs`: how long `complete` waits, default 3000
 * @throws MicroError `unavailable` (no bot there, or none that answers), `permission_denied` (we may not go there),
 * whatever the bot refuses us with
 */
export async function openTalk(
  path: string,
  options: CallOptions & { readonly completeMs?: number } = {},
): Promise<Talk> {
  const { completeMs = COMPLETE_MS } = options;
  checkPath(path);
  using limit = deadline(options, 20_000, `the bot at ${path}`);
  await using folder = await hold(dirname(path), false).catch((error) => {
    throw reason(error, path);
  });
  const socket = await orAbort(reach(join(folder.path, basename(path)), path), limit.signal);
  try {
    const lines = socketLines(socket, () => ANSWER_LINE);
    const expected = async <T extends FromBot["type"]>(type: T): Promise<Extract<FromBot, { type: T }>> => {
      const { done, value } = await orAbort(lines.next(), limit.signal);
      const message = done ? undefined : understood(value);
      if (message?.type === "refused") throw refusal(message);
      if (message?.type === type) return message as Extract<FromBot, { type: T }>;
      throw new MicroError("unavailable", done ? hungUp(path) : `what listens at ${path} is no bot`);
    };
    socket.write(written({ type: "hello", version: VERSION }));
    const { name } = await expected("prove");
    await using proofs = await hold(join(folder.path, basename(proofFolder(path))), true);
    const proof = join(proofs.path, name);
    await mkdir(proof, 0o700).catch((error) => {
      throw reason(error, path);
    });
    try {
      socket.write(written({ type: "proved" }));
      const { user } = await expected("welcome");
      return talk(socket, lines, user, path, completeMs);
    } finally {
      // The bot does it, unless it has died.
      await rmdir(proof).catch(() => {});
    }
  } catch (error) {
    socket.destroy();
    throw reason(error, path);
  }
}

function talk(socket: Socket, lines: AsyncIterable<string>, user: string, path: string, completeMs: number): Talk {
  const answers = createQueue<BotAnswer>();
  const offers = new Map<number, (words: readonly string[]) => void>();
  const unanswered = new Set<number>();
  let count = 0;
  let ended = false;
  let closed = false;
  const next = () => {
    count += 1;
    return count;
  };
  const read = async () => {
    for await (const line of lines) {
      const message = readBot(line);
      if (message?.type === "refused") throw refusal(message);
      if (message?.type === "answer") {
        if (message.last) unanswered.delete(message.to);
        answers.push(message);
      }
      if (message?.type === "completed") offers.get(message.id)?.(message.words);
    }
    if (!ended || unanswered.size > 0) throw new MicroError("unavailable", hungUp(path));
  };
  void read()
    .then(
      () => answers.end(),
      (error) => answers.end(closed ? undefined : reason(error, path)),
    )
    .then(() => {
      socket.destroy();
      for (const done of offers.values()) done([]);
    });
  return {
    user,
    answers,
    say: (text) => {
      const id = next();
      const line = written({ type: "say", id, text });
      if (Buffer.byteLength(line) > SAID_LINE) {
        throw new MicroError("invalid_argument", `a line may be ${SAID_LINE} bytes long, and this one is longer`);
      }
      unanswered.add(id);
      socket.write(line);
      return id;
    },
    complete: (line) => {
      const id = next();
      return new Promise<readonly string[]>((resolve) => {
        if (!socket.writable) return resolve([]);
        const done = (words: readonly string[]) => {
          clearTimeout(late);
          offers.delete(id);
          resolve(words);
        };
        // A bot that hangs must not hold up who types.
        const late = setTimeout(() => done([]), completeMs);
        offers.set(id, done);
        socket.write(written({ type: "complete", id, line: line.slice(-10_000) }));
      });
    },
    end: () => {
      ended = true;
      socket.end();
    },
    ...closable(() => {
      closed = true;
      socket.destroy();
    }),
  };
}

function reach(path: string, named: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ path, allowHalfOpen: true });
    socket.once("connect", () => resolve(socket));
    socket.once("error", (error) => reject(reason(error, named)));
    socket.on("error", () => socket.destroy());
  });
}

/** What does not speak like a bot is none. */
function understood(line: string): FromBot | undefined {
  try {
    return readBot(line);
  } catch {
    return undefined;
  }
}

function refusal({ code, message }: Extract<FromBot, { type: "refused" }>): MicroError {
  return new MicroError(Object.hasOwn(ERROR_CODES, code) ? (code as ErrorCode) : "unavailable", message);
}

function hungUp(path: string): string {
  return `the bot at ${path} has hung up; its log may say why`;
}

/** What to do about a bot that cannot be reached. */
function reason(thrown: unknown, path: string): MicroError {
  if (thrown instanceof MicroError) return thrown;
  const { code, message } = thrown as NodeJS.ErrnoException;
  const say = (kind: ErrorCode, words: string) => new MicroError(kind, words, { cause: thrown });
  if (code === "ENOENT" || code === "ENOTDIR") {
    return say(
      "unavailable",
      `no bot listens at ${path}; name the --state_dir or --chat_socket that it was started with`,
    );
  }
  if (code === "ECONNREFUSED") return say("unavailable", `the bot that listened at ${path} is gone; start it again`);
  if (code === "EACCES" || code === "EPERM") {
    return say(
      "permission_denied",
      `you may not talk to the bot at ${path}; become the user that it runs as (sudo -u), or let it listen where you may go (--chat_socket)`,
    );
  }
  if (code === "ECONNRESET" || code === "EPIPE") return say("unavailable", hungUp(path));
  return say("unavailable", `cannot talk to the bot at ${path}: ${message}`);
}
