import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Choice, IncomingMessage, InputConnection, OutgoingMessage } from "../../../src/inputs/input.ts";
import { pressed } from "../../../src/inputs/slack/press.ts";
import { slackInput } from "../../../src/inputs/slack/slack.ts";
import { manualClock } from "../../fakes/clock.ts";
import { type FakeSlack, fakeSlack } from "../../fakes/slack.ts";
import { buttons, labelOf } from "../../fakes/slack-blocks.ts";
import { listener } from "./listener.ts";

const self = { team: "T1", user: "UBOT" };
const yes: Choice = { label: "Yes", line: "confirm 7", weight: "primary" };
const no: Choice = { label: "No", line: "cancel 7", weight: "danger" };

describe("buttons in Slack", () => {
  const clock = manualClock(); // a press that waits too long is dropped, and this machine may be slow
  let slack: FakeSlack;
  let link: InputConnection;
  let next: (count?: number) => Promise<IncomingMessage[]>;
  let place: OutgoingMessage["place"];

  beforeEach(async () => {
    slack = await fakeSlack();
    link = await slackInput(slack)({ clock }).connect();
    next = listener(link);
    slack.say("@micro deploy", { thread: "111.222" });
    place = (await next())[0]!.place;
  });

  afterEach(async () => {
    await link.close();
    await slack.close();
  });

  const offer = (choices: readonly Choice[], more: Partial<OutgoingMessage> = {}) =>
    link.send({ place, parts: [{ kind: "text", text: "sure?" }], choices, ...more });
  const shown = () => buttons(slack.posts.at(-1)?.blocks).map(labelOf);

  it("stand under the text, with their weight; the text is said beside them for notifications", async () => {
    await offer([yes, no]);
    const post = slack.posts.at(-1);
    expect(post).toMatchObject({ text: "sure?", markup: "sure?", live: [] });
    expect(buttons(post?.blocks)).toMatchObject([
      { text: { type: "plain_text", text: "Yes", emoji: false }, value: "confirm 7", style: "primary" },
      { text: { type: "plain_text", text: "No", emoji: false }, value: "cancel 7", style: "danger" },
    ]);
  });

  it("say their line, by who pressed, in the thread of the message that carries them", async () => {
    await offer([yes, no]);
    slack.people.press("No", { user: "U2" });
    const [message] = await next();
    expect(message).toMatchObject({
      from: { id: "T1/U2", guest: false },
      text: "cancel 7",
      addressed: true,
      takesForm: true,
      place: { room: "C1", channel: "C1", team: "T1", user: "U2", thread: "111.222", ts: slack.posts.at(-1)!.ts },
    });
    expect(Math.abs(Date.now() - message!.sentAt)).toBeLessThan(60_000);
    await link.send({ place: message!.place, parts: [{ kind: "text", text: "not done" }] });
    expect(slack.posts.at(-1)).toMatchObject({ text: "not done", thread: "111.222" });
  });

  it("Approval buttons (chat.md §6): a press is who pressed it, told twice it is one, and twice pressed it is two", async () => {
    await offer([yes]);
    slack.people.press("Yes", { user: "U2" });
    slack.people.again();
    slack.people.press("Yes", { user: "U2" });
    slack.people.press("Yes", { user: "U1" });
    const messages = await next(3);
    expect(messages.map(({ from, text }) => [from.id, text])).toEqual([
      ["T1/U2", "confirm 7"],
      ["T1/U2", "confirm 7"],
      ["T1/U1", "confirm 7"],
    ]);
    expect(new Set(messages.map(({ id }) => id)).size).toBe(3);
  });

  it("Outsiders in the room (chat.md §6): who presses from another workspace is that workspace's, and a guest", async () => {
    slack.user("U9", { team_id: "T9", is_stranger: true });
    await offer([yes]);
    slack.people.press("Yes", { user: "U9", team: "T9" });
    expect((await next())[0]?.from).toMatchObject({ id: "T9/U9", guest: true });
  });

  it("are acknowledged once the bot asks for the next message", async () => {
    await offer([yes]);
    const id = slack.people.press("Yes");
    await next();
    slack.say("another");
    await next();
    await vi.waitFor(() => expect(slack.sockets.answers.has(id)).toBe(true));
  });

  it("vanish when the message is changed without any, and come back with it", async () => {
    const progress = { key: "k", last: false };
    await offer([yes, no], { progress });
    expect(shown()).toEqual(["Yes", "No"]);
    await link.send({ place, parts: [{ kind: "text", text: "running" }], progress });
    expect(slack.posts).toHaveLength(1);
    expect(slack.posts[0]).toMatchObject({ text: "running", edits: 1 });
    expect(shown()).toEqual([]);
    await offer([no], { progress: { key: "k", last: true } });
    expect(shown()).toEqual(["No"]);
    expect(slack.posts).toHaveLength(1);
  });

  it("carry any line as it is, also the characters that Slack encodes", async () => {
    const lines = ['call a B.C {"q": "x < y && z > 1"}', "100% & %26 &amp; &lt;", "<!channel>", "größe “q” 😀\nsecond"];
    await offer(lines.map((line, index) => ({ label: `L${index}`, line })));
    for (const [index] of lines.entries()) slack.people.press(`L${index}`);
    expect((await next(lines.length)).map(({ text }) => text)).toEqual(lines);
    for (const button of buttons(slack.posts.at(-1)?.blocks)) expect(button.value).not.toMatch(/[&<>]/);
  });

  it("are left out where Slack has no room for them: the line can be typed", async () => {
    await offer([
      { label: "Long", line: "x".repeat(2001) },
      { label: " ", line: "y" },
      { label: "None", line: "" },
      yes,
    ]);
    expect(shown()).toEqual(["Yes"]);
    await offer([{ label: "Long", line: "x".repeat(2001) }]);
    expect(slack.posts.at(-1)?.blocks).toBeUndefined();
    await offer(Array.from({ length: 40 }, (_, index) => ({ label: `${index}`, line: `run ${index}` })));
    expect(shown()).toHaveLength(25);
  });

  it("give way to the text where both are too long", async () => {
    const text = "&".repeat(3400);
    await link.send({ place, parts: [{ kind: "code", text }], choices: [yes] });
    expect(slack.posts.at(-1)?.blocks).toBeUndefined();
    expect(slack.posts.at(-1)?.text).toContain(text);
  });

  it("stand under whispers, and what is said by them stays in the channel", async () => {
    await offer([yes], { whisper: true });
    expect(slack.people.whispers).toMatchObject([{ channel: "C1", user: "U1", thread: "111.222", text: "sure?" }]);
    slack.people.press("Yes");
    const [message] = await next();
    expect(message?.place).toMatchObject({ channel: "C1", thread: "111.222" });
    expect(message?.place["ts"]).toBeUndefined();
  });
});

