import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { IncomingMessage, InputConnection } from "../../../src/inputs/input.ts";
import { slackInput } from "../../../src/inputs/slack/slack.ts";
import { slash } from "../../../src/inputs/slack/slash.ts";
import { manualClock } from "../../fakes/clock.ts";
import { type FakeSlack, fakeSlack } from "../../fakes/slack.ts";
import { listener } from "./listener.ts";

const self = { team: "T1", user: "UBOT" };
const payload = { team_id: "T1", channel_id: "C1", user_id: "U1", trigger_id: "1.T1.a", command: "/micro" };

describe("what a slash command says", () => {
  it("is the line as in chat, addressed, dated when it came, with a form to be had", () => {
    const found = slash(
      { ...payload, text: "list services", response_url: "https://hooks.slack.com/commands/1" },
      self,
      5,
    );
    expect(found).toEqual({
      id: "T1/slash/1.T1.a",
      team: "T1",
      user: "U1",
      place: {
        room: "C1",
        channel: "C1",
        team: "T1",
        user: "U1",
        trigger: "1.T1.a",
        response: "https://hooks.slack.com/commands/1",
      },
      text: "list services",
      addressed: true,
      sentAt: 5,
      takesForm: true,
    });
  });

  it.each([
    ["nothing", undefined, ""],
    ["the mention as well", "<@UBOT|micro> help", "help"],
    ["code", "`list services`", "list services"],
    ["what Slack encodes", 'call a B.C {"q": "x &lt; y &amp;&amp; z"}', 'call a B.C {"q": "x < y && z"}'],
    ["what Slack does not encode", 'call a B.C {"q": "x <b> y && z"}', 'call a B.C {"q": "x <b> y && z"}'],
    ["a linked host", "health <http://db1.example.com|db1.example.com>", "health db1.example.com"],
    ["a person", "whois <@U2|bob>", "whois @U2"],
  ])("understands %s", (_what, text, said) => {
    expect(slash({ ...payload, ...(text !== undefined && { text }) }, self, 5)?.text).toBe(said);
  });

  it.each([
    ["no channel", { channel_id: "" }],
    ["no user", { user_id: "" }],
    ["no trigger, so no id", { trigger_id: "" }],
    ["the bot itself", { user_id: "UBOT" }],
  ])("is nothing with %s", (_what, facts) => {
    expect(slash({ ...payload, text: "list services", ...facts }, self, 5)).toBeUndefined();
  });

  it("Slash trigger hijack (chat.md §6): the command's name gives no right and is no part of the line", () => {
    const said = ["/micro", "/help", "/deregister"].map((command) =>
      slash({ ...payload, command, text: "list services" } as typeof payload, self, 5),
    );
    expect(new Set(said.map((message) => JSON.stringify(message))).size).toBe(1);
    expect(said[0]).toMatchObject({ team: "T1", user: "U1", text: "list services" });
  });
});

