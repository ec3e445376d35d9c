import type { Clock } from "../../core/clock.ts";
import { MicroError } from "../../core/errors.ts";
import { type CallOptions, closable } from "../../core/lifecycle.ts";
import type { Log } from "../../core/log.ts";
import { createQueue } from "../../core/queue.ts";
import type { IncomingMessage, InputConnection } from "../input.ts";
import { type Envelope, heard } from "./envelope.ts";
import { linkError } from "./errors.ts";
import type { Self, Spoken } from "./message.ts";
import { type Person, slackPeople } from "./people.ts";
import { type Growing, post } from "./post.ts";
import { lost, openSocket, type Socket, type SocketInit } from "./socket.ts";
import type { Web } from "./web.ts";

/** A message on its way to the bot, and how to tell Slack that it was taken. */
interface Heard {
  readonly message: Spoken;
  /** Asked for when the event came, so that the room does not wait for one look-up after another. */
  readonly person: Promise<Person>;
  acknowledge(): void;
}

/** How many messages wait for the bot. Slack sends again what did not fit, since it was not acknowledged. */
const WAITING = 1000;

/** Slack may ask us to move to a new socket, but one that does so at once is broken, and the bot's back-off applies. */
const MIN_AGE_MS = 1000;

/**
 * A link to Slack that moves to another socket when Slack asks for it, and nothing else: what breaks is the end.
 *
 * @throws MicroError `unauthenticated`, `unavailable`, `timeout`, `cancelled`
 */
export async function slackConnection(
  parts: {
    readonly web: Web;
    readonly self: Self;
    readonly growing: Growing;
    readonly clock: Clock;
    readonly log: Log;
  },
  init: SocketInit,
  options: CallOptions,
): Promise<InputConnection> {
  const { web, self, growing, clock, log } = parts;
  const queue = createQueue<Heard>(WAITING);
  const closing = new AbortController();
  const people = slackPeople({
    self,
    clock,
    log,
    lookUp: (user) =>
      web.call("users.info", async (slack) => (await slack.users.info({ user })).user ?? {}, { timeoutMs: 2000 }),
  });

  const onEnvelope = (envelope: Envelope) => {
    const acknowledge = () => {
      // A dead socket is noticed elsewhere; Slack sends the event again and the bot knows its id.
      envelope.ack().catch((error: Error) => log.debug({ reason: error.message }, "slack: an ack was not sent"));
    };
    const message = heard(envelope, self);
    if (message === undefined) acknowledge();
    else queue.push({ message, person: people.who(message), acknowledge });
  };

  async function* messages(): AsyncGenerator<IncomingMessage> {
    for await (const { message, person, acknowledge } of queue) {
      const { bot, ...from } = await person;
      if (closing.signal.aborted) return;
      const { team: _team, user: _user, ...rest } = message;
      if (!bot) yield { ...rest, from };
      if (!closing.signal.aborted) acknowledge();
    }
  }

  let socket: Socket = await openSocket(web, init, onEnvelope, options);
  const follow = async () => {
    try {
      while (!closing.signal.aborted) {
        const since = clock.now();
        const reason = await socket.over;
        const asked = reason === "warning" || reason === "refresh_requested";
        if (!asked || clock.now() - since < MIN_AGE_MS) throw lost(reason);
        const old = socket;
        socket = await openSocket(web, init, onEnvelope, { signal: closing.signal });
        await old.close();
      }
    } catch (error) {
      queue.end(linkError(MicroError.from(error)));
    } finally {
      await socket.close();
    }
  };
  const following = follow();

  return {
    [Symbol.asyncIterator]: messages,
    send: (message, options) => post(web, growing, message, options),
    ...closable(async () => {
      closing.abort();
      queue.end();
      await Promise.all([web.close(), socket.close()]);
      await following;
    }),
  };
}
