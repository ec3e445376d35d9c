import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { InputConnection, OutgoingMessage } from "../../../src/inputs/input.ts";
import { telegramInput } from "../../../src/inputs/telegram/telegram.ts";
import { ANN, type FakeTelegram, FORUM, fakeTelegram, GROUP, TOPIC } from "../../fakes/telegram.ts";

const place = { room: String(GROUP), chat: String(GROUP), message: "300", group: "true" };
const answer = (text: string, more: Partial<OutgoingMessage> = {}): OutgoingMessage => ({
  place,
  parts: [{ kind: "text", text }],
  ...more,
});

describe("what the bot says in Telegram", () => {
  let telegram: FakeTelegram;
  let link: InputConnection;

  beforeEach(async () => {
    telegram = await fakeTelegram();
    link = await telegramInput({ ...telegram, pollMs: 1000 })().connect();
  });

  afterEach(async () => {
    await link.close();
    await telegram.close();
  });

  it("is a reply in a group, in its topic, and none in direct talk", async () => {
    await link.send(answer("group"));
    const topic = { ...place, chat: String(FORUM), topic: String(TOPIC) };
    await link.send(answer("topic", { place: topic, file: { name: "a.txt", text: "a" } }));
    await link.send(answer("direct", { place: { room: String(ANN), chat: String(ANN), message: "4" } }));
    expect(telegram.posts).toMatchObject([
      { chat: GROUP, replyTo: 300, topic: undefined },
      { chat: FORUM, replyTo: 300, topic: TOPIC, file: { text: "a" } },
      { chat: ANN, replyTo: undefined },
    ]);
  });

  it("says so when it says again what may be there already, and not when that was refused", async () => {
    const pong = answer("pong");
    telegram.fault("sendMessage", { retryAfter: 1 });
    telegram.fault("sendMessage", { lost: true });
    await expect(link.send(pong)).rejects.toMatchObject({ code: "exhausted" });
    await expect(link.send(pong)).rejects.toMatchObject({ code: "unavailable" });
    await link.send(pong);
    await link.send(answer("pong"));
    const again = "(said again, because nobody told me that it arrived)\npong";
    expect(telegram.posts.map(({ text }) => text)).toEqual(["pong", again, "pong"]);
  });

  it("says so of what grows, and changes that one from then on", async () => {
    const grown = (text: string, last = false) => answer(text, { progress: { key: "g", last } });
    telegram.fault("sendMessage", { lost: true });
    await expect(link.send(grown("1"))).rejects.toMatchObject({ code: "unavailable" });
    await link.send(grown("2"));
    expect(telegram.posts.map(({ text }) => text)).toEqual(["1", expect.stringMatching(/^\(said again.*\n2$/)]);
    await link.send(grown("3", true));
    expect(telegram.posts.map(({ text }) => text)).toEqual(["1", "3"]);
  });

  it("Unfurl exfiltration (chat.md §6): previews are off in every message, also when it changes", async () => {
    await link.send(answer("https://evil.example/?q=secret", { progress: { key: "k", last: false } }));
    await link.send(answer("https://evil.example/?q=more", { progress: { key: "k", last: true } }));
    const said = telegram.calls.filter(({ method }) => /sendMessage|editMessageText/.test(method));
    expect(said.map(({ args }) => args["link_preview_options"])).toEqual([
      { is_disabled: true },
      { is_disabled: true },
    ]);
  });

  it("shortens what stands beside a file to the length of a caption, and never the file", async () => {
    const text = "0123456789\n".repeat(300);
    const parts = [
      { kind: "code" as const, text },
      { kind: "text" as const, text: "300 lines; all of it is in the file" },
    ];
    await link.send({ place, parts, file: { name: "größe; x=1.txt", text: text.repeat(100) } });
    const [post] = telegram.posts;
    expect(post?.text.length).toBeLessThanOrEqual(1024);
    expect(post?.text).toMatch(/…\n300 lines; all of it is in the file$/);
    expect(post?.file).toEqual({ name: "gr__e__x_1.txt", text: text.repeat(100) });
  });

  it("is no error when it says already what it is to say", async () => {
    const grown = (text: string, last: boolean) => answer(text, { progress: { key: "k", last } });
    await link.send(grown("same", false));
    await link.send(grown("same", false));
    await link.send(grown("same", true));
    expect(telegram.posts).toMatchObject([{ text: "same", edits: 0 }]);
  });

  it("is said anew when the message that grew was deleted", async () => {
    await link.send(answer("one", { progress: { key: "k", last: false } }));
    telegram.fault("editMessageText", { error: [400, "Bad Request: message to edit not found"] });
    await link.send(answer("two", { progress: { key: "k", last: false } }));
    await link.send(answer("three", { progress: { key: "k", last: true } }));
    expect(telegram.posts.map(({ text }) => text)).toEqual(["one", "three"]);
  });

  it("leaves out choices that are too long for a button, in bytes", async () => {
    const choices = [
      { label: "too long", line: "ü".repeat(32) },
      { label: "just fits", line: `${"ü".repeat(31)}x` },
      { label: " ", line: "nothing on it" },
      ...Array.from({ length: 4 }, (_, index) => ({ label: String(index), line: `n${index}` })),
    ];
    await link.send(answer("?", { choices }));
    expect(telegram.posts[0]?.buttons.map(({ text }) => text)).toEqual(["just fits", "0", "1", "2", "3"]);
  });

  it.each([
    [{ error: [403, "Forbidden: bot was kicked from the group chat"] }, "invalid_argument", "kicked"],
    [{ error: [400, "Bad Request: chat not found"] }, "invalid_argument", "chat not found"],
    [{ error: [401, "Unauthorized"] }, "unauthenticated", "@BotFather"],
    [{ retryAfter: 31 }, "exhausted", "31000 ms"],
    [{ page: 502 }, "unavailable", "reached"],
    [{ error: [500, "Internal Server Error"] }, "unavailable", "500"],
    [{ reset: true }, "unavailable", "ECONNRESET"],
  ] as const)("%j is %s", async (fault, code, words) => {
    telegram.fault("sendMessage", fault);
    await expect(link.send(answer("x"))).rejects.toMatchObject({ code, message: expect.stringContaining(words) });
    await link.send(answer("x"));
    expect(telegram.posts).toHaveLength(1);
  });

  it("tells how long Telegram wants it to wait", async () => {
    telegram.fault("sendMessage", { retryAfter: 3 });
    await expect(link.send(answer("x"))).rejects.toMatchObject({ details: { retryAfterMs: 3000 } });
  });

  it("uses signs that Telegram allows", async () => {
    for (const sign of ["taken", "waiting", "done", "failed"] as const) await link.mark?.(place, sign);
    expect(telegram.reactions.get(`${GROUP}/300`)).toBe("👎");
  });

  it("refuses a place that is not Telegram's", async () => {
    await expect(link.send(answer("x", { place: { room: "r" } }))).rejects.toMatchObject({ code: "invalid_argument" });
    await expect(link.mark?.({ room: "r" }, "done")).rejects.toMatchObject({ code: "invalid_argument" });
  });
});
