import { createInbox } from "../../src/alerts/inbox.ts";
import { ALERT_TABLES } from "../../src/alerts/incidents/closed.ts";
import { incidentKey } from "../../src/alerts/incidents/store.ts";
import { createReceiver } from "../../src/alerts/receive/receiver.ts";
import type { Input } from "../../src/inputs/input.ts";
import { memoryInput } from "../../src/inputs/memory/memory.ts";
import { slackInput } from "../../src/inputs/slack/slack.ts";
import { memoryDb } from "../../src/platform/db/memory.ts";
import { memoryKv, memoryShelf } from "../../src/platform/kv/memory.ts";
import { textOf } from "../bot/run-bot.ts";
import { manualClock } from "../fakes/clock.ts";
import { alertsRoom, type Box } from "./incidents/room.ts";
import { ask, bearer, sourceOf } from "./receive/posting.ts";
import { alertmanagerOf, type Recording } from "./recording.ts";

/** How Slack is spoken to: no link is opened to it. */
const { limits, pace } = slackInput({ token: "xoxb-of-tests", appToken: "xapp-of-tests" })();
/** So much is said in a room within a minute at most. */
export const MOST_A_MINUTE = pace?.room ?? 0;

/**
 * A bot that hears a recording through its real receiver and inbox, by a clock that begins when the recording did, and shows what it
 * hears in a room that takes as much a minute as Slack.
 * @param asks it can ask the Alertmanager of the recording what fires
 */
export async function replaying(recording: Recording, asks = false) {
  const clock = manualClock(recording.startedAt);
  const kv = memoryKv({ shelf: memoryShelf() });
  await kv.start();
  const inbox = createInbox({ kv, clock });
  await inbox.start();
  const receiver = createReceiver({ address: "127.0.0.1:0", sources: [sourceOf("am")], inbox, clock });
  await receiver.start();
  const input = memoryInput({ clock, limits, ...(pace && { pace }) });
  /** When something was said or changed. */
  const spoken: number[] = [];
  const heard: Input = {
    ...input,
    connect: async (options) => {
      const connection = await input.connect(options);
      const send: typeof connection.send = (message, how) => {
        spoken.push(clock.now());
        return connection.send(message, how);
      };
      return Object.assign(Object.create(connection), { send });
    },
  };
  const waiting: Box = {
    replay: false,
    put: (notification) => void inbox.put(notification),
    take: inbox.take,
    get waiting() {
      return inbox.waiting;
    },
  };
  const asked = asks ? { alertmanager: alertmanagerOf(recording, clock) } : {};
  const db = memoryDb(ALERT_TABLES);
  const begin = () => alertsRoom({ ...asked, clock, kv, db, input, inputs: [heard], inbox: waiting });
  let room = await begin();
  /**
   * All of it, in its order and at its pace, or so much slower. @param before is done before a request, by its number
   * @returns what the receiver answered
   */
  const replay = async (slower = 1, before: (n: number) => Promise<void> = async () => {}) => {
    const answers: unknown[] = [];
    const from = clock.now();
    for (const [n, { ms, headers, body }] of recording.requests.entries()) {
      await before(n);
      await room.pass(Math.max(0, from + ms * slower - clock.now()));
      const { status, body: said } = await ask(receiver.address, "/alerts/am", {
        body,
        headers: { ...headers, ...bearer() },
      });
      answers.push(status === 200 ? said["status"] : status);
    }
    return answers;
  };
  const cards = () => room.said().filter(({ place }) => place["under"] === undefined);
  return {
    ...room,
    replay,
    spoken,
    /** What stands in the room, without what was said below it. */
    cards: () => cards().map((message) => ({ text: textOf(message), choices: message.choices ?? [] })),
    below: () => room.said().length - cards().length,
    keyOf: (group: string) => incidentKey({ source: "am", group }),
    /** The bot ends, while its receiver hears on, and so many ms later another one begins with what it has left. */
    restart: async (ms: number) => {
      await room.stop();
      await clock.advance(ms);
      room = await begin();
    },
    close: async () => {
      await receiver.stop();
      await room.stop();
      await inbox.stop();
      await kv.stop();
    },
  };
}

/** The most that was said within a minute. */
export function mostInAMinute(times: readonly number[]): number {
  return Math.max(0, ...times.map((from) => times.filter((at) => at >= from && at < from + 60_000).length));
}
