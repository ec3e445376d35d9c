import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Log } from "../../../src/core/log.ts";
import type { IncomingMessage, InputConnection } from "../../../src/inputs/input.ts";
import { slackInput } from "../../../src/inputs/slack/slack.ts";
import { type ManualClock, manualClock } from "../../fakes/clock.ts";
import { freePort } from "../../fakes/free-port.ts";
import { type FakeSlack, fakeSlack } from "../../fakes/slack.ts";
import { type SlackRequests, slackRequests } from "../../fakes/slack-http.ts";

describe("the Slack input over HTTP", () => {
  const links: InputConnection[] = [];
  let clock: ManualClock;
  let port: number;
  let requests: SlackRequests;
  let slack: FakeSlack;

  beforeEach(async () => {
    clock = manualClock();
    port = await freePort();
    requests = slackRequests({ port, now: () => Math.floor(clock.now() / 1000) });
    slack = await fakeSlack({ deliveries: requests });
  });

  afterEach(async () => {
    for (const link of links.splice(0)) await link.close();
    requests.close();
    await slack.close();
  });

  const input = (log?: Log) =>
    slackInput({
      token: slack.token,
      signingSecret: requests.signingSecret,
      address: `127.0.0.1:${port}`,
      apiUrl: slack.apiUrl,
    })({ clock, ...(log && { log }) });

  const connect = async (log?: Log) => {
    const link = await input(log).connect();
    links.push(link);
    return link;
  };

  const take = async (iterator: AsyncIterator<IncomingMessage>) => {
    const { value, done } = await iterator.next();
    if (done) throw new Error("the link ended");
    return value;
  };

  it("an event that the bot was too slow for is sent again, and is one message by its id", async () => {
    const iterator = (await connect())[Symbol.asyncIterator]();
    const { eventIds, ts } = slack.say("one");
    const [id = ""] = eventIds;
    expect((await take(iterator)).id).toBe(`T1/C1/${ts}`);
    await clock.advance(2500);
    await vi.waitFor(() => expect(requests.statuses.get(id)).toEqual([503]));
    expect((await take(iterator)).id).toBe(`T1/C1/${ts}`);
    expect(requests.attempts.get(id)).toEqual([0, 1]);
    slack.say("two");
    expect((await take(iterator)).text).toBe("two");
    await vi.waitFor(() => expect(requests.statuses.get(id)).toEqual([503, 200]));
  });

  it("a command that nobody got to in time is not given to the bot, and the events around it are", async () => {
    const iterator = (await connect())[Symbol.asyncIterator]();
    slack.say("one");
    expect((await take(iterator)).text).toBe("one");
    const typed = requests.command({
      command: "/micro",
      text: "deregister service x",
      team_id: "T1",
      user_id: "U1",
      channel_id: "C1",
      trigger_id: "1.2.3",
      response_url: `${slack.apiUrl}commands/1`,
    });
    await vi.waitFor(() => expect(clock.sleepers).toBe(2));
    await clock.advance(2500);
    expect((await typed).status).toBe(503);
    slack.say("two");
    const heard = [await take(iterator), await take(iterator)].map(({ text }) => text);
    expect(new Set(heard)).toEqual(new Set(["one", "two"]));
  });

  it("a closed link refuses what comes, and the next one hears it", async () => {
    const first = await connect();
    const { eventIds } = slack.say("one");
    expect((await take(first[Symbol.asyncIterator]())).text).toBe("one");
    await first.close();
    await vi.waitFor(() => expect(requests.statuses.get(eventIds[0] ?? "")?.[0]).toBe(503));
    const iterator = (await connect())[Symbol.asyncIterator]();
    requests.redeliver();
    expect((await take(iterator)).text).toBe("one");
  });

  it("an address that is taken is tried again later", async () => {
    await connect();
    await expect(input().connect()).rejects.toMatchObject({
      code: "unavailable",
      message: expect.stringContaining(`${port}`),
    });
    await links.pop()?.close();
    await connect();
  });

  it("Leaked tokens (chat.md §6): neither token nor secret is in any log line or error, whatever comes", async () => {
    const written: string[] = [];
    const write = (fields: object, message: string) => void written.push(JSON.stringify(fields), message);
    const log: Log = { debug: write, info: write, warn: write, error: write };
    const link = await connect(log);
    const body = JSON.stringify({ type: "event_callback", team_id: "T9", event: { text: requests.signingSecret } });
    for (const how of [{ secret: "x" }, { timestamp: 0 }, { path: "/" }, { contentType: "x" }, {}]) {
      await requests.send(body, how);
      await clock.advance(60_000);
    }
    for (const error of [requests.signingSecret, slack.token]) {
      slack.fault("chat.postMessage", { error });
      const place = { room: "C1", channel: "C1", team: "T1" };
      await link.send({ place, parts: [{ kind: "text", text: "x" }] }).catch((thrown: Error) => {
        written.push(String(thrown.stack), String(thrown.cause));
      });
    }
    await input(log)
      .connect()
      .catch((thrown: Error) => written.push(String(thrown.stack), String(thrown.cause)));
    expect(written.length).toBeGreaterThan(10);
    expect(written.join("\n")).not.toContain("planted");
  });
});
