import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Log } from "../../../src/core/log.ts";
import type { InputConnection } from "../../../src/inputs/input.ts";
import { type TelegramInit, telegramInput } from "../../../src/inputs/telegram/telegram.ts";
import { manualClock } from "../../fakes/clock.ts";
import { ANN, type FakeTelegram, fakeTelegram } from "../../fakes/telegram.ts";

const place = { room: String(ANN), chat: String(ANN) };

describe("links to Telegram", () => {
  const open: { close(): Promise<void> }[] = [];
  let telegram: FakeTelegram;

  beforeEach(async () => {
    telegram = await fakeTelegram();
  });

  afterEach(async () => {
    for (const link of open.splice(0)) await link.close();
    await telegram.close();
  });

  const connect = async (init: TelegramInit = {}): Promise<InputConnection> => {
    const link = await telegramInput({ ...telegram, pollMs: 1000, ...init })().connect();
    open.push(link);
    return link;
  };

  const listen = (link: InputConnection) => {
    const iterator = link[Symbol.asyncIterator]();
    return async () => {
      const { value, done } = await iterator.next();
      if (done) throw new Error("the link ended");
      return value.text;
    };
  };
  const polls = () => telegram.calls.filter(({ method }) => method === "getUpdates").map(({ args }) => args["offset"]);

  it("says that a message was taken with the next question, once, and then asks without a number", async () => {
    const next = listen(await connect());
    telegram.say("one");
    telegram.say("two");
    expect([await next(), await next()]).toEqual(["one", "two"]);
    const waiting = next();
    await vi.waitFor(() => expect(telegram.taken.size).toBe(2));
    // After an empty answer there is nothing left to tell: Telegram may begin anew with lower numbers after a week.
    await vi.waitFor(() => expect(polls()).toHaveLength(4), 4000);
    const [first, second, third, fourth] = polls();
    expect([first, fourth]).toEqual([undefined, undefined]);
    expect(Number(third)).toBeGreaterThan(Number(second));
    telegram.say("three");
    expect(await waiting).toBe("three");
  });

  it("hears again what was asked for but not taken when the answer was lost on the way", async () => {
    const link = await connect();
    const next = listen(link);
    telegram.say("one");
    expect(await next()).toBe("one");
    telegram.fault("getUpdates", { reset: true });
    await expect(next()).rejects.toMatchObject({ code: "unavailable" });
    await link.close();
    expect(await listen(await connect())()).toBe("one");
  });

  it("ends when somebody else asks with the same token, and says so", async () => {
    const first = listen(await connect())();
    await vi.waitFor(() => expect(polls()).toHaveLength(1));
    const second = listen(await connect())();
    const words = expect.stringContaining("another program asks for them with the same token");
    await expect(first).rejects.toMatchObject({ code: "unavailable", message: words });
    telegram.say("to the second");
    expect(await second).toBe("to the second");
  });

  it("says what to do when a webhook is set", async () => {
    telegram.webhook(true);
    const failed = listen(await connect())();
    await expect(failed).rejects.toMatchObject({
      code: "unavailable",
      message: expect.stringContaining("deleteWebhook"),
    });
  });

  it("ends when Telegram does not answer in time", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
    try {
      const failed = listen(await connect())();
      const refused = expect(failed).rejects.toMatchObject({ code: "unavailable" });
      telegram.fault("getUpdates", { times: 9, until: new Promise(() => {}) });
      await vi.waitFor(() => expect(polls()).toHaveLength(1));
      await vi.advanceTimersByTimeAsync(30_000);
      await refused;
    } finally {
      vi.useRealTimers();
    }
  });

  it("does not ask without end where a server does not wait", async () => {
    const clock = manualClock();
    const link = await telegramInput({ ...telegram, pollMs: 0 })({ clock }).connect();
    open.push(link);
    const next = listen(link)();
    await new Promise((resolve) => setTimeout(resolve, 100));
    const asked = polls().length;
    telegram.say("one");
    expect(await Promise.race([next, clock.advance(1000).then(() => next)])).toBe("one");
    expect(asked).toBeLessThan(3);
  });

  it.each([
    [{ error: [401, "Unauthorized"] }, "unauthenticated", "@BotFather"],
    [{ error: [404, "Not Found"] }, "unauthenticated", "@BotFather"],
    [{ retryAfter: 30 }, "unavailable", "30000 ms"],
    [{ page: 502 }, "unavailable", "reached"],
    [{ reset: true }, "unavailable", "ECONNRESET"],
  ] as const)("getMe gives %j: %s", async (fault, code, words) => {
    telegram.fault("getMe", fault);
    const failed = telegramInput(telegram)().connect();
    await expect(failed).rejects.toMatchObject({ code, message: expect.stringContaining(words) });
  });

  it("gives up connecting in time, and when told so", async () => {
    telegram.fault("getMe", { times: 2, until: new Promise(() => {}) });
    await expect(telegramInput(telegram)().connect({ timeoutMs: 50 })).rejects.toMatchObject({ code: "timeout" });
    const stop = new AbortController();
    const connecting = telegramInput(telegram)().connect({ signal: stop.signal });
    await vi.waitFor(() => expect(telegram.calls).toHaveLength(2));
    stop.abort();
    await expect(connecting).rejects.toMatchObject({ code: "cancelled" });
  });

  it("Leaked tokens (chat.md §6): no token is in any log line or error, whatever goes wrong", async () => {
    const written: string[] = [];
    const write = (fields: object, message: string) => void written.push(JSON.stringify(fields), message);
    const log: Log = { debug: write, info: write, warn: write, error: write };
    const everything = (error: unknown): string =>
      error instanceof Error
        ? `${error.stack} ${JSON.stringify(error)} ${"details" in error ? JSON.stringify(error.details) : ""} ${everything(error.cause)}`
        : "";
    const { token } = telegram;
    const faults = [{ reset: true }, { page: 502 }, { error: [400, `bad ${token}`] as const }];
    for (const method of ["getMe", "getUpdates", "sendMessage"]) {
      for (const fault of faults) {
        const failing = async () => {
          telegram.fault(method, fault);
          const link = await telegramInput({ ...telegram, pollMs: 1000, whitelist: ["1"] })({ log }).connect();
          open.push(link);
          telegram.say("x");
          await link.send({ place, parts: [{ kind: "text", text: "x" }] });
          for await (const _ of link) break;
        };
        await failing().catch((error: unknown) => void written.push(everything(error)));
      }
    }
    await telegramInput({ ...telegram, apiUrl: "http://127.0.0.1:1" })({ log })
      .connect()
      .catch((error: unknown) => void written.push(everything(error)));
    expect(written.length).toBeGreaterThan(9);
    expect(written.join("\n")).not.toContain(token);
    expect(written.join("\n")).not.toContain("planted");
  });
});
