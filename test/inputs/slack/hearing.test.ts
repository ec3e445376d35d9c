import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { InputConnection } from "../../../src/inputs/input.ts";
import { slackInput } from "../../../src/inputs/slack/slack.ts";
import { manualClock } from "../../fakes/clock.ts";
import { type FakeSlack, fakeSlack } from "../../fakes/slack.ts";

describe("who said what to the bot in Slack", () => {
  const clock = manualClock();
  let slack: FakeSlack;
  let link: InputConnection;

  let listening: number;

  beforeEach(async () => {
    slack = await fakeSlack();
    listening = process.getActiveResourcesInfo().filter((kind) => kind === "TCPServerWrap").length;
    link = await slackInput(slack)({ clock }).connect();
  });

  afterEach(async () => {
    await link.close();
    await slack.close();
  });

  /** Everything the bot hears up to a last word said now, each id once. */
  const heard = async () => {
    const end = `the end ${Math.random()}`;
    slack.say(end);
    const messages = new Map<string, { text: string; addressed: boolean; from: object; place: object; id: string }>();
    const iterator = link[Symbol.asyncIterator]();
    for (;;) {
      const { value, done } = await iterator.next();
      if (done) throw new Error("the link ended");
      if (value.text === end) return [...messages.values()];
      messages.set(value.id, value);
    }
  };

  describe("addressing", () => {
    it.each([
      ["@micro list services", "list services", true],
      ["  @micro   list services", "list services", true],
      ["@micro: list services", "list services", true],
      ["@micro, list services", "list services", true],
      ["@micro\u00a0list services", "list services", true],
      ["@micro", "", true],
      ["list services", "list services", false],
      ["hey @micro list services", "hey list services", true],
      ["micro list services", "micro list services", false],
      ["microscope list services", "microscope list services", false],
    ])("%j", async (said, text, addressed) => {
      slack.say(said);
      expect(await heard()).toMatchObject([{ text, addressed }]);
    });

    it.each(["<@UBOT>help", "<@UBOT|micro> help", " <@UBOT>: help"])("%j", async (markup) => {
      slack.say(markup, { raw: true });
      expect(await heard()).toMatchObject([{ text: "help", addressed: true }]);
    });

    it("a direct talk is addressed, with the mention or without", async () => {
      slack.say("ping", { channel: "D1" });
      slack.say("@micro ping", { channel: "D1" });
      const said = await heard();
      expect(said).toMatchObject([
        { text: "ping", addressed: true },
        { text: "ping", addressed: true },
      ]);
    });

    it("a group talk wants the mention", async () => {
      slack.say("ping", { channel: "M1" });
      slack.say("@micro ping", { channel: "G1" });
      expect((await heard()).map((message) => message.addressed)).toEqual([false, true]);
    });

    it("a mention after other words is addressed, too, and taken out; within JSON it stays", async () => {
      slack.say("hey @micro list services");
      slack.say("what does @micro do?");
      slack.say('call x Y.Z {"to": "@micro"}');
      expect(await heard()).toMatchObject([
        { text: "hey list services", addressed: true },
        { text: "what does do?", addressed: true },
        { text: 'call x Y.Z {"to": "@UBOT"}', addressed: true },
      ]);
    });

    it("a command written as code is the command", async () => {
      slack.say("@micro `list services`");
      slack.say("```\nlist services\n```", { channel: "D1" });
      slack.say('@micro call x Y.Z {"a": `b`} `');
      expect((await heard()).map((message) => message.text)).toEqual([
        "list services",
        "list services",
        'call x Y.Z {"a": `b`} `',
      ]);
    });

    it("JSON arrives untouched, smart quotes and all", async () => {
      const command = 'call greeter Say.Hello {"url": "https://A.b.io:80/?x=1&y=<z>#t", "n": "a  b", “q”: "\u00a0"}';
      slack.say(`@micro ${command}`);
      expect(await heard()).toMatchObject([{ text: command }]);
    });
  });

  describe("place", () => {
    it("is the thread it was said in, else the channel; the head of a thread is in the channel", async () => {
      slack.say("@micro one");
      slack.say("@micro two", { thread: "111.222" });
      slack.say("@micro three", { event: { thread_ts: "1.000001", ts: "1.000001" } });
      slack.say("@micro four", { thread: "111.222", event: { subtype: "thread_broadcast" } });
      const ts = expect.stringMatching(/^\d+\.\d+$/);
      expect((await heard()).map((message) => message.place)).toEqual([
        { room: "C1", channel: "C1", team: "T1", user: "U1", ts },
        { room: "C1", channel: "C1", team: "T1", user: "U1", ts, thread: "111.222" },
        { room: "C1", channel: "C1", team: "T1", user: "U1", ts },
        { room: "C1", channel: "C1", team: "T1", user: "U1", ts, thread: "111.222" },
      ]);
    });
  });

  describe("Edit and unfurl tricks (chat.md §6)", () => {
    it("an edit is never a command, not even one that adds a mention", async () => {
      const said = slack.say("thinking aloud");
      slack.edit(said, "@micro deregister service greeter");
      expect(await heard()).toMatchObject([{ text: "thinking aloud", addressed: false }]);
    });

    it("an edit of a command is not a command again", async () => {
      const said = slack.say("@micro list services");
      slack.edit(said, "@micro deregister service greeter");
      slack.remove(said);
      expect(await heard()).toMatchObject([{ text: "list services" }]);
    });

    it("an unfurled link (message_changed) is no command", async () => {
      slack.event({
        type: "message",
        subtype: "message_changed",
        hidden: true,
        channel: "D1",
        channel_type: "im",
        ts: "9.000001",
        message: { type: "message", user: "U1", text: "list services", ts: "8.000001", attachments: [{ text: "x" }] },
      });
      expect(await heard()).toEqual([]);
    });
  });

  describe("Identity confusion (chat.md §6)", () => {
    it("a person is team and user, whatever the display name says", async () => {
      slack.user("U2", { name: "U1", real_name: "U1", profile: { display_name: "T1/U1" } });
      slack.say("@micro ping", { user: "U2" });
      expect(await heard()).toMatchObject([{ from: { id: "T1/U2", name: "T1/U1", guest: false } }]);
    });

    it("message and app_mention of one text are one message with one id", async () => {
      const { ts, channel } = slack.say("@micro ping");
      expect((await heard()).map((message) => message.id)).toEqual([`T1/${channel}/${ts}`]);
    });

    it("bots are nobody: by bot_id, by subtype, by users.info, and Slackbot", async () => {
      slack.user("U7", { is_bot: true });
      slack.botSays("@micro list services");
      slack.botSays("@micro list services", "bot_message");
      slack.say("@micro list services", { user: "U7" });
      slack.say("@micro list services", { user: "USLACKBOT" });
      slack.say("@micro list services", { event: { bot_id: "B5" } });
      expect(await heard()).toEqual([]);
    });
  });

  describe("Outsiders in the room (chat.md §6)", () => {
    it("Slack Connect: somebody of another workspace is a guest under that workspace's name", async () => {
      slack.user("U9", { team_id: "T9", is_stranger: true });
      slack.say("@micro ping", { user: "U9", team: "T9" });
      expect(await heard()).toMatchObject([{ from: { id: "T9/U9", guest: true } }]);
    });

    it.each([
      ["user_team", { user_team: "T9" }],
      ["source_team", { source_team: "T9" }],
    ])("one sign is enough: %s", async (_sign, event) => {
      slack.say("@micro ping", { event });
      expect(await heard()).toMatchObject([{ from: { id: "T9/U1", guest: true } }]);
    });

    it.each([
      ["is_stranger", { is_stranger: true }],
      ["another team_id", { team_id: "T9" }],
      ["is_restricted", { is_restricted: true }],
      ["is_ultra_restricted", { is_ultra_restricted: true }],
    ])("users.info says %s", async (_sign, facts) => {
      slack.user("U8", facts);
      slack.say("@micro ping", { user: "U8" });
      const [message] = await heard();
      expect(message).toMatchObject({ from: { id: "T1/U8", guest: true } });
      expect(message?.from).not.toHaveProperty("unsure");
    });

    it("nobody speaks by an account that was deleted, whatever was granted to it", async () => {
      slack.user("U8", { deleted: true });
      slack.say("@micro ping", { user: "U8" });
      expect(await heard()).toMatchObject([{ from: { id: undefined, guest: true } }]);
    });

    it("fails closed: who cannot be looked up is a guest, and is looked up again a little later", async () => {
      slack.fault("users.info", { error: "missing_scope", needed: "users:read" });
      slack.say("@micro one");
      expect(await heard()).toMatchObject([{ from: { id: "T1/U1", name: "U1", guest: true, unsure: true } }]);
      await clock.advance(11_000);
      slack.say("@micro two");
      expect(await heard()).toMatchObject([{ from: { id: "T1/U1", name: "Ann", guest: false } }]);
    });

    it("asks once for a person in five minutes, then again", async () => {
      const asked = () => slack.calls.filter((call) => call.method === "users.info").length;
      slack.say("@micro one");
      slack.say("@micro two");
      await heard();
      expect(asked()).toBe(1);
      await clock.advance(301_000);
      slack.user("U1", { is_restricted: true });
      slack.say("@micro three");
      expect(await heard()).toMatchObject([{ from: { guest: true } }]);
      expect(asked()).toBe(2);
    });
  });

  describe("the rest", () => {
    it("a file with words is a message, one without is none; /me tells and does not order", async () => {
      slack.say("@micro help", { event: { subtype: "file_share", files: [{ id: "F1" }] } });
      slack.say("", { channel: "D1", event: { subtype: "file_share", files: [{ id: "F1" }] } });
      slack.say("list services", { channel: "D1", event: { subtype: "me_message" } });
      expect((await heard()).map((message) => message.text)).toEqual(["help"]);
    });

    it("Approval buttons, Slash trigger hijack (chat.md §6): what says not who did what where does nothing", async () => {
      const payload = {
        team: { id: "T1" },
        user: { id: "U1" },
        command: "/micro",
        text: "list services",
        actions: [{}],
      };
      for (const type of ["slash_commands", "interactive", "unheard_of"]) {
        slack.sockets.frame({ type, envelope_id: `forged-${type}`, payload, accepts_response_payload: true });
      }
      expect(await heard()).toEqual([]);
    });

    it("Slack HTTP endpoint unsigned (chat.md §6): there is none, nothing listens", () => {
      const servers = process.getActiveResourcesInfo().filter((kind) => kind === "TCPServerWrap");
      expect(servers.length).toBeLessThanOrEqual(listening);
    });

    it("events of other kinds, and payloads of odd shapes, are acknowledged and forgotten", async () => {
      const odd = [
        slack.event({ type: "reaction_added", user: "U1", item: {} }),
        slack.event({ type: "message" }),
        slack.event({ type: "message", channel: "C1", user: "U1", ts: "soon", text: "list services" }),
        slack.event({ type: "message", channel: "C1", user: "U1", ts: "1.1", text: 5 }),
        slack.event({ type: "message", channel: "C1", user: "U1" }),
        slack.event({ type: "app_mention", text: null, channel: "C1", user: "U1", ts: "1.1" }),
      ];
      expect(await heard()).toEqual([]);
      expect(slack.sockets.acked).toEqual(expect.arrayContaining(odd));
    });
  });
});