describe("answers to slash commands", () => {
  const clock = manualClock();
  let slack: FakeSlack;
  let link: InputConnection;
  let next: (count?: number) => Promise<IncomingMessage[]>;

  beforeEach(async () => {
    slack = await fakeSlack();
    link = await slackInput(slack)({ clock }).connect();
    next = listener(link);
  });

  afterEach(async () => {
    await link.close();
    await slack.close();
  });

  const asked = async (text: string, how?: Parameters<typeof slack.people.slash>[1]): Promise<IncomingMessage> => {
    slack.people.slash(text, how);
    return (await next())[0] as IncomingMessage;
  };
  const words = (text: string) => [{ kind: "text" as const, text }];

  it("are said in the channel, to everybody, by who asked", async () => {
    const { from, place, text } = await asked("list services");
    expect({ from, text }).toEqual({ from: { id: "T1/U1", name: "Ann", guest: false }, text: "list services" });
    await link.send({ place, parts: words("1 service") });
    expect(slack.posts).toMatchObject([{ channel: "C1", text: "1 service" }]);
    expect(slack.people.whispers).toEqual([]);
  });

  it("Outsiders in the room (chat.md §6): a guest's command is a guest's", async () => {
    slack.user("U5", { is_restricted: true });
    expect((await asked("list services", { user: "U5" })).from).toMatchObject({ id: "T1/U5", guest: true });
  });

  it("have an id of their own, though the words are the same; told twice, it is one", async () => {
    const [one, two] = [await asked("ping"), await asked("ping")];
    expect(one.id).not.toBe(two.id);
    slack.people.again();
    slack.say("the end");
    expect((await next())[0]?.text).toBe("the end");
  });

  it("are dated by the clock", async () => {
    await clock.advance(5000);
    expect((await asked("ping")).sentAt).toBe(clock.now());
  });

  it("are acknowledged without a word once the bot asks for the next one", async () => {
    const id = slack.people.slash("ping");
    await next();
    expect(slack.sockets.answers.has(id)).toBe(false);
    slack.say("another");
    await next();
    await vi.waitFor(() => expect(slack.sockets.answers.has(id)).toBe(true));
    expect(slack.sockets.answers.get(id) ?? {}).toEqual({});
  });

  describe.each([
    ["the bot was not invited", "C8", { absent: true }],
    ["the bot cannot see it: a direct talk of others", "D8", undefined],
  ])("where %s", (_what, channel, facts) => {
    beforeEach(() => {
      if (facts) slack.channel(channel, facts);
    });

    it("come by the response_url, for who asked alone", async () => {
      const { place } = await asked("list services", { channel });
      await link.send({ place: JSON.parse(JSON.stringify(place)), parts: words("<!channel> 1 & 2") });
      expect(slack.people.whispers).toMatchObject([
        { channel, user: "U1", text: "<!channel> 1 & 2", live: [], response: true },
      ]);
      expect(slack.posts).toEqual([]);
    });

    it("are whispered that way, too", async () => {
      const { place } = await asked("list services", { channel });
      await link.send({ place, parts: words("psst"), whisper: true });
      expect(slack.people.whispers).toMatchObject([{ user: "U1", text: "psst", response: true }]);
    });

    it("carry buttons", async () => {
      const { place } = await asked("deploy", { channel });
      await link.send({ place, parts: words("sure?"), choices: [{ label: "Yes", line: "confirm 7" }] });
      slack.people.press("Yes");
      expect((await next())[0]).toMatchObject({ text: "confirm 7", place: { channel } });
    });

    it("go to the person directly when the response_url is used up: silence is never an answer", async () => {
      const { place } = await asked("list services", { channel });
      for (let i = 1; i <= 7; i += 1) await link.send({ place, parts: words(`answer ${i}`) });
      expect(slack.people.whispers).toHaveLength(5);
      expect(slack.posts.map((post) => [post.channel, post.text])).toEqual([
        ["DU1", "answer 6"],
        ["DU1", "answer 7"],
      ]);
    });

    it("tell of a file that it cannot be brought there", async () => {
      const { place } = await asked("list services", { channel });
      await link.send({ place, parts: words("2000 services"), file: { name: "answer.txt", text: "greeter\n" } });
      const [whisper] = slack.people.whispers;
      expect(whisper?.text).toMatch(/^2000 services\nanswer\.txt cannot be brought here/);
    });

    it("that grow are said at their beginning and at their end, since there are five answers in all", async () => {
      const { place } = await asked("stream", { channel });
      for (let i = 1; i <= 9; i += 1) {
        await link.send({ place, parts: words(`line ${i}`), progress: { key: "k", last: i === 9 } });
      }
      expect(slack.people.whispers.map(({ text }) => text)).toEqual(["line 1", "line 9"]);
    });
  });

  it("are no answer to anybody else: an address that is not Slack's is not asked", async () => {
    slack.channel("C8", { absent: true });
    const { place } = await asked("ping", { channel: "C8", payload: { response_url: "http://127.0.0.1:9/elsewhere" } });
    await link.send({ place, parts: words("pong") });
    expect(slack.posts).toMatchObject([{ channel: "DU1", text: "pong" }]);
  });

  it("take no other way when something else is wrong with the channel: that is an error", async () => {
    const { place } = await asked("ping");
    slack.fault("chat.postMessage", { error: "is_archived" });
    await expect(link.send({ place, parts: words("pong") })).rejects.toMatchObject({ code: "invalid_argument" });
    expect(slack.people.whispers).toEqual([]);
  });
});
