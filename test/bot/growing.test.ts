import { describe, expect, it } from "vitest";
import { createOutbox } from "../../src/bot/outbox.ts";
import { MicroError } from "../../src/core/errors.ts";
import { silent } from "../../src/core/log.ts";
import type { OutgoingMessage } from "../../src/inputs/input.ts";
import { memoryInput } from "../../src/inputs/memory/memory.ts";
import { manualClock } from "../fakes/clock.ts";

/* Messages that grow, on their way out. */

const place = { room: "room" };
const text = (said: OutgoingMessage | undefined) => said?.parts.map((part) => part.text).join("\n");
const message = (words: string, progress?: { key: string; last: boolean }): OutgoingMessage => ({
  place,
  parts: [{ kind: "text", text: words }],
  ...(progress ? { progress } : {}),
});

async function setUp() {
  const clock = manualClock();
  const input = memoryInput({ clock });
  const outbox = createOutbox(clock, silent);
  outbox.use(await input.connect());
  let count = 0;
  return {
    clock,
    input,
    outbox,
    /** Something comes; what is drawn is the newest. */
    more: (key = "k") => {
      count++;
      outbox.grow(key, () => message(`${count} so far`, { key, last: false }));
    },
    last: (key = "k") => outbox.send(message(`all ${count}`, { key, last: true })),
  };
}

describe("a message that grows", () => {
  it("is said at most once a second, however much comes, and each time as it is by then", async () => {
    const { clock, input, more } = await setUp();
    for (let ms = 0; ms < 10_000; ms += 10) {
      more();
      await clock.advance(10);
    }
    expect(input.sends).toBeGreaterThanOrEqual(9);
    expect(input.sends).toBeLessThanOrEqual(11);
    expect(input.sent).toHaveLength(1);
    await clock.advance(1000);
    expect(text(input.sent[0])).toBe("1000 so far");
    const before = input.sends;
    await clock.advance(60_000);
    expect(input.sends).toBe(before);
  });

  it("is said less often when it lasts", async () => {
    const { clock, input, more } = await setUp();
    for (let s = 0; s < 120; s++) {
      more();
      await clock.advance(1000);
    }
    expect(input.sends).toBeGreaterThanOrEqual(45);
    expect(input.sends).toBeLessThanOrEqual(60);
  });

  it("is said once when it ends at once", async () => {
    const { clock, input, more, last } = await setUp();
    more();
    more();
    const said = last();
    await clock.advance(0);
    expect(await said).toBe(true);
    expect([input.sends, text(input.sent[0])]).toEqual([1, "all 2"]);
    await clock.advance(60_000);
    expect([input.sends, clock.sleepers]).toEqual([1, 0]);
  });

  it("ends a second after it was said before, and nothing is said after", async () => {
    const { clock, input, more, last } = await setUp();
    more();
    await clock.advance(300);
    expect(text(input.sent[0])).toBe("1 so far");
    const said = last();
    await clock.advance(500);
    expect(text(input.sent[0])).toBe("1 so far");
    await clock.advance(500);
    expect([await said, text(input.sent[0]), input.sends]).toEqual([true, "all 1", 2]);
    await clock.advance(60_000);
    expect([input.sends, input.sent.length, clock.sleepers]).toEqual([2, 1, 0]);
  });

  it("waits as long as the network asks, while others in the room are answered", async () => {
    const { clock, input, outbox, more, last } = await setUp();
    input.failSends(new MicroError("exhausted", "too fast", { details: { retryAfterMs: 30_000 } }));
    more();
    await clock.advance(250);
    expect(input.sends).toBe(0);
    expect(await outbox.send(message("pong"))).toBe(true);
    more();
    const said = last();
    await clock.advance(29_000);
    expect(input.sent.map(text)).toEqual(["pong"]);
    await clock.advance(1000);
    expect([await said, input.sent.map(text)]).toEqual([true, ["pong", "all 2"]]);
  });

  it("goes on over the next link, and holds nobody up while there is none", async () => {
    const { clock, input, outbox, more } = await setUp();
    more();
    await clock.advance(300);
    outbox.use(undefined);
    more();
    await clock.advance(5000);
    expect(text(input.sent[0])).toBe("1 so far");
    outbox.use(await input.connect());
    await clock.advance(2000);
    expect([input.sent.length, text(input.sent[0])]).toEqual([1, "2 so far"]);
  });

  it("is given up when the network will never have it, but its end is said", async () => {
    const { clock, input, more, last } = await setUp();
    input.failSends(new MicroError("invalid_argument", "no"));
    more();
    await clock.advance(300);
    more();
    await clock.advance(5000);
    expect(input.sends).toBe(0);
    expect(await last()).toBe(true);
    expect(input.sent.map(text)).toEqual(["all 2"]);
  });

  it("grows beside others, each under its key", async () => {
    const { clock, input, more, last } = await setUp();
    more("a");
    more("b");
    await clock.advance(1500);
    void last("a");
    void last("b");
    await clock.advance(1500);
    expect(input.sent.map(text)).toEqual(["all 2", "all 2"]);
  });

  it("leaves no timer behind when the bot stops", async () => {
    const { clock, outbox, more } = await setUp();
    more();
    await clock.advance(300);
    more();
    outbox.close();
    await clock.advance(0);
    expect(clock.sleepers).toBe(0);
  });
});
