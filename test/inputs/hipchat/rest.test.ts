import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { InputConnection, OutgoingMessage, Place } from "../../../src/inputs/input.ts";
import { CHAT, OPS } from "../../fakes/hipchat.ts";
import { type FakeHipChatRest, fakeHipChatRest } from "../../fakes/hipchat-rest.ts";
import { atFake } from "./at-fake.ts";

const fake = atFake();
const TOKEN = "s3cret-rest-token";
let rest: FakeHipChatRest;
let link: InputConnection;
let place: Place;

beforeEach(async () => {
  rest = await fakeHipChatRest(TOKEN);
});
afterEach(() => rest.close());

const connect = async (token = TOKEN) => {
  link = await fake.connect({ token, api: rest.base });
  fake.server.sayAs("Ann Smith", "@micro ping");
  const [message] = await fake.heard();
  place = message?.place ?? { room: "" };
};
const say = (more: Partial<OutgoingMessage> = {}) =>
  link.send({ place, parts: [{ kind: "text", text: "pong" }], ...more });

describe("room notifications", () => {
  it("go to the room by its number, with the token, and ring nobody's phone", async () => {
    await connect();
    await say();
    expect(rest.tokens).toEqual([TOKEN]);
    expect(rest.notified).toEqual([
      { room: "700", message: "pong", message_format: "text", color: "green", notify: false },
    ]);
    expect(fake.server.said).toEqual([]);
  });

  it.each<[string, Partial<OutgoingMessage>]>([
    ["green", {}],
    ["red", { failed: true }],
    ["yellow", { progress: { key: "k", last: false } }],
    ["green", { progress: { key: "k", last: true } }],
    ["yellow", { choices: [{ label: "yes", line: "yes" }] }],
    ["gray", { place: { room: OPS, to: OPS, type: "groupchat" } }],
  ])("are %s for %j", async (color, more) => {
    await connect();
    await say(more);
    expect(rest.notified.map((one) => one.color)).toEqual([color]);
  });

  it("are for rooms only: direct talk and whispers go as messages", async () => {
    await connect();
    fake.server.tell(`12345_2@${CHAT}/x`, "ping");
    const [direct] = await fake.heard();
    await say({ place: direct?.place ?? { room: "" } });
    await say({ whisper: true });
    expect(rest.tokens).toEqual([]);
    expect(fake.server.said).toHaveLength(2);
  });

  it("a room without a number gets a message", async () => {
    fake.server.manners.list = [];
    link = await fake.connect({ token: TOKEN, api: rest.base, rooms: [OPS] });
    await link.send({ place: { room: OPS, to: OPS, type: "groupchat" }, parts: [{ kind: "text", text: "hello" }] });
    expect(fake.server.heard).toMatchObject([{ to: OPS, text: "hello" }]);
  });

  it.each([401, 403, 404])(
    "a token that will not do (%i) makes it a message, and a line in the log",
    async (status) => {
      await connect();
      rest.failures.push({ status, message: `Invalid session ${TOKEN}` });
      await say();
      expect(fake.server.heard).toMatchObject([{ to: OPS, text: "pong" }]);
      expect(fake.logged.join()).toContain("may not notify");
      expect(fake.logged.join()).not.toContain(TOKEN);
    },
  );

  it("a refusal is told, without the token", async () => {
    await connect();
    rest.failures.push({ status: 400, message: `bad ${TOKEN}` });
    const error = await say().catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "invalid_argument", message: expect.stringContaining("bad ***") });
  });

  it("what may be there already is said again with a mark, and what was not taken without", async () => {
    await connect();
    const pong: OutgoingMessage = { place, parts: [{ kind: "text", text: "pong" }] };
    rest.failures.push({ status: 429 }, { status: 502, shown: true });
    await expect(link.send(pong)).rejects.toMatchObject({ code: "exhausted" });
    await expect(link.send(pong)).rejects.toMatchObject({ code: "unavailable" });
    await link.send(pong);
    await say();
    const again = expect.stringMatching(/^\(said again.*\npong$/);
    expect(rest.notified.map(({ message }) => message)).toEqual(["pong", again, "pong"]);
  });

  it("what is redirected is not followed", async () => {
    await connect();
    rest.failures.push({ status: 307, headers: { location: `${rest.base}/v2/room/1/notification` } });
    await expect(say()).rejects.toMatchObject({ code: "unavailable" });
    expect(rest.tokens).toHaveLength(1);
  });

  const soon = (seconds: number) => String(Math.round(Date.now() / 1000) + seconds);
  it.each<[string, () => Record<string, string>, number, number]>([
    ["the room's", () => ({ "x-floodcontrol-remaining": "0", "x-floodcontrol-reset": soon(40) }), 30_000, 41_000],
    ["the token's", () => ({ "x-ratelimit-remaining": "0", "x-ratelimit-reset": soon(200) }), 190_000, 201_000],
    [
      "the later",
      () => ({
        ...{ "x-ratelimit-remaining": "0", "x-ratelimit-reset": soon(200) },
        ...{ "x-floodcontrol-remaining": "0", "x-floodcontrol-reset": soon(40) },
      }),
      190_000,
      201_000,
    ],
    [
      "not one that is not used up",
      () => ({
        ...{ "x-ratelimit-remaining": "300", "x-ratelimit-reset": soon(200) },
        ...{ "x-floodcontrol-remaining": "0", "x-floodcontrol-reset": soon(40) },
      }),
      30_000,
      41_000,
    ],
    ["two seconds where nothing is said", () => ({}), 2000, 2000],
    ["no hours, whatever is said", () => ({ "x-ratelimit-reset": soon(1e6) }), 600_000, 600_000],
  ])("429: waits for %s limit", async (_, headers, least, most) => {
    await connect();
    rest.failures.push({ status: 429, headers: headers() });
    const error = await say().catch((thrown: { details?: { retryAfterMs?: number } }) => thrown);
    expect(error).toMatchObject({ code: "exhausted" });
    const retryAfterMs = (error as { details: { retryAfterMs: number } }).details.retryAfterMs;
    expect(retryAfterMs).toBeGreaterThanOrEqual(least);
    expect(retryAfterMs).toBeLessThanOrEqual(most);
    expect(fake.server.said).toEqual([]);
  });

  it("unavailable when REST is away", async () => {
    await connect();
    await rest.close();
    await expect(say()).rejects.toMatchObject({ code: "unavailable" });
  });
});
