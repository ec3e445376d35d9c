import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type Log, silent } from "../../../src/core/log.ts";
import type { InputConnection } from "../../../src/inputs/input.ts";
import { slackInput } from "../../../src/inputs/slack/slack.ts";
import { openSocket } from "../../../src/inputs/slack/socket.ts";
import { slackWeb, type Web } from "../../../src/inputs/slack/web.ts";
import { manualClock } from "../../fakes/clock.ts";
import { type FakeSlack, fakeSlack } from "../../fakes/slack.ts";

const place = { room: "C1", channel: "C1", team: "T1" };
const answer = (text: string) => ({ place, parts: [{ kind: "text" as const, text }] });

describe("links to Slack", () => {
  const clock = manualClock();
  const open: { close(): Promise<void> }[] = [];
  let slack: FakeSlack;

  beforeEach(async () => {
    slack = await fakeSlack();
  });

  afterEach(async () => {
    for (const link of open.splice(0)) await link.close();
    await slack.close();
  });

  const connect = async (init: { clientPingTimeoutMs?: number } = {}): Promise<InputConnection> => {
    const link = await slackInput({ ...slack, ...init })({ clock }).connect();
    open.push(link);
    return link;
  };

  const take = async (iterator: AsyncIterator<{ text: string; id: string }>) => {
    const { value, done } = await iterator.next();
    if (done) throw new Error("the link ended");
    return value;
  };

  describe("redelivery", () => {
    it("comes late, with the same id, while nobody asks for the next message, and copies of what waits are one", async () => {
      const iterator = (await connect())[Symbol.asyncIterator]();
      const said = slack.say("one");
      const ids = [(await take(iterator)).id];
      for (let i = 0; i < 4; i += 1) slack.sockets.redeliver();
      expect(slack.sockets.attempts.get(said.eventIds[0] ?? "")).toEqual([0, 1, 2, 3]);
      expect(slack.acked(said)).toBe(false);
      slack.user("U2");
      slack.say("two", { user: "U2" });
      // Once what comes after them is here, they are.
      await vi.waitFor(() => expect(slack.calls.filter((call) => call.method === "users.info")).toHaveLength(2));
      ids.push((await take(iterator)).id);
      expect(new Set(ids)).toEqual(new Set([`T1/C1/${said.ts}`]));
      expect((await take(iterator)).text).toBe("two");
      await vi.waitFor(() => expect(slack.acked(said)).toBe(true));
    });

    it("comes on another socket, when there are two", async () => {
      const [first, second] = [await connect(), await connect()].map((link) => link[Symbol.asyncIterator]());
      const said = slack.say("one");
      const one = await take(first as AsyncIterator<{ text: string; id: string }>);
      slack.sockets.redeliver();
      const copy = await take(second as AsyncIterator<{ text: string; id: string }>);
      expect(copy).toEqual(one);
      expect(slack.sockets.attempts.get(said.eventIds[0] ?? "")).toEqual([0, 1]);
    });

    it("a message whose process died before taking the next one goes to the next process", async () => {
      const dying = await connect();
      slack.say("precious");
      expect((await take(dying[Symbol.asyncIterator]())).text).toBe("precious");
      await dying.close();
      const heir = (await connect())[Symbol.asyncIterator]();
      slack.sockets.redeliver();
      expect((await take(heir)).text).toBe("precious");
    });
  });

  it("a slash command that waited longer than its sender does is not done, and events are", async () => {
    const iterator = (await connect())[Symbol.asyncIterator]();
    slack.say("one");
    expect((await take(iterator)).text).toBe("one");
    const command = { command: "/micro", team_id: "T1", user_id: "U1", channel_id: "C1", trigger_id: "1.2.3" };
    const typed = (id: string, text: string) =>
      slack.sockets.frame({ type: "slash_commands", envelope_id: id, payload: { ...command, trigger_id: id, text } });
    typed("1", "deregister service x");
    const two = slack.say("two");
    // Frames arrive in order, and this one is acknowledged at once.
    const after = slack.event({ type: "reaction_added" });
    await vi.waitFor(() => expect(slack.sockets.acked).toContain(after));
    await clock.advance(2500);
    typed("2", "list services");
    const heard = [await take(iterator), await take(iterator)].map(({ text }) => text);
    expect(heard).toEqual(["two", "list services"]);
    await vi.waitFor(() => expect(slack.acked(two)).toBe(true));
  });

  describe("moving, when Slack asks for it", () => {
    it.each(["warning", "refresh_requested"])("%s: the next socket takes over and nothing is lost", async (reason) => {
      const link = await connect();
      const iterator = link[Symbol.asyncIterator]();
      slack.say("before");
      expect((await take(iterator)).text).toBe("before");
      await clock.advance(60_000);
      slack.sockets.frame({ type: "disconnect", reason, debug_info: {} });
      slack.say("while nobody listens");
      const seen = new Set<string>();
      while (!seen.has("while nobody listens")) seen.add((await take(iterator)).text);
      await link.send(answer("still here"));
      expect(slack.posts.map((post) => post.text)).toEqual(["still here"]);
      await vi.waitFor(() => expect(slack.sockets.open).toBe(1));
    });

    it("again and again at once is no moving but a loss, so that the bot waits before it tries", async () => {
      const link = await connect();
      const next = take(link[Symbol.asyncIterator]());
      slack.sockets.frame({ type: "disconnect", reason: "refresh_requested" });
      await expect(next).rejects.toMatchObject({ code: "unavailable" });
    });

    it("ends the link when no new socket is to be had", async () => {
      const link = await connect();
      const next = take(link[Symbol.asyncIterator]());
      await clock.advance(60_000);
      slack.fault("apps.connections.open", { status: 503 });
      slack.sockets.frame({ type: "disconnect", reason: "warning" });
      await expect(next).rejects.toMatchObject({ code: "unavailable", message: expect.stringContaining("503") });
    });

    it("leaves nothing of the old socket behind, though it never says good-bye", async () => {
      const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === "Timeout").length;
      const before = timers();
      const link = await connect();
      await clock.advance(60_000);
      slack.sockets.frame({ type: "disconnect", reason: "warning" });
      slack.sockets.freeze();
      const iterator = link[Symbol.asyncIterator]();
      slack.say("to the new one");
      expect((await take(iterator)).text).toBe("to the new one");
      await link.close();
      // The timer of a socket that waits for a good-bye would stay for half a minute.
      for (let i = 0; i < 100 && timers() > before; i += 1) await new Promise((resolve) => setTimeout(resolve, 10));
      expect(timers()).toBeLessThanOrEqual(before);
    });

    it("closes while it moves", async () => {
      const link = await connect();
      await clock.advance(60_000);
      slack.mute();
      slack.sockets.frame({ type: "disconnect", reason: "warning" });
      await vi.waitFor(() =>
        expect(slack.calls.filter((call) => call.method === "apps.connections.open")).toHaveLength(2),
      );
      await link.close();
      await vi.waitFor(() => expect(slack.sockets.open).toBe(0));
    });

    it("says what to do when Socket Mode was switched off", async () => {
      const link = await connect();
      const next = take(link[Symbol.asyncIterator]());
      slack.sockets.frame({ type: "disconnect", reason: "link_disabled" });
      await expect(next).rejects.toMatchObject({
        code: "unavailable",
        message: expect.stringContaining("Socket Mode"),
      });
    });
  });

  describe("losing", () => {
    it("notices a half-open socket, and closes it without waiting for a good-bye", async () => {
      const link = await connect({ clientPingTimeoutMs: 200 });
      const next = take(link[Symbol.asyncIterator]());
      slack.sockets.freeze();
      await expect(next).rejects.toMatchObject({ code: "unavailable" });
      await link.close();
    });

    it("closes a half-open socket that it has not noticed yet", async () => {
      const link = await connect();
      slack.sockets.freeze();
      const began = performance.now();
      await link.close();
      expect(performance.now() - began).toBeLessThan(3000);
    });

    it("says so while a message is worked on, and leaves to the next link what waits", async () => {
      const link = await connect();
      const iterator = link[Symbol.asyncIterator]();
      const said = ["one", "two", "three"].map((text) => slack.say(text));
      expect((await take(iterator)).text).toBe("one");
      slack.sockets.cut();
      expect(await link.lost).toMatchObject({ code: "unavailable" });
      await expect(take(iterator)).rejects.toMatchObject({ code: "unavailable" });
      expect(said.map((one) => slack.acked(one))).toEqual([false, false, false]);

      const next = (await connect())[Symbol.asyncIterator]();
      slack.sockets.redeliver();
      expect([await take(next), await take(next), await take(next)].map(({ text }) => text)).toEqual([
        "one",
        "two",
        "three",
      ]);
    });
  });

  describe("connecting", () => {
    it("gives up in time when nobody says hello", async () => {
      slack.mute();
      await expect(slackInput(slack)().connect({ timeoutMs: 100 })).rejects.toMatchObject({ code: "timeout" });
      await vi.waitFor(() => expect(slack.sockets.open).toBe(0));
    });

    it("gives up when told so, while Slack is asked for an address", async () => {
      let release = () => {};
      slack.fault("apps.connections.open", { until: new Promise<void>((resolve) => (release = resolve)) });
      const stop = new AbortController();
      const connecting = slackInput(slack)().connect({ signal: stop.signal });
      await vi.waitFor(() => expect(slack.calls.at(-1)?.method).toBe("apps.connections.open"));
      stop.abort();
      await expect(connecting).rejects.toMatchObject({ code: "cancelled" });
      release();
      await vi.waitFor(() => expect(slack.sockets.open).toBe(0));
    });

    it("opens no socket for who gave up at the last moment", async () => {
      await using web = await slackWeb({ ...slack, secrets: [] }, silent);
      const stop = new AbortController();
      const url = slack.sockets.ticket();
      const clientOptions: Web["clientOptions"] = (signal) => ({
        ...web.clientOptions(signal),
        fetch: async () => ({
          ok: true,
          status: 200,
          statusText: "OK",
          url: slack.apiUrl,
          headers: new Headers(),
          arrayBuffer: async () => new ArrayBuffer(0),
          json: async () => ({}),
          text: async () => {
            stop.abort();
            return JSON.stringify({ ok: true, url });
          },
        }),
      });
      const opening = openSocket({ ...web, clientOptions }, slack, () => {}, { signal: stop.signal });
      await expect(opening).rejects.toMatchObject({ code: "cancelled" });
      await new Promise((resolve) => setTimeout(resolve, 50));
      expect(slack.sockets.open).toBe(0);
    });

    it.each([
      ["auth.test", { error: "invalid_auth" }, "unauthenticated", "--slack_token"],
      ["auth.test", { error: "account_inactive" }, "unauthenticated", "--slack_token"],
      ["auth.test", { error: "token_revoked" }, "unauthenticated", "xoxb-"],
      ["auth.test", { retryAfter: 30 }, "unavailable", "30 s"],
      ["auth.test", { status: 502 }, "unavailable", "502"],
      ["auth.test", { reset: true }, "unavailable", "reached"],
      ["apps.connections.open", { error: "invalid_auth" }, "unauthenticated", "--slack_app_token"],
      [
        "apps.connections.open",
        { error: "missing_scope", needed: "connections:write" },
        "unauthenticated",
        "connections:write",
      ],
      ["apps.connections.open", { error: "internal_error" }, "unavailable", "internal_error"],
      ["apps.connections.open", { retryAfter: 30 }, "unavailable", "30 s"],
    ] as const)("%s says %j: %s", async (method, fault, code, words) => {
      slack.fault(method, fault);
      await expect(slackInput(slack)().connect()).rejects.toMatchObject({
        code,
        message: expect.stringContaining(words),
      });
      expect(slack.sockets.open).toBe(0);
    });

    it("connects when Slack failed twice before", async () => {
      slack.fault("apps.connections.open", { times: 2, error: "internal_error" });
      await expect(connect()).rejects.toMatchObject({ code: "unavailable" });
      await expect(connect()).rejects.toMatchObject({ code: "unavailable" });
      await connect();
    });
  });

  describe("sending", () => {
    it("Unfurl exfiltration (chat.md §6): previews are off in every message", async () => {
      const link = await connect();
      await link.send(answer("https://evil.example/?q=secret"));
      expect(slack.posts[0]?.args).toMatchObject({ unfurl_links: "false", unfurl_media: "false", link_names: "false" });
    });

    it("is one message in the thread, with its file", async () => {
      const link = await connect();
      const there = { ...place, thread: "1.000001" };
      await link.send({ ...answer("first lines"), place: there, file: { name: "all.txt", text: "<all>" } });
      expect(slack.posts).toMatchObject([
        { channel: "C1", thread: "1.000001", text: "first lines", file: { name: "all.txt", text: "<all>" } },
      ]);
    });

    describe("whose acknowledgement is lost", () => {
      const asked = (method: string) => slack.calls.filter((call) => call.method === method).length;

      it("is not said again when the channel has it", async () => {
        const link = await connect();
        slack.fault("chat.postMessage", { lost: true });
        const message = answer("once");
        await expect(link.send(message)).rejects.toMatchObject({ code: "unavailable" });
        await link.send(message);
        expect(slack.posts.map(({ text }) => text)).toEqual(["once"]);
        expect([asked("chat.postMessage"), asked("conversations.history")]).toEqual([1, 1]);
      });

      it("is not said again in a thread that has it", async () => {
        const link = await connect();
        slack.fault("chat.postMessage", { lost: true });
        const message = { ...answer("once"), place: { ...place, thread: "1.000001", ts: "1.000002" } };
        await expect(link.send(message)).rejects.toMatchObject({ code: "unavailable" });
        await link.send(message);
        expect(slack.posts.map(({ text }) => text)).toEqual(["once"]);
        expect([asked("conversations.replies"), asked("conversations.history")]).toEqual([1, 0]);
      });

      it("is said again when the channel has only another one with the same words", async () => {
        const link = await connect();
        await link.send(answer("once"));
        slack.fault("chat.postMessage", { reset: true });
        const message = answer("once");
        await expect(link.send(message)).rejects.toMatchObject({ code: "unavailable" });
        await link.send(message);
        expect(slack.posts.map(({ text }) => text)).toEqual(["once", "once"]);
      });

      it("is said again when nobody may look: better twice than never", async () => {
        const link = await connect();
        slack.fault("chat.postMessage", { reset: true });
        slack.fault("conversations.history", { error: "missing_scope", needed: "channels:history" });
        const message = answer("once");
        await expect(link.send(message)).rejects.toMatchObject({ code: "unavailable" });
        await link.send(message);
        expect(slack.posts).toHaveLength(1);
      });

      it("is found by what grows, which goes on growing there", async () => {
        const link = await connect();
        const grown = (text: string, last = false) => ({ ...answer(text), progress: { key: "g1", last } });
        slack.fault("chat.postMessage", { lost: true });
        await expect(link.send(grown("1"))).rejects.toMatchObject({ code: "unavailable" });
        await link.send(grown("1 2"));
        await link.send(grown("1 2 3", true));
        expect(slack.posts.map(({ text }) => text)).toEqual(["1 2 3"]);
      });
    });

    it("tells how long Slack wants it to wait, asks once, and can go on", async () => {
      const link = await connect();
      slack.fault("chat.postMessage", { times: 2, retryAfter: 3 });
      const asked = () => slack.calls.filter((call) => call.method === "chat.postMessage").length;
      for (const count of [1, 2]) {
        await expect(link.send(answer("x"))).rejects.toMatchObject({
          code: "exhausted",
          details: { retryAfterMs: 3000 },
        });
        expect(asked()).toBe(count);
        await clock.advance(3000);
      }
      await link.send(answer("x"));
      expect(slack.posts).toHaveLength(1);
    });

    it.each(["files.getUploadURLExternal", "upload", "files.completeUploadExternal"])(
      "a file that fails at %s is not half said",
      async (step) => {
        const link = await connect();
        const message = { ...answer("x"), file: { name: "a.txt", text: "a" } };
        slack.fault(step, { retryAfter: 2 });
        await expect(link.send(message)).rejects.toMatchObject({ code: "exhausted", details: { retryAfterMs: 2000 } });
        expect(slack.posts).toHaveLength(0);
        await clock.advance(2000);
        await link.send(message);
        expect(slack.posts).toHaveLength(1);
      },
    );

    it.each([
      ["not_in_channel", "invalid_argument"],
      ["channel_not_found", "invalid_argument"],
      ["is_archived", "invalid_argument"],
      ["msg_too_long", "invalid_argument"],
      ["token_revoked", "unauthenticated"],
      ["missing_scope", "unauthenticated"],
      ["ratelimited", "exhausted"],
      ["fatal_error", "unavailable"],
    ])("%s is %s", async (error, code) => {
      const link = await connect();
      slack.fault("chat.postMessage", { error });
      await expect(link.send(answer("x"))).rejects.toMatchObject({ code, message: expect.stringContaining(error) });
    });

    it("refuses a place that is not Slack's", async () => {
      const link = await connect();
      await expect(link.send({ ...answer("x"), place: { room: "r" } })).rejects.toMatchObject({
        code: "invalid_argument",
      });
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
      const link = await slackInput(slack)({ clock, log }).connect();
      open.push(link);
      await link.send(answer("x"));
      return link;
    };
    const note = (error: unknown) => void written.push(everything(error));

    for (const secret of [slack.token, slack.appToken]) {
      for (const method of ["auth.test", "apps.connections.open", "chat.postMessage"]) {
        slack.fault(method, { error: `bad token ${secret}` });
        await attempt().catch(note);
        slack.fault(method, { error: "invalid_auth" });
        await attempt().catch(note);
      }
    }
    slack.fault("apps.connections.open", { reset: true });
    await attempt().catch(note);
    const link = await attempt();
    slack.sockets.cut();
    await take(link[Symbol.asyncIterator]()).catch(note);
    slack.fault("users.info", { error: slack.token });
    slack.revoke();
    await attempt().catch(note);

    expect(written.length).toBeGreaterThan(20);
    const all = written.join("\n");
    for (const planted of [slack.token, slack.appToken, "planted"]) expect(all).not.toContain(planted);
    expect(all).not.toMatch(/ticket=[^*]/);
  });
});
