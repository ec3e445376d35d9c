import type { Clock } from "../../core/clock.ts";
import { MicroError } from "../../core/errors.ts";
import { closable } from "../../core/lifecycle.ts";
import type { Arrivals, OpenArrivals } from "./arrivals.ts";
import { linkError } from "./errors.ts";
import { lost, openSocket, type Socket, type SocketEnvelope, type SocketInit } from "./socket.ts";
import type { Web } from "./web.ts";

/** Slack may ask us to move to a new socket, but one that does so at once is broken, and the bot's back-off applies. */
const MIN_AGE_MS = 1000;

/**
 * After this long, whoever typed a slash command or pressed something reads that it failed (`chat.md §3`: an ack within
 * 3 s), and tries again; so what the bot did not get to by then must not happen.
 */
const LATE_MS = 2500;

/** A socket that makes place for another when Slack asks for it, and nothing else: what breaks is the end. */
export function sockets(web: Web, init: SocketInit, clock: Clock): OpenArrivals {
  return async (onEnvelope, options): Promise<Arrivals> => {
    const closing = new AbortController();
    const take = ({ type, body, ack, retry_num: attempt = 0 }: SocketEnvelope) => {
      const since = clock.now();
      onEnvelope({ type, body, ack, attempt, begin: () => type === "events_api" || clock.now() - since < LATE_MS });
    };
    let socket: Socket = await openSocket(web, init, take, options);
    const follow = async (): Promise<MicroError | undefined> => {
      try {
        while (!closing.signal.aborted) {
          const since = clock.now();
          const reason = await socket.over;
          const asked = reason === "warning" || reason === "refresh_requested";
          if (!asked || clock.now() - since < MIN_AGE_MS) throw lost(reason);
          const old = socket;
          socket = await openSocket(web, init, take, { signal: closing.signal });
          await old.close();
        }
        return undefined;
      } catch (error) {
        return closing.signal.aborted ? undefined : linkError(MicroError.from(error));
      } finally {
        await socket.close();
      }
    };
    const over = follow();
    return {
      over,
      ...closable(async () => {
        closing.abort();
        await socket.close();
        await over;
      }),
    };
  };
}
