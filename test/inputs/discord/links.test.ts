import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Log } from "../../../src/core/log.ts";
import { type DiscordInit, discordInput } from "../../../src/inputs/discord/discord.ts";
import type { InputConnection } from "../../../src/inputs/input.ts";
import { type FakeDiscord, fakeDiscord, GENERAL, SELF } from "../../fakes/discord.ts";

const place = { room: GENERAL, channel: GENERAL, message: "400000000000000001", guild: "3" };
const answer = (text: string) => ({ place, parts: [{ kind: "text" as const, text }] });

describe("links to Discord", () => {
  const open: { close(): Promise<void> }[] = [];
  let discord: FakeDiscord;

  beforeEach(async () => {
    discord = await fakeDiscord({ heartbeatMs: 40 });
  });

  afterEach(async () => {
    for (const link of open.splice(0)) await link.close();
    await discord.close();
  });

  const connect = async (init: DiscordInit = {}): Promise<InputConnection> => {
    const link = await discordInput({ ...discord, ...init })().connect();
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

  describe("taking a session up again", () => {
    it("loses nothing that was said while the socket was away", async () => {
      const next = listen(await connect());
      discord.say("before");
      expect(await next()).toBe("before");
      discord.gateway.cut();
      discord.say("meanwhile");
      expect(await next()).toBe("meanwhile");
      expect(discord.gateway).toMatchObject({ identified: 1, resumed: 1 });
    });

    it("does so when Discord asks for it", async () => {
      const next = listen(await connect());
      discord.gateway.frame({ op: 7, d: null });
      await vi.waitFor(() => expect(discord.gateway.resumed).toBe(1), 4000);
      discord.say("on the new socket");
      expect(await next()).toBe("on the new socket");
    });

    it("is the end when Discord has forgotten the session, so that the bot knows", async () => {
      const next = listen(await connect())();
      discord.gateway.forget();
      discord.gateway.cut();
      await expect(next).rejects.toMatchObject({ code: "unavailable", message: expect.stringContaining("session") });
    });

    it("is the end when no socket is to be had", async () => {
      const next = listen(await connect())();
      discord.gateway.refuse(true);
      discord.gateway.close(4000);
      await expect(next).rejects.toMatchObject({ code: "unavailable" });
    });

    it("is the end when the next socket says nothing for a while", async () => {
      const next = listen(await connect({ lostMs: 700 }))();
      discord.gateway.mute();
      discord.gateway.close(4000);
      await expect(next).rejects.toMatchObject({ code: "unavailable", message: expect.stringContaining("code 4000") });
    });

    it("leaves no socket behind when it is closed in the middle of that", async () => {
      const link = await connect();
      discord.gateway.cut();
      await vi.waitFor(() => expect(discord.gateway.open).toBe(0));
      await link.close();
      // The library waits half a second before it connects again.
      await new Promise((resolve) => setTimeout(resolve, 700));
      expect(discord.gateway).toMatchObject({ open: 0, identified: 1, resumed: 0 });
    });
  });

  describe("losing", () => {
    it("notices a half-open socket by its silence", async () => {
      const next = listen(await connect({ quietMs: 150 }))();
      discord.gateway.freeze();
      await expect(next).rejects.toMatchObject({ code: "unavailable" });
    });

    it("closes a half-open socket without waiting for its good-bye", async () => {
      const link = await connect();
      discord.gateway.freeze();
      const began = performance.now();
      await link.close();
      expect(performance.now() - began).toBeLessThan(5000);
    });

    it("gives what it had before it says that the link is lost", async () => {
      const next = listen(await connect());
      discord.say("one");
      discord.say("two");
      await new Promise((resolve) => setTimeout(resolve, 30));
      discord.gateway.close(1000);
      expect([await next(), await next()]).toEqual(["one", "two"]);
      await expect(next()).rejects.toMatchObject({ code: "unavailable" });
    });

    it.each([
      [4004, "unauthenticated", "--discord_token"],
      [4011, "unauthenticated", "sharding"],
      [4013, "unauthenticated", "intents"],
      [4014, "unauthenticated", "Message Content Intent"],
    ])("close code %i is %s: %s", async (code, expected, words) => {
      const next = listen(await connect())();
      discord.gateway.close(code);
      await expect(next).rejects.toMatchObject({ code: expected, message: expect.stringContaining(words) });
    });
  });

  describe("connecting", () => {
    it("names the switch when Discord will not let the bot read messages", async () => {
      discord.withoutContent();
      const failed = discordInput(discord)().connect();
      const words = expect.stringContaining("Message Content Intent on under Bot, Privileged Gateway Intents");
      await expect(failed).rejects.toMatchObject({ code: "unauthenticated", message: words });
      await vi.waitFor(() => expect(discord.gateway.open).toBe(0));
    });

    it("takes a token with the `Bot ` that the original wanted before it", async () => {
      await connect({ token: `Bot ${discord.token}` });
      expect(discord.gateway.identified).toBe(1);
    });

    it("gives up in time when nobody says hello, and leaves no socket", async () => {
      discord.gateway.mute();
      await expect(discordInput(discord)().connect({ timeoutMs: 150 })).rejects.toMatchObject({ code: "timeout" });
      await vi.waitFor(() => expect(discord.gateway.open).toBe(0));
    });

    it("says unavailable when the gateway takes no sockets", async () => {
      discord.gateway.refuse(true);
      await expect(discordInput(discord)().connect({ timeoutMs: 5000 })).rejects.toMatchObject({ code: "unavailable" });
    });

    it("says when it can connect again, when it did so too often", async () => {
      discord.exhaust();
      const failed = discordInput(discord)().connect();
      await expect(failed).rejects.toMatchObject({ code: "unavailable", message: expect.stringContaining("120 min") });
    });

    it.each([
      [{ error: [401, 0, "401: Unauthorized"] }, "unauthenticated", "--discord_token"],
      [{ retryAfter: 30 }, "unavailable", "30"],
      [{ page: 502 }, "unavailable", "502"],
      [{ reset: true }, "unavailable", "reached"],
    ] as const)("GET /gateway/bot gives %j: %s", async (fault, code, words) => {
      discord.fault("GET /gateway/bot", fault);
      const failed = discordInput(discord)().connect();
      await expect(failed).rejects.toMatchObject({ code, message: expect.stringContaining(words) });
      expect(discord.gateway.open).toBe(0);
    });
  });

  describe("sending", () => {
    it("keeps to the rate that Discord's headers name, without asking", async () => {
      const link = await connect();
      const headers = { "x-ratelimit-limit": "5", "x-ratelimit-remaining": "0", "x-ratelimit-reset-after": "3.5" };
      discord.fault("POST /channels/messages", { times: 2, headers: { ...headers, "x-ratelimit-bucket": "b" } });
      // The first answer tells the library which bucket the channel has, the second what is left in it.
      await link.send(answer("zero"));
      await link.send(answer("one"));
      const failed = await link.send(answer("two")).catch((error: unknown) => error);
      expect(failed).toMatchObject({ code: "exhausted", details: { retryAfterMs: expect.any(Number) } });
      const { retryAfterMs } = (failed as { details: { retryAfterMs: number } }).details;
      expect(retryAfterMs).toBeGreaterThan(1000);
      expect(discord.posts).toHaveLength(2);
    });

    it("tells how long Discord wants it to wait, and asks once", async () => {
      const link = await connect();
      discord.fault("POST /channels/messages", { retryAfter: 3 });
      await expect(link.send(answer("x"))).rejects.toMatchObject({ code: "exhausted" });
      expect(discord.calls.filter(({ what }) => what.endsWith("/messages"))).toHaveLength(1);
    });

    it.each([
      [{ error: [403, 50001, "Missing Access"] }, "invalid_argument", "View Channel"],
      [{ error: [404, 10003, "Unknown Channel"] }, "invalid_argument", "Unknown Channel"],
      [{ error: [401, 0, "401: Unauthorized"] }, "unauthenticated", "--discord_token"],
      [{ page: 503 }, "unavailable", "503"],
    ] as const)("%j is %s", async (fault, code, words) => {
      const link = await connect();
      discord.fault("POST /channels/messages", fault);
      await expect(link.send(answer("x"))).rejects.toMatchObject({ code, message: expect.stringContaining(words) });
      await link.send(answer("x"));
      expect(discord.posts).toHaveLength(1);
    });

    it("is said anew when the message that grew was deleted", async () => {
      const link = await connect();
      await link.send({ ...answer("one"), progress: { key: "k", last: false } });
      discord.fault("PATCH /channels/messages", { error: [404, 10008, "Unknown Message"] });
      await link.send({ ...answer("two"), progress: { key: "k", last: false } });
      await link.send({ ...answer("three"), progress: { key: "k", last: true } });
      expect(discord.posts.map(({ text }) => text)).toEqual(["one", "three"]);
    });

    it("refuses a place that is not Discord's", async () => {
      const link = await connect();
      const nowhere = { ...answer("x"), place: { room: "r" } };
      await expect(link.send(nowhere)).rejects.toMatchObject({ code: "invalid_argument" });
      await expect(link.mark?.({ room: "r" }, "done")).rejects.toMatchObject({ code: "invalid_argument" });
    });
  });

  it("Leaked tokens (chat.md §6): no token is in any log line or error, whatever goes wrong", async () => {
    const written: string[] = [];
    const write = (fields: object, message: string) => void written.push(JSON.stringify(fields), message);
    const log: Log = { debug: write, info: write, warn: write, error: write };
    const everything = (error: unknown): string =>
      error instanceof Error
        ? `${error.stack} ${JSON.stringify(error)} ${"details" in error ? JSON.stringify(error.details) : ""} ${everything(error.cause)}`
        : "";
    const attempt = async () => {
      const link = await discordInput({ ...discord, whitelist: ["1"] })({ log }).connect();
      open.push(link);
      discord.fault("POST /channels/messages", { error: [400, 1, `no ${discord.token}`] });
      discord.say(`<@${SELF}> hello`);
      await link.send(answer("x"));
      await link.send(answer("x"));
    };
    const { token } = discord;
    for (const fault of [{ reset: true }, { page: 502 }, { error: [401, 0, `bad ${token}`] as const }, {}]) {
      discord.fault("GET /gateway/bot", fault);
      await attempt().catch((error: unknown) => void written.push(everything(error)));
    }
    await vi.waitFor(() => expect(written.length).toBeGreaterThan(3));
    expect(written.join("\n")).not.toContain(token);
  });
});
