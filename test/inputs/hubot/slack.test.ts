import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { hubotInput } from "../../../src/inputs/hubot/hubot.ts";
import type { IncomingMessage, InputConnection } from "../../../src/inputs/input.ts";
import { inputContract } from "../../contract/input.contract.ts";
import { type FakeSlack, fakeSlack, type Said } from "../../fakes/slack.ts";
import { shown } from "../../fakes/slack-markup.ts";
import { WITHOUT } from "./without.ts";

/* A published adapter of today, @hubot-friends/hubot-slack, against our Slack. */

const inputTo = (slack: FakeSlack, init: { readonly trusted?: boolean; readonly connectMs?: number } = {}) =>
  hubotInput({
    adapter: "./hubot-slack-here.mjs",
    cwd: join(import.meta.dirname, "../../fakes"),
    env: {
      HUBOT_SLACK_APP_TOKEN: slack.appToken,
      HUBOT_SLACK_BOT_TOKEN: slack.token,
      HUBOT_SLACK_API_URL: slack.apiUrl,
      HUBOT_SLACK_SOCKET_MODE_OPTS: JSON.stringify({
        clientOptions: { slackApiUrl: slack.apiUrl },
        clientPingTimeout: 300,
      }),
      DISABLE_USER_SYNC: "1",
    },
    trusted: true,
    ...init,
  })();

inputContract("hubot, @hubot-friends/hubot-slack", {
  without: {
    ...WITHOUT,
    failSend: "its client tries again by itself, for half an hour; a refusal is tested below",
    lose: "it connects again by itself; tested below",
  },
  create: async () => {
    const slack = await fakeSlack();
    slack.user("U9", { team_id: "T9", is_stranger: true });
    slack.user("U6", { name: "ann", profile: { display_name: "Ann" } });
    slack.user("UOTHER", { is_bot: true });
    const said: Said[] = [];
    const input = inputTo(slack);
    const impatient = inputTo(slack, { connectMs: 4000 });
    let reachable = true;
    return {
      input: { ...input, connect: (options) => (reachable ? input : impatient).connect(options) },
      say: (text) => void said.push(slack.say(`@micro ${text}`)),
      heard: () =>
        slack.posts.map(({ channel, thread, text, live }) => ({ text, where: `${channel}/${thread}`, live })),
      alive: (raw) => shown(raw).live,
      sayElsewhere: (text) => void said.push(slack.say(`@micro ${text}`, { channel: "C2", thread: "1.0" })),
      sayDirect: (text) => void said.push(slack.say(text, { channel: "D1" })),
      overhear: (text) => void said.push(slack.say(text)),
      sayAsStranger: (text) => void said.push(slack.say(`@micro ${text}`, { user: "U9", team: "T9" })),
      spoof: (text) => void said.push(slack.say(`@micro ${text}`, { user: "U6" })),
      flood: (size) => void said.push(slack.say(`<@UBOT> ${"x ".repeat(size / 2)}`, { raw: true })),
      deliverAgain: () => slack.sockets.duplicate(said.at(-1)?.eventIds[0] ?? ""),
      noise: () => {
        const first = said[0] as Said;
        slack.edit(first, "@micro list services, please");
        slack.remove(first);
        slack.botSays("@micro list services");
        slack.botSays("@micro list services", "bot_message");
        for (const subtype of ["channel_join", "channel_topic", "me_message", "message_replied"]) {
          slack.say("@micro list services", { event: { subtype } });
        }
        slack.say("@micro list services", { event: { hidden: true } });
        slack.say("@micro list services", { user: slack.botUser });
      },
      refuse: slack.revoke,
      unreachable: () => {
        // Its client tries again by itself, for longer than anybody waits.
        slack.fault("apps.connections.open", { reset: true, times: 1000 });
        reachable = false;
      },
      hold: () => {
        let release = () => {};
        const until = new Promise<void>((resolve) => {
          release = resolve;
        });
        slack.fault("chat.postMessage", { times: 10, until });
        return release;
      },
      close: slack.close,
      [Symbol.asyncDispose]: slack.close,
    };
  },
});

describe("@hubot-friends/hubot-slack as an input", () => {
  let slack: FakeSlack;
  const links: InputConnection[] = [];
  beforeEach(async () => {
    slack = await fakeSlack();
  });
  afterEach(async () => {
    for (const link of links.splice(0)) await link.close();
    await slack.close();
  });
  const connect = async (init = {}) => {
    const link = await inputTo(slack, init).connect();
    links.push(link);
    const iterator = link[Symbol.asyncIterator]();
    return { link, next: async () => (await iterator.next()).value as IncomingMessage };
  };

  it("tells that Slack refused a message, though the adapter only logs it", async () => {
    const { link, next } = await connect();
    slack.say("@micro ping");
    const { place } = await next();
    slack.fault("chat.postMessage", { error: "is_archived" });
    const sent = link.send({ place, parts: [{ kind: "text", text: "pong" }] });
    await expect(sent).rejects.toMatchObject({
      code: "invalid_argument",
      message: expect.stringMatching("is_archived"),
    });
  });

  it("goes on over the adapter's next socket, after one was cut", async () => {
    const { next } = await connect();
    slack.sockets.cut();
    await vi.waitFor(
      () => expect(slack.calls.filter(({ method }) => method === "apps.connections.open").length).toBe(2),
      5000,
    );
    slack.say("@micro still there?");
    expect(await next()).toMatchObject({ text: "still there?" });
  });

  it("answers in the thread it was asked in, and in the channel when that is forgotten", async () => {
    const { link, next } = await connect();
    slack.say("@micro ping", { thread: "12.5" });
    const { place } = await next();
    await link.send({ place, parts: [{ kind: "text", text: "in the thread" }] });
    await link.send({
      place: { ...place, key: "of the life before" },
      parts: [{ kind: "text", text: "in the channel" }],
    });
    expect(slack.posts.map(({ channel, thread, text }) => [channel, thread, text])).toEqual([
      ["C1", "12.5", "in the thread"],
      ["C1", undefined, "in the channel"],
    ]);
  });

  it("Identity confusion (chat.md §6): vouches for nobody unless the adapter is trusted", async () => {
    const { next } = await connect({ trusted: false });
    slack.say("@micro list services");
    expect((await next()).from).toEqual({ id: undefined, name: expect.any(String), guest: true });
  });
});
