import { once } from "node:events";
import { createConnection } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { mappingShape } from "../../../src/alerts/receive/mapping.ts";
import { createReceiver } from "../../../src/alerts/receive/receiver.ts";
import type { Source } from "../../../src/alerts/receive/source.ts";
import { systemClock } from "../../../src/core/clock.ts";
import { MicroError } from "../../../src/core/errors.ts";
import { manualClock } from "../../fakes/clock.ts";
import { fixture } from "./fixture.ts";
import {
  ask,
  bearer,
  type Receiving,
  receiving,
  SECRET,
  signed,
  signedAt,
  sourceOf,
  TOKEN,
  waitingIn,
} from "./posting.ts";

const body = JSON.stringify(fixture("alertmanager-firing"));
const opened: { stop(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of opened.splice(0)) await one.stop();
});
const open = async (...given: Parameters<typeof receiving>): Promise<Receiving> => {
  const made = await receiving(...given);
  opened.push(made);
  return made;
};
const hmac = (style: "plain" | "timed", header: string): Source["authentication"] => ({
  kind: "signature",
  secrets: [SECRET],
  header,
  style,
});

describe("a receiver of alerts", () => {
  it("takes what its sources send, keeps it, and says when it was known", async () => {
    const { receiver, inbox } = await open([sourceOf("am"), sourceOf("graf", { kind: "grafana" })]);
    const { address } = receiver;
    expect(await ask(address, "/alerts/am", { body, headers: bearer() })).toMatchObject({
      status: 200,
      body: { status: "taken" },
    });
    expect(await ask(address, "/alerts/am", { body, headers: bearer() })).toMatchObject({
      status: 200,
      body: { status: "known" },
    });
    const grafana = JSON.stringify(fixture("grafana-firing"));
    expect((await ask(address, "/alerts/graf", { body: grafana, headers: bearer() })).status).toBe(200);
    const found = await waitingIn(inbox);
    expect(found.map(({ source, kind, alerts }) => [source, kind, alerts.length])).toEqual([
      ["am", "alertmanager", 2],
      ["graf", "grafana", 1],
    ]);
    expect(receiver.counts()).toEqual({ am: { taken: 1, known: 1 }, graf: { taken: 1 } });
    expect(await ask(address, "/-/ready", { method: "GET" })).toMatchObject({ status: 200 });
  });

  it.each([
    ["no token", {}],
    ["a wrong token", bearer("another-token-of-a-length")],
    ["a token in another scheme", { authorization: `Basic ${TOKEN}` }],
    ["the beginning of the token", bearer(TOKEN.slice(0, -1))],
    ["the token and more", bearer(`${TOKEN}x`)],
  ])("answers 401 to %s, in one word, and keeps nothing", async (_what, headers) => {
    const { receiver, inbox } = await open([sourceOf("am")]);
    const answer = await ask(receiver.address, "/alerts/am", { body, headers });
    expect(answer).toMatchObject({ status: 401, body: { error: "unauthenticated" } });
    expect(inbox.waiting).toBe(0);
    expect(receiver.counts()).toEqual({ am: { unauthenticated: 1 } });
  });

  it("takes either of two tokens, so that one can be changed", async () => {
    const tokens = [TOKEN, "the-token-of-tomorrow"];
    const { receiver } = await open([sourceOf("am", { authentication: { kind: "token", tokens } })]);
    for (const token of tokens) {
      expect((await ask(receiver.address, "/alerts/am", { body, headers: bearer(token) })).status).toBe(200);
    }
  });

  it("knows a signature over the bytes as they came", async () => {
    const { receiver } = await open([sourceOf("am", { authentication: hmac("plain", "x-hub-signature-256") })]);
    const { address } = receiver;
    expect((await ask(address, "/alerts/am", { body, headers: signed(body) })).status).toBe(200);
    const otherBytes = `${body} `;
    expect((await ask(address, "/alerts/am", { body: otherBytes, headers: signed(body) })).status).toBe(401);
    expect((await ask(address, "/alerts/am", { body, headers: signed(body, "another-secret-of-16") })).status).toBe(
      401,
    );
    expect((await ask(address, "/alerts/am", { body, headers: { "x-hub-signature-256": "sha256=00" } })).status).toBe(
      401,
    );
    expect((await ask(address, "/alerts/am", { body, headers: bearer(SECRET) })).status).toBe(401);
  });

  it("knows a signature with a time only near that time, and the same one only once", async () => {
    const clock = manualClock(Date.UTC(2026, 10, 22));
    const mapping = mappingShape.parse({ name: "check", status: "state" });
    const source = sourceOf("ci", { kind: "generic", mapping, authentication: hmac("timed", "x-signature") });
    const { receiver } = await open([source], { clock });
    const { address } = receiver;
    const bad = '{"check":"disk","state":"bad"}';
    const fine = '{"check":"disk","state":"ok"}';
    const say = async (text: string, at: number) => {
      const { status, body: said } = await ask(address, "/alerts/ci", { body: text, headers: signedAt(text, at) });
      return said["status"] ?? status;
    };
    const first = clock.now();
    expect(await say(bad, first)).toBe("taken");
    // Sent again by a source that got no answer: the same words about the same.
    expect(await say(bad, first + 1000)).toBe("known");
    expect(await say(fine, first + 2000)).toBe("taken");
    // Somebody who has recorded the first one, and a source that means it.
    expect(await say(bad, first)).toBe("known");
    expect(await say(bad, first + 3000)).toBe("taken");
    // Heard before, but never as the first of its kind: it is older than what was said since.
    expect(await say(fine, first + 4000)).toBe("taken");
    expect(await say(bad, first + 1000)).toBe("known");
    expect(await say(bad, first + 3500)).toBe("known");
    expect(await say(bad, first + 5000)).toBe("taken");
    await clock.advance(6 * 60_000);
    expect(await say(fine, first)).toBe(401);
    expect(await say(fine, clock.now() + 6 * 60_000)).toBe(401);
    const twice = { "x-signature": `${signedAt(fine, clock.now())["x-signature"]},t=1` };
    expect((await ask(address, "/alerts/ci", { body: fine, headers: twice })).status).toBe(401);
  });

  it("takes what was signed with two secrets once, whichever signature is shown", async () => {
    const mapping = mappingShape.parse({ name: "check", status: "state" });
    const secrets = [SECRET, `${SECRET}-new`];
    const authentication = { kind: "signature", secrets, header: "x-signature", style: "timed" } as const;
    const { receiver } = await open([sourceOf("ci", { kind: "generic", mapping, authentication })]);
    const say = async (text: string, headers: Record<string, string>) =>
      (await ask(receiver.address, "/alerts/ci", { body: text, headers })).body["status"];
    const [bad, fine] = ['{"check":"disk","state":"bad"}', '{"check":"disk","state":"ok"}'];
    const now = Date.now();
    const [one, two] = secrets.map((secret) => signedAt(bad, now, secret)["x-signature"] ?? "");
    expect(await say(bad, { "x-signature": `${one},${two?.split(",")[1]}` })).toBe("taken");
    expect(await say(fine, signedAt(fine, now))).toBe("taken");
    expect(await say(bad, { "x-signature": two ?? "" })).toBe("known");
    expect(await say(bad, { "x-signature": one ?? "" })).toBe("known");
  });

  it("takes triggered, resolved and triggered again from a source without times for three things", async () => {
    const { receiver, inbox } = await open([sourceOf("pd", { kind: "pagerduty" })]);
    const payload = { summary: "disk", source: "db1", severity: "critical" };
    const say = (event: object) =>
      ask(receiver.address, "/alerts/pd/v2/enqueue", { body: JSON.stringify({ routing_key: TOKEN, ...event }) });
    const trigger = { event_action: "trigger", dedup_key: "k", payload };
    const resolve = { event_action: "resolve", dedup_key: "k" };
    expect(await say(trigger)).toMatchObject({ status: 202, body: { status: "success", dedup_key: "k" } });
    for (const event of [trigger, resolve, resolve, trigger, trigger]) expect((await say(event)).status).toBe(202);
    expect((await waitingIn(inbox)).map(({ alerts }) => alerts[0]?.status)).toEqual(["firing", "resolved", "firing"]);
    expect(await say({ event_action: "acknowledge", dedup_key: "k" })).toMatchObject({ status: 202 });
    expect((await say({ ...trigger, routing_key: "not-the-key-of-this-one" })).status).toBe(401);
    expect((await say({ ...trigger, routing_key: undefined })).status).toBe(401);
    expect(receiver.counts()).toEqual({ pd: { taken: 3, known: 3, nothing: 1, unauthenticated: 2 } });
  });

  it.each([
    ["what is not JSON", "{", 400, /not JSON/],
    ["what is not UTF-8", Buffer.from([0x22, 0xff, 0x22]), 400, /not JSON/],
    ["null", "null", 400, /not JSON/],
    [
      "a field that is wrong",
      '{"version":"4","groupKey":"g","alerts":[{"status":"x"}]}',
      400,
      /^alerts\[0\]\.status: /,
    ],
    ["nothing", "", 400, /not JSON/],
    ["what is too large", `"${"x".repeat(1 << 20)}"`, 413, /1048576 bytes at most/],
  ])("refuses %s", async (_what, sent, status, reason) => {
    const { receiver, inbox } = await open([sourceOf("am")]);
    const answer = await ask(receiver.address, "/alerts/am", { body: sent, headers: bearer() });
    expect(answer).toMatchObject({ status, body: { error: expect.stringMatching(reason) } });
    expect(inbox.waiting).toBe(0);
    expect((await ask(receiver.address, "/alerts/am", { body, headers: bearer() })).status).toBe(200);
  });

  it("stops reading a body of no told length when it is too large", async () => {
    const { receiver } = await open([sourceOf("am")], { maxBytes: 1000 });
    const headers = { ...bearer(), "transfer-encoding": "chunked" };
    const large = await ask(receiver.address, "/alerts/am", { body: "x".repeat(100_000), headers }).catch(
      () => undefined,
    );
    expect(large?.status ?? 413).toBe(413);
    expect(receiver.counts()).toEqual({ am: { "too large": 1 } });
    const small = '{"version":"4"}';
    expect((await ask(receiver.address, "/alerts/am", { body: small, headers })).status).toBe(400);
  });

  it("tells other mistakes apart", async () => {
    const { receiver } = await open([sourceOf("am")]);
    const { address } = receiver;
    expect((await ask(address, "/alerts/nobody", { body })).status).toBe(404);
    expect((await ask(address, "/alerts/constructor", { body })).status).toBe(404);
    expect((await ask(address, "/", { method: "GET" })).status).toBe(404);
    const wrong = await ask(address, "/alerts/am", { method: "PUT", body, headers: bearer() });
    expect(wrong).toMatchObject({ status: 405, headers: { allow: "POST" } });
    const typed = (type: string) =>
      ask(address, "/alerts/am", { body, headers: { ...bearer(), "content-type": type } }).then(({ status }) => status);
    expect(await typed("text/plain")).toBe(415);
    expect(await typed("application/x-www-form-urlencoded")).toBe(415);
    expect(await typed("application/json; charset=utf-8")).toBe(200);
    const packed = { ...bearer(), "content-encoding": "gzip" };
    expect((await ask(address, "/alerts/am", { body, headers: packed })).status).toBe(415);
    expect(receiver.counts()).toEqual({
      "": { "unknown source": 2 },
      am: { "wrong method": 1, "wrong type": 3, taken: 1 },
    });
  });

  it("slows a source down that sends too often, and says when it may come again; who is not it takes nothing of that", async () => {
    const clock = manualClock();
    const { receiver } = await open([sourceOf("am", { perSecond: 1 })], { clock });
    const say = (headers: Record<string, string>) => ask(receiver.address, "/alerts/am", { body, headers });
    for (let n = 0; n < 20; n++) expect((await say(bearer("somebody-elses-token"))).status).toBe(401);
    for (let n = 0; n < 10; n++) expect((await say(bearer())).status).toBe(200);
    expect(await say(bearer())).toMatchObject({ status: 429, headers: { "retry-after": "1" } });
    await clock.advance(1000);
    expect((await say(bearer())).status).toBe(200);
  });

  it("answers 503 when it cannot keep what came, so that it is sent again", async () => {
    let fail: string | undefined = "unavailable";
    const inbox = {
      last: () => undefined,
      put: async () => {
        if (fail) throw new MicroError("unavailable", "sqlite at /a/path: the disk is full");
        return "taken" as const;
      },
    };
    const { receiver } = await open([sourceOf("am")], { inbox });
    const answer = await ask(receiver.address, "/alerts/am", { body, headers: bearer() });
    expect(answer).toMatchObject({ status: 503, headers: { "retry-after": "1" } });
    expect(JSON.stringify(answer.body)).not.toContain("/a/path");
    fail = undefined;
    expect((await ask(receiver.address, "/alerts/am", { body, headers: bearer() })).status).toBe(200);
    expect(receiver.counts()).toEqual({ am: { unavailable: 1, taken: 1 } });
  });

  it("closes what sends its headers or body too slowly, and goes on for others", async () => {
    const { receiver } = await open([sourceOf("am")], { headersMs: 300, requestMs: 600 });
    const [host = "", port = ""] = receiver.address.split(":");
    const starts = [
      "POST /alerts/am HTTP/1.1\r\nHost: x\r\n",
      `POST /alerts/am HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${TOKEN}\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{`,
    ];
    const slow = starts.map(async (start) => {
      const socket = createConnection(Number(port), host);
      socket.on("error", () => {});
      socket.resume();
      socket.write(start);
      await once(socket, "close");
    });
    expect((await ask(receiver.address, "/alerts/am", { body, headers: bearer() })).status).toBe(200);
    await Promise.all(slow);
    expect(receiver.counts()["am"]).toMatchObject({ taken: 1 });
  });

  it("has so many connections and no more", async () => {
    const { receiver } = await open([sourceOf("am")], { maxConnections: 2 });
    const [host = "", port = ""] = receiver.address.split(":");
    const idle = [0, 1].map(() => createConnection(Number(port), host));
    await Promise.all(idle.map((socket) => once(socket, "connect")));
    await expect(ask(receiver.address, "/-/ready", { method: "GET" })).rejects.toThrow(/hang up|ECONNRESET/);
    for (const socket of idle) socket.destroy();
  });

  it("closes cleanly, ends what runs, and can be started again", async () => {
    let end = (_outcome: "taken") => {};
    let put = () => {};
    const arrived = new Promise<void>((resolve) => {
      put = resolve;
    });
    const inbox = {
      last: () => undefined,
      put: () =>
        new Promise<"taken">((resolve) => {
          end = resolve;
          put();
        }),
    };
    const receiver = createReceiver({ address: "127.0.0.1:0", sources: [sourceOf("am")], inbox, clock: systemClock });
    await receiver.stop();
    await receiver.start();
    await receiver.start();
    const { address } = receiver;
    const answer = ask(address, "/alerts/am", { body, headers: bearer() });
    await arrived;
    const stopping = receiver.stop();
    end("taken");
    expect((await answer).status).toBe(200);
    await stopping;
    await expect(ask(address, "/-/ready", { method: "GET" })).rejects.toThrow(/ECONNREFUSED/);
    await receiver.start();
    expect((await ask(receiver.address, "/-/ready", { method: "GET" })).status).toBe(200);
    await receiver.stop();
    await receiver.stop();
  });
});

