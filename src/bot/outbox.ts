import { setImmediate } from "node:timers/promises";
import { sharedAbort } from "../core/abort.ts";
import { backoff } from "../core/backoff.ts";
import { type Clock, elapsedBy } from "../core/clock.ts";
import { deadline } from "../core/deadline.ts";
import { MicroError } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import { plainText } from "../core/plain-text.ts";
import { createRedactor } from "../core/redact.ts";
import type { Input, InputConnection, OutgoingMessage } from "../inputs/input.ts";
import { createGrowing } from "./growing.ts";
import { hushedMessage } from "./hush.ts";
import { createPace } from "./pace.ts";
import { inWords } from "./picture.ts";

/** Sends an input's answers: in order per room, again after a refusal for being too fast, over the next link if one is lost. */
export interface Outbox {
  /**
   * Resolves to whether it was said or refused for good; `false`: given up and logged. Never rejects. The last message of
   * something that grew comes after what was said of it before, and no sooner than a second after that.
   * @param onLost told why nobody will see it, be it refused or given up
   * @param still asked before each attempt: `false` when it is another's to say by now, then all is well without it
   */
  send(
    message: OutgoingMessage,
    onLost?: (why: string) => void,
    still?: (() => Promise<boolean>) | undefined,
  ): Promise<boolean>;
  /**
   * Says it at the pace that the network allows to what nobody waits for, once, over the link that there is then. For who knows what to
   * do when that fails. When the network asks to wait, that is done.
   * @param draw called when its turn has come; nothing is said when it gives nothing
   * @throws MicroError `unavailable` (there is no link), `exhausted` (too much waits), and what the network says
   */
  put(room: string, draw: () => OutgoingMessage | undefined, options: PutOptions): Promise<void>;
  /**
   * What is said under a key has changed. It is drawn when it is said: at most once a second, and when the network asks to
   * wait, so long after, in which time the room's other answers go on.
   */
  grow(key: string, draw: () => OutgoingMessage): void;
  /** The link to send over from now on; `undefined` while there is none. */
  use(connection: InputConnection | undefined): void;
  /** Gives up what still waits for a link. */
  close(): void;
}

export interface PutOptions {
  /** It tells of something new, which comes before what changes something known. */
  readonly fresh: boolean;
  readonly signal: AbortSignal;
  /** Told whenever its network asks to wait: until it is drawn again it was certainly not said. */
  readonly onWait?: () => void;
}

/**
 * @param giveUpMs how long an answer is worth saying @default 300000
 * @param redactor has the last look at whatever is said
 * @param limits how fast things that nobody waits for may be said
 */
