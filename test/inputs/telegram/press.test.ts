import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { systemClock } from "../../../src/core/clock.ts";
import { telegramInput } from "../../../src/inputs/telegram/telegram.ts";
import { ANN, type FakeTelegram, fakeTelegram } from "../../fakes/telegram.ts";

const HOUR = 3_600_000;

/** Telegram's clock is right; the bot hears of everything an hour later. */
const late = { now: () => Date.now() + HOUR, sleep: systemClock.sleep };

describe("when a button was pressed, which Telegram does not tell", () => {
  let telegram: FakeTelegram;
  beforeEach(async () => {
    telegram = await fakeTelegram();
  });
  afterEach(() => telegram.close());

  it("History replay = command replay (chat.md §6): one that waited for the bot is as old as the message it is on; while the bot listens it is pressed now", async () => {
    const input = telegramInput({ ...telegram, pollMs: 1000 })({ clock: late });
    const place = { room: String(ANN), chat: String(ANN) };
    const first = await input.connect();
    await first.send({ place, parts: [{ kind: "text", text: "sure?" }], choices: [{ label: "Yes", line: "yes 1" }] });
    await first.close();
    telegram.press("Yes");
    await using link = await input.connect();
    const messages = link[Symbol.asyncIterator]();
    const waited = (await messages.next()).value;
    expect(Math.abs(waited.sentAt - Date.now())).toBeLessThan(HOUR / 2);
    const next = messages.next();
    // It asks, and Telegram has nothing for a second.
    await new Promise((resolve) => setTimeout(resolve, 1500));
    telegram.press("Yes");
    const now = (await next).value;
    expect(Math.abs(now.sentAt - late.now())).toBeLessThan(HOUR / 2);
  });
});