describe("a receiver that must not start", () => {
  const inbox = { last: () => undefined, put: async () => "taken" as const };
  const made =
    (sources: readonly Source[], address = "127.0.0.1:0") =>
    () =>
      createReceiver({ address, sources, inbox, clock: systemClock });

  it.each([
    ["a source without a token", { authentication: { kind: "token", tokens: [] } }, /source am .*is not authenticated/],
    ["an empty token", { authentication: { kind: "token", tokens: [""] } }, /fewer than 16/],
    ["a short one", { authentication: { kind: "token", tokens: ["secret"] } }, /fewer than 16/],
    ["a signature without a secret", { authentication: { ...hmac("plain", "x"), secrets: [] } }, /not authenticated/],
    ["no certificate's name", { authentication: { kind: "certificate", names: [] } }, /not authenticated/],
    [
      "certificates without TLS",
      { authentication: { kind: "certificate", names: ["am"] } },
      /give tls with cert, key and ca/,
    ],
    ["a name that is no word", { name: "a/b" }, /cannot be called so/],
    ["a generic source without a mapping", { kind: "generic" }, /needs a mapping/],
  ] as const)("has %s", (_what, change, message) => {
    const wrong = sourceOf("am", change as Partial<Source>);
    expect(made([sourceOf("fine"), wrong])).toThrow(message);
    expect(made([sourceOf("fine"), wrong])).toThrow(expect.objectContaining({ code: "invalid_argument" }));
  });

  it("has no source, two of one name, or no address", () => {
    expect(made([])).toThrow(/needs a source/);
    expect(made([sourceOf("am"), sourceOf("am")])).toThrow(/two sources/);
    expect(made([sourceOf("am")], "nowhere")).toThrow(/no address to listen at/);
  });

  it("has an address that somebody has", async () => {
    const { receiver } = await open([sourceOf("am")]);
    const other = made([sourceOf("am")], receiver.address)();
    await expect(other.start()).rejects.toMatchObject({ code: "unavailable", message: /somebody else listens there/ });
    await other.stop();
  });
});
