import type { Clock } from "../core/clock.ts";
import { MicroError } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import type { InputConnection, OutgoingMessage } from "../inputs/input.ts";

/** Sends an input's answers: in order per room, again after a refusal for being too fast, over the next link if one is lost. */
export interface Outbox {
  /** Resolves to whether it was said or refused for good; `false`: given up and logged. Never rejects. */
  send(message: OutgoingMessage): Promise<boolean>;
  /** The link to send over from now on; `undefined` while there is none. */
  use(connection: InputConnection | undefined): void;
  /** Gives up what still waits for a link. */
  close(): void;
}

/** @param giveUpMs how long an answer is worth saying @default 300000 */
export function createOutbox(clock: Clock, log: Log, giveUpMs = 300_000): Outbox {
  const last = new Map<string, Promise<boolean>>();
  let live: InputConnection | undefined;
  const closing = new AbortController();
  let arrived: (() => void)[] = [];
  const rouse = () => {
    const waiting = arrived;
    arrived = [];
    for (const wake of waiting) wake();
  };

  const linkBy = async (deadlineAt: number): Promise<InputConnection | undefined> => {
    while (live === undefined && !closing.signal.aborted && clock.now() < deadlineAt) {
      const enough = new AbortController();
      const link = new Promise<void>((resolve) => arrived.push(resolve));
      await Promise.race([link, clock.sleep(deadlineAt - clock.now(), { signal: enough.signal }).catch(() => {})]);
      enough.abort();
    }
    return live;
  };

  const deliver = async (message: OutgoingMessage): Promise<boolean> => {
    const deadlineAt = clock.now() + giveUpMs;
    let said = message;
    let refused = false;
    for (let attempt = 0; ; attempt++) {
      const connection = await linkBy(deadlineAt);
      if (connection === undefined || closing.signal.aborted) {
        log.error({ room: message.place.room }, "an answer could not be sent: there is no link");
        return false;
      }
      try {
        await connection.send(said);
        return true;
      } catch (thrown) {
        const error = MicroError.from(thrown);
        const wait = waitBefore(error, attempt);
        if (error.code === "invalid_argument" && !refused) {
          // Its network will not have it as it is; silence would be worse than a word about that.
          refused = true;
          said = {
            place: message.place,
            parts: [{ kind: "text", text: `my answer was refused here: ${error.message}` }],
          };
          continue;
        }
        if (wait === undefined || clock.now() + wait > deadlineAt) {
          log.error(
            { room: message.place.room, code: error.code, reason: error.message },
            "an answer could not be sent",
          );
          return wait === undefined;
        }
        log.warn({ room: message.place.room, code: error.code, waitMs: wait }, "an answer waits to be sent again");
        await clock.sleep(wait, { signal: closing.signal }).catch(() => {});
      }
    }
  };

  return {
    send: (message) => {
      const room = message.place.room;
      const sent = (last.get(room) ?? Promise.resolve(true)).then(() => deliver(message));
      last.set(room, sent);
      return sent.finally(() => {
        if (last.get(room) === sent) last.delete(room);
      });
    },
    use: (connection) => {
      live = connection;
      if (connection) rouse();
    },
    close: () => {
      closing.abort();
      rouse();
    },
  };
}

/** Milliseconds to wait before the next attempt; `undefined` when it would only fail again. */
function waitBefore(error: MicroError, attempt: number): number | undefined {
  if (error.code === "exhausted") {
    const asked = Number(error.details["retryAfterMs"] ?? 1000);
    return Math.min(Math.max(asked, 100), 120_000);
  }
  return error.code === "unavailable" || error.code === "timeout" ? Math.min(250 * 2 ** attempt, 10_000) : undefined;
}
