import { describe, expect, it } from "vitest";
import { memoryKv } from "../../src/platform/kv/memory.ts";
import { createTokens } from "../../src/platform/tokens.ts";
import { manualClock } from "../fakes/clock.ts";

const DAY = 86_400_000;

async function setUp() {
  const clock = manualClock();
  const kv = memoryKv();
  await kv.start();
  const tokens = createTokens(kv, clock);
  const issue = (person = "ann") => tokens.issue({ person, note: "", by: "local:root", expiresAt: clock.now() + DAY });
  return { clock, kv, tokens, issue };
}

describe("tokens", () => {
  it("say whose they are, until they expire", async () => {
    const { clock, tokens, issue } = await setUp();
    const { token, facts } = await issue();
    expect(token).toMatch(/^micro_[0-9a-f]{12}_[\w-]{43}$/);
    expect(await tokens.verify(token)).toEqual(facts);
    await clock.advance(DAY);
    expect(await tokens.verify(token)).toBeUndefined();
    expect(await tokens.list()).toEqual([]);
  });

  it("are not those that differ in anything", async () => {
    const { tokens, issue } = await setUp();
    const [one, two] = [(await issue()).token, (await issue("bob")).token];
    const swapped = `${one.slice(0, 19)}${two.slice(19)}`;
    for (const wrong of [swapped, `${one}x`, one.slice(0, -1), one.toUpperCase(), "", "micro__", `x${one}`]) {
      expect(await tokens.verify(wrong)).toBeUndefined();
    }
  });

  it("are in the store by their hash alone", async () => {
    const { kv, issue } = await setUp();
    const { token } = await issue();
    const stored = JSON.stringify(await kv.list(""));
    expect(stored).not.toContain(token.slice(19));
    expect(stored).toContain(token.slice(6, 18));
  });

  it("end when they are revoked, once", async () => {
    const { tokens, issue } = await setUp();
    const { token, facts } = await issue();
    expect(await tokens.revoke(facts.id)).toEqual(facts);
    expect(await tokens.verify(token)).toBeUndefined();
    expect(await tokens.revoke(facts.id)).toBeUndefined();
    expect(await tokens.revoke("../../x")).toBeUndefined();
  });

  it("are not more than a thousand", async () => {
    const { clock, tokens, issue } = await setUp();
    for (let count = 0; count < 1000; count++) await issue();
    await expect(issue()).rejects.toMatchObject({ code: "exhausted" });
    await clock.advance(DAY);
    await issue();
    expect(await tokens.list()).toHaveLength(1);
  });
});
