import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { hubotInput } from "../../../src/inputs/hubot/hubot.ts";
import type { IncomingMessage } from "../../../src/inputs/input.ts";

const WORKER = new URL("../../../src/inputs/hubot/hubot-worker/", import.meta.url);

describe("what old Hubot adapters need", () => {
  it("runs one of functions and require, and hears what is made with them", async () => {
    const cwd = join(import.meta.dirname, "../../fakes");
    await using link = await hubotInput({
      adapter: "./hubot-old-adapter.cjs",
      cwd,
      env: {},
      trusted: true,
    })().connect();
    const iterator = link[Symbol.asyncIterator]();
    const next = async () => (await iterator.next()).value as IncomingMessage;
    const first = await next();
    expect(first).toMatchObject({ text: "ping", addressed: true, from: { id: "U1", name: "ann" } });
    await link.send({ place: first.place, parts: [{ kind: "text", text: "pong" }] });
    expect(await next()).toMatchObject({ text: "pong", from: { id: "U2" }, place: { room: "lobby" } });
  });
});

describe("envelopes", () => {
  const keeper = async (init: object) => (await import(new URL("envelopes.mjs", WORKER).href)).keepEnvelopes(init);

  it("are bounded, the oldest go first", async () => {
    const kept = await keeper({ max: 3 });
    const keys = [1, 2, 3, 4, 5].map((n) => kept.keep(`m${n}`, { n }).key);
    expect(keys.map((key) => kept.find(key)?.n)).toEqual([undefined, undefined, 3, 4, 5]);
  });

  it("expire, and keep the time at which a message first came", async () => {
    let now = 1000;
    const kept = await keeper({ maxAgeMs: 100, now: () => now });
    const { key, at } = kept.keep("m", {});
    now += 99;
    expect(kept.keep("m", {})).toEqual({ key, at });
    expect(kept.find(key)).toEqual({});
    now += 1;
    expect(kept.find(key)).toBeUndefined();
  });
});
