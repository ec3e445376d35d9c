import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { IncomingMessage, InputConnection, OutgoingMessage } from "../../../src/inputs/input.ts";
import { heard } from "../../../src/inputs/slack/envelope.ts";
import { slackInput } from "../../../src/inputs/slack/slack.ts";
import { type FakeSlack, fakeSlack } from "../../fakes/slack.ts";
import { listener } from "./listener.ts";

const self = { team: "T1", user: "UBOT" };
const read = (type: string, body: object) => heard({ type, body, ack: async () => {} }, self, 5);

const view = {
  id: "V1",
  callback_id: "micro-form",
  private_metadata: '{"place":{"room":"C1","channel":"C1","team":"T1"},"command":"deploy","names":[]}',
};

describe("what Slack's envelopes say", () => {
  it.each<[string, string, object, string | undefined]>([
    [
      "a message",
      "events_api",
      { event: { type: "message", channel: "D1", user: "U1", ts: "1.1", text: "ping" } },
      "ping",
    ],
    [
      "a home tab",
      "events_api",
      { event: { type: "app_home_opened", tab: "home", user: "U1", event_ts: "1.1" } },
      "help",
    ],
    ["a slash command", "slash_commands", { channel_id: "C1", user_id: "U1", trigger_id: "1", text: "ping" }, "ping"],
    ["a shortcut, which we have none of", "interactive", { type: "shortcut", user: { id: "U1" } }, undefined],
    ["a form that was closed", "interactive", { type: "view_closed", user: { id: "U1" }, view }, undefined],
    ["a form that was sent off", "interactive", { type: "view_submission", user: { id: "U1" }, view }, "deploy"],
    [
      "a kind of its own",
      "unheard_of",
      { event: { type: "message", channel: "D1", user: "U1", ts: "1.1", text: "x" } },
      undefined,
    ],
    ["an empty event", "events_api", {}, undefined],
    ["an empty command", "slash_commands", {}, undefined],
    ["an empty press", "interactive", {}, undefined],
    ["a press of nothing", "interactive", { type: "block_actions" }, undefined],
    ["a form of nothing", "interactive", { type: "view_submission" }, undefined],
  ])("%s", (_what, type, body, text) => {
    expect(read(type, body)?.text).toBe(text);
  });
});

describe("whispers in Slack", () => {
  let slack: FakeSlack;
  let link: InputConnection;
  let next: (count?: number) => Promise<IncomingMessage[]>;

  beforeEach(async () => {
    slack = await fakeSlack();
    link = await slackInput(slack)().connect();
    next = listener(link);
  });

  afterEach(async () => {
    await link.close();
    await slack.close();
  });

  const asked = async (how: Parameters<typeof slack.say>[1]): Promise<OutgoingMessage> => {
    slack.say("@micro deploy", how);
    return { place: (await next())[0]!.place, parts: [{ kind: "text", text: "you <may> not" }], whisper: true };
  };

  it("are seen by who asked alone, in the thread they asked in", async () => {
    await link.send(await asked({ user: "U2", thread: "111.222" }));
    expect(slack.people.whispers).toMatchObject([
      { channel: "C1", user: "U2", thread: "111.222", text: "you <may> not", live: [], response: false },
    ]);
    expect(slack.posts).toEqual([]);
  });

  it("begin no thread, where nobody would see them", async () => {
    await link.send({ ...(await asked({})), aside: true });
    expect(slack.people.whispers[0]?.thread).toBeUndefined();
  });

  it("are said as usual in a direct talk", async () => {
    await link.send(await asked({ channel: "D1" }));
    expect(slack.posts).toMatchObject([{ channel: "D1", text: "you <may> not" }]);
  });

  it("are said to all where they grow or bring a file, which nobody can whisper", async () => {
    const message = await asked({});
    await link.send({ ...message, progress: { key: "k", last: false } });
    await link.send({ ...message, progress: { key: "k", last: true } });
    await link.send({ ...message, file: { name: "a.txt", text: "x" } });
    expect(slack.posts).toHaveLength(2);
    expect(slack.people.whispers).toEqual([]);
  });

  it("say what is wrong as any message does", async () => {
    const message = await asked({});
    slack.fault("chat.postEphemeral", { retryAfter: 3 });
    await expect(link.send(message)).rejects.toMatchObject({ code: "exhausted", details: { retryAfterMs: 3000 } });
    slack.fault("chat.postEphemeral", { error: "channel_not_found" });
    await expect(link.send(message)).rejects.toMatchObject({ code: "invalid_argument" });
  });

  it("Unfurl exfiltration (chat.md §6): neither whispers nor buttons bring previews", async () => {
    const message = await asked({});
    const choices = [{ label: "Again", line: "deploy" }];
    await link.send({ ...message, choices });
    await link.send({ ...message, whisper: false, choices });
    const said = slack.calls.filter(({ method }) => method.startsWith("chat."));
    expect(said).toHaveLength(2);
    for (const { args } of said) expect(args).toMatchObject({ unfurl_links: "false", unfurl_media: "false" });
  });
});
