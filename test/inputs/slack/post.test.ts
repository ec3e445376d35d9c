import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { InputConnection, OutgoingMessage } from "../../../src/inputs/input.ts";
import { slackInput } from "../../../src/inputs/slack/slack.ts";
import { type FakeSlack, fakeSlack } from "../../fakes/slack.ts";
import { buttons } from "../../fakes/slack-blocks.ts";
import { visible } from "./said.ts";

const place = { room: "C1", channel: "C1", team: "T1", user: "U1", ts: "1.000001" };
const choices = [{ label: "Stop", line: "cancel 7" }];

describe("what is said in Slack", () => {
  let slack: FakeSlack;
  let link: InputConnection;

  beforeEach(async () => {
    slack = await fakeSlack();
    link = await slackInput(slack)().connect();
  });

  afterEach(async () => {
    await link.close();
    await slack.close();
  });

  const grown = (text: string, more: Partial<OutgoingMessage> = {}): OutgoingMessage => ({
    place,
    parts: [
      { kind: "text", text: "logs of greeter" },
      { kind: "code", text },
    ],
    progress: { key: "k", last: false },
    ...more,
  });

  describe("again, when it grows beyond what Slack takes as the text of a change", () => {
    const lines = (count: number) => Array.from({ length: count }, (_, index) => `line ${index} <&>`).join("\n");

    it.each([
      ["without buttons", undefined],
      ["with buttons", choices],
    ])("is shown whole, %s", async (_what, offered) => {
      await link.send(grown("line 0"));
      await link.send(grown(lines(250), { ...(offered && { choices: offered }) }));
      expect(slack.posts).toHaveLength(1);
      const [post] = slack.posts;
      expect(post?.edits).toBe(1);
      expect(post?.live).toEqual([]);
      // Each section has fences of its own.
      const said = post?.text.replaceAll("\n```\n```\n", "\n");
      expect(said).toBe(`logs of greeter\n\`\`\`\n${lines(250)}\n\`\`\``);
      expect(buttons(post?.blocks)).toHaveLength(offered === undefined ? 0 : 1);
      expect(post?.markup.length).toBeLessThanOrEqual(4000);
    });

    it("is cut where even sections do not hold it, and shrinks back to a text", async () => {
      await link.send(grown("line 0"));
      await link.send(grown(lines(5000)));
      expect(slack.posts[0]?.text).toMatch(/… cut here: \d+ characters in \d+ lines do not fit$/);
      await link.send(grown("that is all", { progress: { key: "k", last: true } }));
      expect(slack.posts).toHaveLength(1);
      expect(slack.posts[0]).toMatchObject({ edits: 2, text: "logs of greeter\n```\nthat is all\n```" });
      expect(slack.posts[0]?.blocks).toBeUndefined();
    });
  });

  it("is cut at what Slack takes at all, whatever the bot wants to say", async () => {
    await link.send({ place, parts: [{ kind: "code", text: "<line>\n".repeat(150_000) }] });
    const [post] = slack.posts;
    expect(post?.markup.length).toBeLessThanOrEqual(40_000);
    expect(visible(post?.text ?? "")).toMatch(/<line>\n```\n… cut here: \d+ characters in \d+ lines do not fit$/);
  });

  it.each([
    ["whispered", place, { whisper: true }],
    [
      "said where the bot is not",
      () => ({ ...place, channel: "C8", response: slack.people.responseUrl("U1", "C8") }),
      {},
    ],
  ])("is shown whole when it is %s, though such a text may be shorter", async (_what, where, how) => {
    slack.channel("C8", { absent: true });
    const text = "service <&>\n".repeat(280).trimEnd();
    const there = typeof where === "function" ? where() : where;
    await link.send({ place: there, parts: [{ kind: "code", text }], ...how });
    const [whisper] = slack.people.whispers;
    expect(whisper?.live).toEqual([]);
    expect(whisper?.text.replaceAll("\n```\n```\n", "\n")).toBe(`\`\`\`\n${text}\n\`\`\``);
  });

  it("is a file beside a comment, and buttons have no place there", async () => {
    const file = { name: "answer.txt", text: "greeter\n" };
    await link.send({ place, parts: [{ kind: "text", text: "many" }], file, choices });
    expect(slack.posts).toMatchObject([{ text: "many", file }]);
    expect(slack.posts[0]?.blocks).toBeUndefined();
  });

  it("is said anew when nothing is known of its key, as after a restart", async () => {
    await link.send(grown("sure?", { choices }));
    await link.close();
    link = await slackInput(slack)().connect();
    await link.send(grown("done", { progress: { key: "k", last: true } }));
    expect(slack.posts.map(({ text }) => text)).toEqual([
      "logs of greeter\n```\nsure?\n```",
      "logs of greeter\n```\ndone\n```",
    ]);
  });

  it.each([
    ["nowhere", { room: "C1", team: "T1" }],
    ["in a workspace that is not served", { ...place, team: "T2" }],
  ])("is refused %s", async (_what, there) => {
    const message = { place: there, parts: [{ kind: "text" as const, text: "lost" }] };
    await expect(link.send(message)).rejects.toMatchObject({ code: "invalid_argument" });
  });
});
