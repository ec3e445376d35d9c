import type { Clock } from "../../core/clock.ts";
import { MicroError } from "../../core/errors.ts";
import { type CallOptions, closable } from "../../core/lifecycle.ts";
import type { Log } from "../../core/log.ts";
import { createQueue } from "../../core/queue.ts";
import type { ConnectOptions, IncomingMessage, InputConnection } from "../input.ts";
import type { Arrived, OpenArrivals } from "./arrivals.ts";
import { heard } from "./envelope.ts";
import { slackMarks } from "./marks.ts";
import type { Spoken } from "./message.ts";
import type { Pace } from "./pace.ts";
import type { Person } from "./people.ts";
import { type Growing, post } from "./post.ts";
import type { Workspaces } from "./workspaces.ts";

/** A message on its way to the bot, and how to tell Slack that it was taken. */
interface Heard {
  readonly message: Spoken;
  /** Asked for when the event came, so that the room does not wait for one look-up after another. */
  readonly person: Promise<Person>;
  /** It, and the copies of it that came while it waited. */
  readonly envelopes: Arrived[];
}

/** How many messages wait for the bot. */
const WAITING = 10_000;

const TOO_MUCH = {
  response_type: "ephemeral",
  text: "I did not take this, because too much was said to me at once: nothing was done. Say it again in a moment.",
};

/** For who typed a slash command in a workspace that is not served; everybody else is not waiting for a word. */
const NOT_SERVED = {
  response_type: "ephemeral",
  text: "This bot does not serve this workspace. Whoever runs it can add the workspace's token.",
};

/**
 * What comes in, one message after the other, and what goes out.
 *
 * @throws MicroError `unauthenticated`, `unavailable`, `timeout`, `cancelled`
 */
export async function slackConnection(
  parts: {
    readonly workspaces: Workspaces;
    readonly growing: Growing;
    readonly pace: Pace;
    readonly clock: Clock;
    readonly log: Log;
  },
  open: OpenArrivals,
  options: ConnectOptions & { readonly signal: AbortSignal },
): Promise<InputConnection> {
  const { workspaces, growing, pace, clock, log } = parts;
  const marks = slackMarks(log);
  const { heeds = () => true, onUntaken } = options;
  const queue = createQueue<Heard>(WAITING);
  const waiting = new Map<string, Heard>();
  const closing = new AbortController();

  const acknowledge = (envelope: Arrived, answer?: object) => {
    // A way that is gone is noticed elsewhere; Slack sends the event again and the bot knows its id.
    envelope.ack(answer).catch((error: Error) => log.debug({ reason: error.message }, "slack: an ack was not sent"));
  };

  const onEnvelope = (envelope: Arrived) => {
    const workspace = workspaces.of(envelope);
    if (workspace === undefined) {
      log.warn({ type: envelope.type }, "slack: refused what came from a workspace without a token");
      acknowledge(envelope, envelope.type === "slash_commands" ? NOT_SERVED : undefined);
      return;
    }
    const message = heard(envelope, workspace.self, clock.now());
    if (message === undefined || !heeds(message)) return acknowledge(envelope);
    const copied = waiting.get(message.id);
    if (copied !== undefined) copied.envelopes.push(envelope);
    else if (queue.size < WAITING) {
      const one = { message, person: workspace.people.who(message), envelopes: [envelope] };
      if (queue.push(one)) waiting.set(message.id, one);
    } else refuse(message, envelope);
  };

  /**
   * What is not acknowledged comes again: at once, and then when it is too old to be carried out. So who is refused twice is told, and
   * it must not come a third time, as they may have said it anew by then.
   */
  const refuse = (message: Spoken, envelope: Arrived) => {
    const { type, attempt } = envelope;
    log.debug({ id: message.id, type, attempt }, "slack: too much at once, a message was not taken");
    if (type === "slash_commands") acknowledge(envelope, TOO_MUCH);
    // Whoever pressed something reads from Slack that it failed.
    if (type !== "events_api" || attempt === 0) return;
    acknowledge(envelope);
    onUntaken?.(message);
  };

  async function* messages(): AsyncGenerator<IncomingMessage> {
    for await (const { message, person, envelopes } of queue) {
      waiting.delete(message.id);
      const { bot, ...from } = await person;
      if (closing.signal.aborted) return;
      const { team: _team, user: _user, ...rest } = message;
      const late = !envelopes.some((envelope) => envelope.begin());
      if (late) log.warn({ id: message.id }, "slack: did not do what Slack had given up waiting for");
      if (!bot && !late) yield { ...rest, from };
      if (closing.signal.aborted) return;
      for (const envelope of envelopes) acknowledge(envelope);
    }
  }

  const arrivals = await open(onEnvelope, options);
  let lose: (error: MicroError) => void = () => {};
  const lost = new Promise<MicroError>((resolve) => {
    lose = resolve;
  });
  const over = arrivals.over.then((error) => {
    waiting.clear();
    if (error === undefined) return queue.end();
    // Slack gives what waits to the next link, or to another replica.
    queue.fail(error);
    lose(error);
  });

  const connected = () => {
    if (closing.signal.aborted) throw new MicroError("unavailable", "slack: the connection is closed");
  };

  const inPace = async (channel: string, { signal }: CallOptions = {}) => {
    const waitMs = pace.turn(channel);
    if (waitMs === 0) return;
    // Not for every message: on Node 20 the longer-lived signal keeps something of each that was made of it.
    const either = signal === undefined ? closing.signal : AbortSignal.any([closing.signal, signal]);
    await clock.sleep(waitMs, { signal: either }).catch((error: unknown) => {
      connected();
      throw error;
    });
  };

  return {
    [Symbol.asyncIterator]: messages,
    lost,
    send: async (message, options?: CallOptions) => {
      connected();
      const { web } = workspaces.at(message.place);
      const { channel = "" } = message.place;
      await inPace(channel, options);
      try {
        await post(web, growing, message, options);
      } catch (error) {
        if (MicroError.from(error).code === "exhausted") pace.slower(channel);
        throw error;
      }
    },
    mark: async (place, mark, options?: CallOptions) => {
      connected();
      await marks.put(workspaces.at(place).web, place, mark, options);
    },
    standing: async (id, place) => {
      connected();
      return workspaces.at(place).people.standing(id);
    },
    ...closable(async () => {
      closing.abort();
      queue.end();
      await Promise.all([workspaces.close(), arrivals.close()]);
      await over;
    }),
  };
}
