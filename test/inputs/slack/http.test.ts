import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type Log, silent } from "../../../src/core/log.ts";
import type { Arrived } from "../../../src/inputs/slack/arrivals.ts";
import { type HttpLimits, openHttp } from "../../../src/inputs/slack/http.ts";
import { type ManualClock, manualClock } from "../../fakes/clock.ts";
import { type Manner, type SlackRequests, slackRequests } from "../../fakes/slack-http.ts";

const NOW = Date.UTC(2026, 0, 1) / 1000;
const EVENT = JSON.stringify({
  type: "event_callback",
  event_id: "Ev1",
  team_id: "T1",
  event: { type: "message", channel: "C1", user: "U1", ts: "1.1", text: "list services" },
});

describe("Slack's signed requests", () => {
  let clock: ManualClock;
  const open: { close(): Promise<void> | void }[] = [];
  let arrived: Arrived[];
  let slack: SlackRequests;
  let port: number;

  const listen = async (limits: Partial<HttpLimits> = {}, log: Log = silent) => {
    const { signingSecret } = slackRequests({ port: 0 });
    const receiver = await openHttp(
      { signingSecret, address: { host: "127.0.0.1", port: 0 }, path: "/slack/events", limits },
      { clock, log },
      (envelope) => void arrived.push(envelope),
    );
    port = receiver.port;
    slack = slackRequests({ port, now: () => Math.floor(clock.now() / 1000) });
    open.push(receiver);
    return receiver;
  };

  /** What it is answered, when whoever gets it takes it at once. */
  const sent = async (body: string, how: Manner = {}) => {
    const got = slack.send(body, how);
    const taking = setInterval(() => {
      for (const envelope of arrived) envelope.ack().catch(() => {});
    }, 1);
    const { status } = await got;
    clearInterval(taking);
    return status;
  };

  beforeEach(() => {
    arrived = [];
    clock = manualClock(NOW * 1000);
  });

  afterEach(async () => {
    for (const one of open.splice(0)) await one.close();
  });

  describe("Slack HTTP endpoint unsigned (chat.md §6)", () => {
    beforeEach(async () => {
      await listen();
    });

    it.each<[string, Manner]>([
      [
        "unsigned: no headers at all",
        { headers: { "x-slack-signature": undefined, "x-slack-request-timestamp": undefined } },
      ],
      ["unsigned: no signature", { headers: { "x-slack-signature": undefined } }],
      ["unsigned: no timestamp", { headers: { "x-slack-request-timestamp": undefined } }],
      ["unsigned: an empty signature", { headers: { "x-slack-signature": "" } }],
      ["unsigned: a signature without a hash", { headers: { "x-slack-signature": "v0=" } }],
      ["unsigned: a signature of another length", { headers: { "x-slack-signature": "v0=00" } }],
      [
        "unsigned: two signatures",
        { headers: { "x-slack-signature": [`v0=${"0".repeat(64)}`, `v0=${"1".repeat(64)}`] } },
      ],
      ["unsigned: a blank timestamp", { timestamp: "" }],
      ["unsigned: a timestamp that is no number", { timestamp: "NaN" }],
      ["unsigned: a timestamp with a fraction", { timestamp: `${NOW}.5` }],
      ["unsigned: a negative timestamp", { timestamp: `-${NOW}` }],
      ["forged: all zeros", { headers: { "x-slack-signature": `v0=${"0".repeat(64)}` } }],
      ["forged: signed with another secret", { secret: "8f742231b10e8888abcd99yyyzzz85a6" }],
      ["empty secret: signed with nothing", { secret: "" }],
      ["stale: more than five minutes old", { timestamp: NOW - 301 }],
      ["stale: of the year 1970", { timestamp: 0 }],
      ["future-dated: by more than a minute", { timestamp: NOW + 61 }],
      ["future-dated: by a thousand years", { timestamp: 999_999_999_999 }],
      ["tampered: another body", { tamper: (body) => body.replace("list services", "deregister x") }],
      ["tampered: one more space", { tamper: (body) => `${body} ` }],
      ["tampered: nothing left", { tamper: () => "" }],
      [
        "tampered: a younger timestamp on an old signature",
        { timestamp: NOW - 1000, headers: { "x-slack-request-timestamp": String(NOW) } },
      ],
    ])("%s: refused, and nothing is heard of it", async (_what, how) => {
      const got = await slack.send(EVENT, how);
      expect(got).toMatchObject({ status: 401, body: "" });
      expect(arrived).toEqual([]);
    });

    it.each<[string, Manner]>([
      ["a moment ago", {}],
      ["just not stale", { timestamp: NOW - 300 }],
      ["by a clock that is a little ahead of ours", { timestamp: NOW + 60 }],
    ])("signed %s: taken", async (_what, how) => {
      expect(await sent(EVENT, how)).toBe(200);
      expect(arrived).toMatchObject([{ type: "events_api", body: { team_id: "T1" } }]);
    });

    it("url_verification is verified like everything else", async () => {
      const asked = JSON.stringify({ type: "url_verification", token: "x", challenge: "3eZbrw1aB" });
      const unsigned = await slack.send(asked, { headers: { "x-slack-signature": undefined } });
      expect(unsigned).toMatchObject({ status: 401, body: "" });
      const signed = await slack.send(asked);
      expect(signed).toMatchObject({ status: 200, body: "3eZbrw1aB" });
      expect(signed.headers["content-type"]).toContain("text/plain");
    });

    it("ssl_check is verified like everything else, and opens no door for a command beside it", async () => {
      const form = { contentType: "application/x-www-form-urlencoded" };
      const unsigned = { ...form, headers: { "x-slack-signature": undefined } };
      expect((await slack.send("ssl_check=1&command=%2Fmicro&text=x", unsigned)).status).toBe(401);
      expect((await slack.send("ssl_check=1&token=x", form)).status).toBe(200);
      expect(arrived).toEqual([]);
    });

    it("nothing is parsed before: what cannot be read is 401 unsigned, and 400 signed", async () => {
      const broken = '{"type": "event_callback", ';
      expect((await slack.send(broken, { secret: "another" })).status).toBe(401);
      for (const [body, contentType] of [
        [broken, "application/json"],
        ["null", "application/json"],
        ['["event_callback"]', "application/json"],
        ["a=b", "application/x-www-form-urlencoded"],
        ["payload=nothing", "application/x-www-form-urlencoded"],
        [EVENT, "text/plain"],
        [EVENT, ""],
      ] as const) {
        expect((await slack.send(body, { contentType })).status).toBe(400);
      }
      expect(arrived).toEqual([]);
    });

    it("the bytes that came are what is verified, however they are written", async () => {
      const body = EVENT.replace("list services", "caf\u00e9 \\u0000 \ud83d\ude80\u2028  <&>").replaceAll(
        ",",
        " ,\n\t",
      );
      expect(await sent(body, { contentType: "application/json; charset=utf-8" })).toBe(200);
      expect(arrived).toHaveLength(1);
    });

    it("another method or path is nobody's, signed or not", async () => {
      expect(await slack.send(EVENT, { method: "GET" })).toMatchObject({ status: 405, headers: { allow: "POST" } });
      expect((await slack.send(EVENT, { method: "PUT" })).status).toBe(405);
      for (const path of ["/", "/slack/events/", "/slack/event", "/x/slack/events"]) {
        expect((await slack.send(EVENT, { path })).status).toBe(404);
      }
      expect(arrived).toEqual([]);
      expect(await sent(EVENT, { path: "/slack/events?from=slack" })).toBe(200);
    });
  });

  describe("kinds", () => {
    beforeEach(async () => {
      await listen();
    });

    it("a slash command is its fields, a press its payload, in Socket Mode's words", async () => {
      const fields = {
        command: "/micro",
        text: 'call x {"a": "b & c"}',
        team_id: "T1",
        user_id: "U1",
        trigger_id: "1.2",
      };
      const payload = { type: "block_actions", team: { id: "T1" }, user: { id: "U1" }, actions: [{ value: "a=b&c" }] };
      const got = [slack.command(fields), slack.press(payload)];
      await vi.waitFor(() => expect(arrived).toHaveLength(2));
      for (const envelope of arrived) await envelope.ack();
      for (const { status, body } of await Promise.all(got)) expect([status, body]).toEqual([200, ""]);
      expect(arrived.map(({ type, body }) => ({ type, body }))).toEqual(
        expect.arrayContaining([
          { type: "slash_commands", body: fields },
          { type: "interactive", body: payload },
        ]),
      );
    });

    it("an answer to it is JSON", async () => {
      const got = slack.command({ command: "/micro", text: "" });
      await vi.waitFor(() => expect(arrived).toHaveLength(1));
      await arrived[0]?.ack({ response_type: "ephemeral", text: "caf\u00e9" });
      const { body, headers } = await got;
      expect(JSON.parse(body)).toEqual({ response_type: "ephemeral", text: "caf\u00e9" });
      expect(headers["content-type"]).toBe("application/json");
    });
  });

  describe("when a request is answered", () => {
    beforeEach(async () => {
      await listen();
    });

    /** A request that has arrived, and what became of it so far. */
    const held = async (send: Promise<{ readonly status: number | undefined }>) => {
      const state: { status: number | undefined | "open" } = { status: "open" };
      const over = send.then(({ status }) => {
        state.status = status;
        return status;
      });
      await vi.waitFor(() => expect(arrived).toHaveLength(1));
      return { state, over, envelope: arrived[0] as Arrived };
    };

    it("not before it is acknowledged", async () => {
      const { state, over, envelope } = await held(slack.send(EVENT));
      await clock.advance(2400);
      expect(state.status).toBe("open");
      await envelope.ack();
      expect(await over).toBe(200);
    });

    it("an event that the bot has not asked on from in 2.5 s: 503, so that Slack sends it again; it can still be taken", async () => {
      const { over, envelope } = await held(slack.send(EVENT));
      await clock.advance(2500);
      expect(await over).toBe(503);
      expect(envelope.begin()).toBe(true);
      await expect(envelope.ack()).rejects.toMatchObject({ code: "unavailable" });
    });

    it("a command that nobody got to in 2.5 s: 503, and it does not happen any more", async () => {
      const { over, envelope } = await held(slack.command({ command: "/micro", text: "deregister x" }));
      await clock.advance(2500);
      expect(await over).toBe(503);
      expect(envelope.begin()).toBe(false);
    });

    it("a command that the bot has begun by then: 200, because it happens", async () => {
      const { over, envelope } = await held(slack.command({ command: "/micro", text: "deregister x" }));
      expect(envelope.begin()).toBe(true);
      await clock.advance(2500);
      expect(await over).toBe(200);
    });

    it("a command whose sender hung up does not happen any more", async () => {
      let hangUp = () => {};
      const hungUp = new Promise<void>((resolve) => {
        hangUp = resolve;
      });
      const typed = "command=%2Fmicro&text=deregister+x";
      const how = { contentType: "application/x-www-form-urlencoded", hangUp: hungUp };
      const { over, envelope } = await held(slack.send(typed, how));
      hangUp();
      expect(await over).toBe(undefined);
      await vi.waitFor(() => expect(envelope.begin()).toBe(false));
    });

    it("what still waits when the link is closed: 503, and nothing stays open", async () => {
      const { over } = await held(slack.send(EVENT));
      const began = performance.now();
      await open.pop()?.close();
      expect(await over).toBe(503);
      expect(performance.now() - began).toBeLessThan(2000);
      expect((await slack.send(EVENT)).status).toBe(undefined);
      expect(clock.sleepers).toBe(0);
    });
  });

  describe("what a stranger may cost", () => {
    const sockets: Socket[] = [];
    const raw = async (text: string) => {
      const socket = connect(port, "127.0.0.1");
      sockets.push(socket);
      socket.on("error", () => {});
      await once(socket, "connect");
      socket.write(text);
      return socket;
    };

    afterEach(() => {
      for (const socket of sockets.splice(0)) socket.destroy();
    });

    it("a body over the limit is refused before it is read, or as soon as it is over", async () => {
      await listen({ body: 1000 });
      const large = EVENT.padEnd(1001);
      expect((await slack.send(large)).status).toBe(413);
      const chunked = { "content-length": undefined, "transfer-encoding": "chunked" };
      expect((await slack.send(large, { headers: chunked })).status).toBe(413);
      expect(arrived).toEqual([]);
      expect(await sent(EVENT.padEnd(1000))).toBe(200);
    });

    it.each([
      ["says nothing", ""],
      ["never ends its headers", "POST /slack/events HTTP/1.1\r\nhost: x\r\nx-slack-"],
      [
        "never ends its body",
        `POST /slack/events HTTP/1.1\r\nhost: x\r\nx-slack-request-timestamp: ${NOW}\r\nx-slack-signature: v0=${"0".repeat(64)}\r\ncontent-length: 99\r\n\r\n{`,
      ],
    ])("a slow one that %s is cut off", async (_what, text) => {
      await listen({ headersMs: 50 });
      const socket = await raw(text);
      socket.resume();
      await once(socket, "close");
      expect(await sent(EVENT)).toBe(200);
    });

    it("so many connections at once, and no more", async () => {
      await listen({ connections: 2, headersMs: 60_000 });
      const two = [await raw("POST "), await raw("POST ")];
      const third = await raw("POST ");
      third.resume();
      await once(third, "close");
      for (const socket of two) socket.destroy();
      await vi.waitFor(async () => expect(await sent(EVENT)).toBe(200));
    });

    it("a flood of forgeries does not fill the log, and no secret is in it", async () => {
      const written: string[] = [];
      const write = (fields: object, message: string) => void written.push(`${JSON.stringify(fields)} ${message}`);
      await listen({}, { debug: write, info: write, warn: write, error: write });
      expect(written.splice(0)).toEqual([expect.stringContaining("listens for requests")]);
      for (let i = 0; i < 30; i += 1) await slack.send(EVENT, { secret: "another" });
      expect(written).toHaveLength(1);
      await clock.advance(60_000);
      await slack.send(EVENT, { secret: "another" });
      expect(written).toHaveLength(2);
      expect(written[1]).toContain('"refused":30');
      expect(written.join()).not.toContain(slack.signingSecret);
    });
  });

  it("says which address it cannot have", async () => {
    await listen();
    const again = openHttp(
      { signingSecret: "x", address: { host: "127.0.0.1", port }, path: "/" },
      { clock, log: silent },
      () => {},
    );
    await expect(again).rejects.toMatchObject({ code: "unavailable", message: expect.stringContaining(String(port)) });
  });
});
