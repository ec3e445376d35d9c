import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ConnectOptions, IncomingMessage, InputConnection } from "../../../src/inputs/input.ts";
import { slackInput } from "../../../src/inputs/slack/slack.ts";
import { type FakeSlack, fakeSlack } from "../../fakes/slack.ts";

/* More is said than the bot gets to. */

const AT_MOST = 10_000;

describe("too much at once in Slack", { timeout: 60_000 }, () => {
  let slack: FakeSlack;
  let untaken: string[];
  const open: InputConnection[] = [];
  beforeEach(async () => {
    slack = await fakeSlack();
    untaken = [];
  });
  afterEach(async () => {
    for (const link of open.splice(0)) await link.close();
    await slack.close();
  });

  const connect = async (options: ConnectOptions = {}) => {
    const link = await slackInput(slack)().connect({ onUntaken: ({ id }) => void untaken.push(id), ...options });
    open.push(link);
    return link[Symbol.asyncIterator]();
  };
  const fill = (count: number) => Array.from({ length: count }, (_, n) => slack.say(String(n)));
  const idOf = ({ ts }: { ts: string }) => `T1/C1/${ts}`;

  it("is told of, once Slack's second copy found no place either, and does not come a third time", async () => {
    const iterator = await connect();
    fill(AT_MOST);
    const late = slack.say("late");
    const later = slack.say("later");
    slack.sockets.redeliver();
    await expect.poll(() => untaken, { timeout: 30_000 }).toEqual([idOf(late), idOf(later)]);
    await expect.poll(() => slack.acked(late)).toBe(true);

    // The copies of what waited took nobody's place, and are given once.
    const texts: string[] = [];
    for (let n = 0; n < AT_MOST; n++) texts.push(((await iterator.next()).value as IncomingMessage).text);
    expect(texts).toEqual(texts.map((_, n) => String(n)));
    slack.say("again");
    expect((await iterator.next()).value).toMatchObject({ text: "again" });
  });

  it("is not what people say to each other, which is acknowledged and takes no place", async () => {
    const iterator = await connect({ heeds: ({ addressed }) => addressed });
    const said = fill(AT_MOST + 1);
    slack.say("list services", { channel: "D1" });
    expect((await iterator.next()).value).toMatchObject({ text: "list services" });
    await expect.poll(() => said.every((one) => slack.acked(one))).toBe(true);
    expect(untaken).toEqual([]);
    expect(slack.calls.filter(({ method }) => method === "users.info")).toHaveLength(1);
  });
});
