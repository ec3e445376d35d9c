import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createOutbox, type Outbox } from "../../src/bot/outbox.ts";
import { silent } from "../../src/core/log.ts";
import type { InputConnection, OutgoingMessage } from "../../src/inputs/input.ts";
import { slackInput } from "../../src/inputs/slack/slack.ts";
import { slackWeb } from "../../src/inputs/slack/web.ts";
import { type ManualClock, manualClock } from "../fakes/clock.ts";
import { type FakeSlack, fakeSlack } from "../fakes/slack.ts";

const said = (channel: string, text: string, more: Partial<OutgoingMessage> = {}): OutgoingMessage => ({
  place: { room: channel, channel, team: "T1" },
  parts: [{ kind: "text", text }],
  ...more,
});

describe("Slack's limits, kept by the one queue of what goes out (chat.md §3)", () => {
  let clock: ManualClock;
  let slack: FakeSlack;
  let link: InputConnection;
  let outbox: Outbox;

  beforeEach(async () => {
    clock = manualClock();
    slack = await fakeSlack();
    link = await slackInput(slack)({ clock }).connect();
    outbox = createOutbox(clock, silent);
    outbox.use(link);
  });

  afterEach(async () => {
    outbox.close();
    await link.close();
    await slack.close();
  });

  const texts = (channel: string) => slack.posts.filter((post) => post.channel === channel).map(({ text }) => text);
  const asked = (method: string, channel: string) =>
    slack.calls.filter((call) => call.method === method && (call.args["channel"] ?? channel) === channel).length;
  const inOne = ({ channel }: { readonly channel?: string }) => channel === "C1";
  /** Goes on second by second until all of it is said, as often as Slack needs to answer. */
  const goOn = async (all: Promise<unknown>) => {
    let done = false;
    void all.then(() => {
      done = true;
    });
    for (let i = 0; i < 2000 && !done; i += 1) {
      await clock.advance(250);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    return all;
  };

  it("a storm of 429 in one channel: all is said there, once and in order, while the others go on", async () => {
    slack.fault("chat.postMessage", { times: 5, retryAfter: 3, when: inOne });
    const one = ["a", "b", "c", "d"].map((text) => outbox.send(said("C1", text)));
    const two = ["a", "b", "c"].map((text) => outbox.send(said("C2", text)));
    expect(await Promise.all(two)).toEqual([true, true, true]);
    expect(texts("C2")).toEqual(["a", "b", "c"]);
    expect(texts("C1")).toEqual([]);
    expect(await goOn(Promise.all(one))).toEqual([true, true, true, true]);
    expect(texts("C1")).toEqual(["a", "b", "c", "d"]);
    // Nobody was asked more often than Slack told.
    expect(asked("chat.postMessage", "C1")).toBe(9);
  });

  it("waits as long as Slack says, not less", async () => {
    slack.fault("chat.postMessage", { retryAfter: 30 });
    const sending = outbox.send(said("C1", "a"));
    await vi.waitFor(() => expect(clock.sleepers).toBe(1));
    await clock.advance(29_000);
    expect(asked("chat.postMessage", "C1")).toBe(1);
    await clock.advance(1000);
    expect(await sending).toBe(true);
  });

  it("lets a burst through, and keeps to one a second in a channel once Slack has complained", async () => {
    for (const text of ["a", "b", "c"]) await outbox.send(said("C1", text));
    expect(clock.sleepers).toBe(0);
    slack.fault("chat.postMessage", { retryAfter: 1 });
    const began = clock.now();
    const at: number[] = [];
    const sending = ["d", "e", "f"].map((text) =>
      outbox.send(said("C1", text)).then(() => at.push(clock.now() - began)),
    );
    for (const text of ["a", "b", "c"]) await outbox.send(said("C2", text));
    await goOn(Promise.all(sending));
    expect(texts("C1")).toEqual(["a", "b", "c", "d", "e", "f"]);
    for (const [index, ms] of at.entries()) expect(ms).toBeGreaterThanOrEqual(1000 * (index + 1));
    expect(asked("chat.postMessage", "C1")).toBe(7);
    await clock.advance(60_000);
    for (const text of ["g", "h"]) await outbox.send(said("C1", text));
    expect(texts("C1")).toHaveLength(8);
  });

  it.each(["files.getUploadURLExternal", "upload", "files.completeUploadExternal"])(
    "a 429 during an upload, at %s: the file is said once, and what was said after it comes after it",
    async (step) => {
      slack.fault(step, { times: 2, retryAfter: 2 });
      const file = { name: "all.txt", text: "all" };
      const sending = [outbox.send(said("C1", "summary", { file })), outbox.send(said("C1", "next"))];
      await outbox.send(said("C2", "elsewhere"));
      expect(await goOn(Promise.all(sending))).toEqual([true, true]);
      expect(slack.posts.filter(({ channel }) => channel === "C1")).toMatchObject([
        { text: "summary", file: { text: "all" } },
        { text: "next" },
      ]);
      expect(texts("C2")).toEqual(["elsewhere"]);
    },
  );

  it("a 429 on an update: the message shows its end, once, and the answers of other channels go on", async () => {
    let now = "one";
    outbox.grow("k", () => said("C1", now, { progress: { key: "k", last: false } }));
    await clock.advance(1000);
    await vi.waitFor(() => expect(texts("C1")).toEqual(["one"]));
    slack.fault("chat.update", { times: 3, retryAfter: 5 });
    now = "two";
    outbox.grow("k", () => said("C1", now, { progress: { key: "k", last: false } }));
    const last = outbox.send(said("C1", "three, the end", { progress: { key: "k", last: true } }));
    await outbox.send(said("C2", "elsewhere"));
    expect(await goOn(last)).toBe(true);
    expect(texts("C1")).toEqual(["three, the end"]);
    expect(texts("C2")).toEqual(["elsewhere"]);
  });

  it("a link that is lost in the middle of a storm loses nothing", async () => {
    slack.fault("chat.postMessage", { times: 2, retryAfter: 3, when: inOne });
    const sending = ["a", "b"].map((text) => outbox.send(said("C1", text)));
    await vi.waitFor(() => expect(clock.sleepers).toBe(1));
    outbox.use(undefined);
    await link.close();
    link = await slackInput(slack)({ clock }).connect();
    outbox.use(link);
    expect(await goOn(Promise.all(sending))).toEqual([true, true]);
    expect(texts("C1")).toEqual(["a", "b"]);
  });

  it("closing ends who waits for a turn in a channel", async () => {
    slack.fault("chat.postMessage", { retryAfter: 1 });
    await link.send(said("C1", "a")).catch(() => {});
    const waiting = expect(link.send(said("C1", "a"))).rejects.toMatchObject({ code: "unavailable" });
    await link.close();
    await waiting;
    expect(clock.sleepers).toBe(0);
  });

  it.each([
    "auth.test",
    "users.info",
    "chat.postMessage",
    "chat.postEphemeral",
    "chat.update",
    "reactions.add",
    "views.open",
    "views.publish",
    "files.getUploadURLExternal",
    "files.completeUploadExternal",
  ])("`Retry-After` is heard in the headers of %s", async (method) => {
    await using web = await slackWeb({ ...slack, secrets: [] }, silent);
    slack.fault(method, { retryAfter: 7 });
    await expect(web.call(method, (client) => client.apiCall(method))).rejects.toMatchObject({
      code: "exhausted",
      details: { retryAfterMs: 7000 },
    });
  });
});