export function createOutbox(
  clock: Clock,
  log: Log,
  giveUpMs = 300_000,
  redactor = createRedactor(),
  limits?: Input["pace"],
): Outbox {
  const pace = createPace(clock, limits);
  const safe = (message: OutgoingMessage) => {
    const said = hushedMessage(inert(message), redactor);
    // What could not be looked through is kept back, and a text under a picture's name is none.
    return message.file?.png !== undefined && said.file?.png === undefined ? inWords(said) : said;
  };
  const elapsed = elapsedBy(clock);
  const last = new Map<string, Promise<unknown>>();
  let live: InputConnection | undefined;
  const closing = sharedAbort();
  let arrived: (() => void)[] = [];
  const rouse = () => {
    const waiting = arrived;
    arrived = [];
    for (const wake of waiting) wake();
  };

  const linkBy = async (deadlineAt: number): Promise<InputConnection | undefined> => {
    while (live === undefined && !closing.signal.aborted && elapsed() < deadlineAt) {
      const enough = new AbortController();
      const link = new Promise<void>((resolve) => arrived.push(resolve));
      await Promise.race([link, clock.sleep(deadlineAt - elapsed(), { signal: enough.signal }).catch(() => {})]);
      enough.abort();
    }
    return live;
  };

  /** An input has limits of its own; this one holds even if it hangs. */
  const say = async (connection: InputConnection, message: OutgoingMessage): Promise<void> => {
    const { signal } = closing;
    using limit = deadline({ signal }, SEND_MS, "saying something");
    await limit.race(Promise.resolve(connection.send(message, { signal })));
  };

  const deliver = async (
    message: OutgoingMessage,
    deadlineAt: number,
    onLost: (why: string) => void,
    still: (() => Promise<boolean>) | undefined,
  ): Promise<boolean> => {
    if ((message.file?.text.length ?? 0) > LONG) await setImmediate();
    // One object for all attempts: by that an input knows that it may have said it already.
    let said = safe(message);
    let refused = false;
    for (let attempt = 0; ; attempt++) {
      const connection = await linkBy(deadlineAt);
      if (connection === undefined || closing.signal.aborted) {
        log.error({ room: message.place.room }, "an answer could not be sent: there is no link");
        onLost(NO_LINK);
        return false;
      }
      if (elapsed() > deadlineAt) {
        log.error({ room: message.place.room }, "an answer was not sent: too much was to be said there before it");
        onLost(TOO_MUCH);
        return false;
      }
      try {
        if (still && !(await still())) return true;
        await say(connection, said);
        return true;
      } catch (thrown) {
        if (closing.signal.aborted) continue;
        const error = MicroError.from(thrown);
        const wait = waitBefore(error, attempt);
        if (wait === undefined && said.file?.png !== undefined) {
          // Pictures may be forbidden where words are not.
          said = safe(inWords(message));
          continue;
        }
        if (error.code === "invalid_argument" && !refused) {
          // Its network will not have it as it is; silence would be worse than a word about that.
          refused = true;
          said = safe({
            place: message.place,
            parts: [{ kind: "text", text: `my answer was refused here: ${error.message}` }],
          });
          continue;
        }
        if (wait === undefined || elapsed() + wait > deadlineAt) {
          log.error(
            { room: message.place.room, code: error.code, reason: error.message },
            "an answer could not be sent",
          );
          onLost(error.message);
          return wait === undefined;
        }
        log.warn({ room: message.place.room, code: error.code, waitMs: wait }, "an answer waits to be sent again");
        await clock.sleep(wait, { signal: closing.signal }).catch(() => {});
      }
    }
  };

  /** Work of a room, after what was begun there before. */
  const inTurn = <T>(room: string, work: () => Promise<T>): Promise<T> => {
    const done = (last.get(room) ?? Promise.resolve()).then(work, work);
    last.set(room, done);
    return done.finally(() => {
      if (last.get(room) === done) last.delete(room);
    });
  };

  const growing = createGrowing(clock, closing.signal, (draw, attempt) => {
    const { room } = draw().place;
    return inTurn(room, async () => {
      // It is not waited for here, since others of the room would wait, too.
      if (live === undefined) return NO_LINK_MS;
      pace.spent(room);
      try {
        await say(live, safe(draw()));
        return 0;
      } catch (thrown) {
        const error = MicroError.from(thrown);
        log.warn({ room, code: error.code, reason: error.message }, "what a command shows waits to be sent again");
        return waitBefore(error, attempt);
      }
    });
  });

  return {
    send: async (message, onLost = () => {}, still) => {
      // From now and not from its turn on: where more is asked than can be said, answers would wait longer and longer.
      const deadlineAt = elapsed() + giveUpMs;
      if (message.progress?.last) await growing.end(message.progress.key);
      return inTurn(message.place.room, () => deliver(message, deadlineAt, onLost, still));
    },
    put: async (room, draw, { fresh, signal, onWait }) => {
      for (;;) {
        await pace.turn(room, fresh, signal);
        try {
          return await inTurn(room, async () => {
            signal.throwIfAborted();
            if (live === undefined || closing.signal.aborted) throw unsaid();
            const message = draw();
            if (message !== undefined) await say(live, safe(message));
          });
        } catch (thrown) {
          const error = MicroError.from(thrown);
          if (error.code !== "exhausted") throw error;
          log.warn({ room, reason: error.message }, "what the bot says by itself waits to be said again");
          pace.hold(room, waitBefore(error, 0) ?? 1000);
          onWait?.();
        }
      }
    },
    grow: growing.grow,
    use: (connection) => {
      live = connection;
      if (connection) rouse();
    },
    close: () => {
      closing.abort();
      pace.close(unsaid());
      rouse();
    },
  };
}

/** Without what moves a cursor or turns the direction of writing around, on whatever screen it ends up. */
function inert(message: OutgoingMessage): OutgoingMessage {
  const { parts, file, choices } = message;
  return {
    ...message,
    parts: parts.map((part) => ({ ...part, text: plainText(part.text) })),
    ...(file && { file: { ...file, name: plainText(file.name), text: plainText(file.text) } }),
    ...(choices && { choices: choices.map((choice) => ({ ...choice, label: plainText(choice.label) })) }),
  };
}

/** Characters of a file that take a while to go through: others work before. */
const LONG = 65_536;
const NO_LINK_MS = 1000;
const NO_LINK = "there was no link to its network";

function unsaid(): MicroError {
  return new MicroError("unavailable", NO_LINK, { details: { unsaid: true } });
}

const TOO_MUCH = "too much was to be said in its room before it";

/** Longer than any input's own limit, files included. */
const SEND_MS = 90_000;

/** Milliseconds to wait before the next attempt; `undefined` when it would only fail again. */
function waitBefore(error: MicroError, attempt: number): number | undefined {
  if (error.code === "exhausted") {
    const asked = Number(error.details["retryAfterMs"] ?? 1000);
    return Math.min(Math.max(asked, 100), 120_000);
  }
  return error.code === "unavailable" || error.code === "timeout" ? backoff(attempt, 250, 10_000) : undefined;
}
