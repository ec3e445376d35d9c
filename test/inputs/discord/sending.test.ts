import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { discordInput } from "../../../src/inputs/discord/discord.ts";
import type { IncomingMessage, InputConnection, OutgoingMessage } from "../../../src/inputs/input.ts";
import { DIRECT, type FakeDiscord, fakeDiscord, GENERAL } from "../../fakes/discord.ts";

const place = { room: GENERAL, channel: GENERAL, message: "400000000000000001", guild: "300000000000000001" };
const answer = (text: string, more: Partial<OutgoingMessage> = {}): OutgoingMessage => ({
  place,
  parts: [{ kind: "text", text }],
  ...more,
});

describe("what the bot says in Discord", () => {
  let discord: FakeDiscord;
  let link: InputConnection;
  let heard: AsyncIterator<IncomingMessage>;

  beforeEach(async () => {
    discord = await fakeDiscord();
    link = await discordInput(discord)().connect();
    heard = link[Symbol.asyncIterator]();
  });

  afterEach(async () => {
    await link.close();
    await discord.close();
  });

  const press = async (label: string) => {
    const id = discord.press(label);
    const { value, done } = await heard.next();
    if (done) throw new Error("the link ended");
    await vi.waitFor(() => expect(discord.signs.get(id)).toBe("deferred"));
    return { id, message: value };
  };

  it("is a reply that notifies nobody, whatever it says", async () => {
    await link.send(answer("<@100000000000000001> @everyone <@&1234>"));
    expect(discord.posts).toMatchObject([{ replyTo: place.message, live: [], pings: [] }]);
    expect(discord.posts[0]?.body.allowed_mentions).toEqual({ parse: [], replied_user: false });
    await link.send(answer("direct", { place: { room: DIRECT, channel: DIRECT, message: "4" } }));
    expect(discord.posts[1]).toMatchObject({ replyTo: undefined, channel: DIRECT });
  });

  it("Unfurl exfiltration (chat.md §6): no preview, by flag and by brackets, also when it changes and beside a file", async () => {
    const spy = "see https://evil.example/?q=secret.";
    await link.send(answer(spy, { progress: { key: "k", last: false } }));
    await link.send(answer(`again ${spy}`, { progress: { key: "k", last: true } }));
    await link.send(answer(spy, { file: { name: "a.txt", text: "x" } }));
    const bodies = discord.calls.filter(({ what }) => what.includes("/messages")).map(({ body }) => body);
    expect(bodies).toHaveLength(3);
    for (const body of bodies) {
      expect(body.flags).toBe(4);
      expect(body.content).toContain("<https://evil.example/?q=secret>.");
    }
    for (const { live } of discord.posts) expect(live).toEqual([]);
  });

  it("stands aside in a thread of the question, one for all answers", async () => {
    await link.send(answer("one", { aside: true }));
    await link.send(answer("two", { aside: true }));
    expect(discord.posts.map(({ channel, replyTo }) => [channel, replyTo])).toEqual([
      [place.message, undefined],
      [place.message, undefined],
    ]);
  });

  it("stays where it is when it may make no thread, or is in one", async () => {
    discord.fault("POST /channels/messages/threads", { error: [403, 50013, "Missing Permissions"] });
    await link.send(answer("one", { aside: true }));
    await link.send(answer("opens", { aside: true }));
    const inside = { ...place, channel: place.message, room: place.message, message: "400000000000000002" };
    await link.send(answer("two", { aside: true, place: inside }));
    expect(discord.posts.map(({ channel }) => channel)).toEqual([GENERAL, place.message, place.message]);
  });

  it("keeps a file's name and text", async () => {
    const file = { name: "größe {1}.txt", text: "ü\u0000\n" };
    await link.send(answer("see", { file }));
    expect(discord.posts[0]?.file?.text).toBe(file.text);
    expect(discord.posts[0]?.file?.name).toContain(".txt");
  });

  it("leaves out choices that do not fit, and says each line once", async () => {
    const choices = [
      { label: "long", line: "x".repeat(97) },
      { label: "Yes", line: "yes" },
      { label: "Yes again", line: "yes" },
      { label: "l".repeat(200), line: "no", weight: "danger" as const },
      ...Array.from({ length: 30 }, (_, index) => ({ label: String(index), line: `n${index}` })),
    ];
    await link.send(answer("?", { choices }));
    const { buttons, body } = discord.posts[0] ?? {};
    expect(buttons).toHaveLength(25);
    expect(body?.components?.map((row) => row.components.length)).toEqual([5, 5, 5, 5, 5]);
    expect(buttons?.slice(0, 2)).toMatchObject([{ label: "Yes again" }, { label: "l".repeat(80), style: 4 }]);
  });

  it("whispers in answer to a press, and says it in the open when Discord will not have it any more", async () => {
    await link.send(answer("?", { choices: [{ label: "Yes", line: "yes" }] }));
    const { id, message } = await press("Yes");
    await link.send({ place: message.place, parts: [{ kind: "text", text: "<@1234> for you" }], whisper: true });
    expect(discord.posts.at(-1)).toMatchObject({
      channel: `only who pressed ${id}`,
      text: "<@1234> for you",
      live: [],
      pings: [],
    });
    discord.fault(`POST /webhooks/press-${id}`, { error: [404, 10015, "Unknown Webhook"] });
    await link.send({ place: message.place, parts: [{ kind: "text", text: "late" }], whisper: true });
    expect(discord.posts.at(-1)).toMatchObject({ channel: GENERAL, text: "late" });
  });

  it("Approval buttons (chat.md §6): each press is one message by who pressed, and a press of a stale button only a line", async () => {
    await link.send(answer("?", { choices: [{ label: "Yes", line: "yes 1f" }], progress: { key: "k", last: false } }));
    const first = await press("Yes");
    const second = await press("Yes");
    expect(first.message.id).not.toBe(second.message.id);
    expect(first.message).toMatchObject({ text: "yes 1f", addressed: true });
    await link.send(answer("done", { progress: { key: "k", last: true } }));
    expect(discord.posts[0]?.buttons).toEqual([]);
  });

  it("waits a moment to put a sign where Discord wants that, and no longer", async () => {
    const reactions = "PUT /channels/messages/reactions";
    await link.mark?.(place, "taken");
    discord.fault(reactions, { retryAfter: 0.2 });
    await link.mark?.(place, "done");
    expect(discord.reactions.get(place.message)).toEqual(["✅"]);
    discord.fault(reactions, { retryAfter: 60 });
    await expect(link.mark?.(place, "failed")).rejects.toMatchObject({ code: "exhausted" });
  });
});
