import type { ServerResponse } from "node:http";
import type { Clock } from "../../core/clock.ts";
import { MicroError } from "../../core/errors.ts";
import type { Arrived } from "./arrivals.ts";

/** Requests that wait until the bot has what they tell. */
export interface Held {
  /** @param since when the request came, epoch ms */
  envelope(response: ServerResponse, since: number, what: Pick<Arrived, "type" | "body" | "attempt">): Arrived;
  /** Nobody is going to take what still waits. */
  close(): void;
}

/**
 * A request is answered 200 when its envelope is acknowledged, which is when the bot has asked for the next message and so
 * has this one in its journal. Slack waits 3 s (`chat.md §3`). Where the bot is so far behind that it has not asked by
 * `answerMs`:
 *
 * - An event is answered 503, and Slack sends it again, at once, after a minute and after five. It stays where it is in our
 *   queue all the same, because what comes twice is one message by its id, while the last of Slack's copies may be
 *   refused like the first. To say 200 would be to promise what a crash could break.
 * - A slash command or a press is never sent again, and who made it reads that it failed. So what the bot has been given
 *   by then is answered 200, because it is about to happen, and what still waits is answered 503 and never happens: people
 *   try again what failed.
 */
export function createHeld(clock: Clock, answerMs: number): Held {
  const open = new Set<(status: number) => void>();

  return {
    envelope: (response, since, { type, body, attempt }) => {
      const over = new AbortController();
      const isEvent = type === "events_api";
      let begun = false;
      const end = () => {
        over.abort();
        open.delete(answer);
      };
      const answer = (status: number, words?: object) => {
        end();
        if (words === undefined) reply(response, status, status === 200 ? {} : { connection: "close" });
        else reply(response, status, { "content-type": "application/json" }, JSON.stringify(words));
      };
      open.add(answer);
      response.once("close", end); // answered, or Slack has hung up
      clock
        .sleep(Math.max(0, since + answerMs - clock.now()), { signal: over.signal })
        .then(() => answer(begun && !isEvent ? 200 : 503))
        .catch(() => {}); // answered in time
      return {
        type,
        body,
        attempt,
        begin: () => {
          begun = isEvent || !over.signal.aborted;
          return begun;
        },
        ack: async (words) => {
          if (over.signal.aborted) throw new MicroError("unavailable", "slack: the request was answered already");
          answer(200, words);
        },
      };
    },
    close: () => {
      for (const answer of [...open]) answer(503);
    },
  };
}

/** The whole of an answer. */
export function reply(
  response: ServerResponse,
  status: number,
  headers: Readonly<Record<string, string>> = {},
  body = "",
): void {
  response
    .writeHead(status, { "content-length": Buffer.byteLength(body), "x-content-type-options": "nosniff", ...headers })
    .end(body);
}