describe("what is no press", () => {
  const press = {
    type: "block_actions",
    user: { id: "U1", team_id: "T1" },
    team: { id: "T1" },
    channel: { id: "C1" },
    container: { type: "message", message_ts: "1.000001", channel_id: "C1" },
    trigger_id: "1.T1.a",
    actions: [{ type: "button", action_id: "choice-0", value: "ping", action_ts: "2.000001" }],
  };
  const [action] = press.actions;

  it("is a press as it should be", () => {
    expect(pressed(press, self)).toMatchObject({ text: "ping", id: "T1/press/C1/1.000001/U1/2.000001", sentAt: 2000 });
  });

  it.each([
    ["nobody", { user: undefined }],
    ["the bot itself", { user: { id: "UBOT" } }],
    ["no action", { actions: [] }],
    ["another app's kind of button", { actions: [{ ...action, action_id: "approve" }] }],
    ["a menu", { actions: [{ ...action, type: "static_select" }] }],
    ["no line", { actions: [{ ...action, value: "" }] }],
    ["a line that is none", { actions: [{ ...action, value: 5 as never }] }],
    ["no time", { actions: [{ ...action, action_ts: "soon" }] }],
    ["nowhere", { container: undefined, channel: undefined }],
  ])("%s", (_what, facts) => {
    expect(pressed({ ...press, ...facts } as typeof press, self)).toBeUndefined();
  });
});
