import { describe, expect, it } from "vitest";
import { MicroError } from "../../src/core/errors.ts";
import type { Mark } from "../../src/inputs/input.ts";
import { memoryInput } from "../../src/inputs/memory/memory.ts";
import { manualClock } from "../fakes/clock.ts";
import { botOn, telling, textOf } from "./run-bot.ts";

/* Signs on messages that are not answered at once (`chat.md §2`). */

async function setUp(extra: Parameters<typeof telling>[1] = {}) {
  const clock = manualClock();
  const input = memoryInput({ clock });
  let end: (error?: Error) => void = () => {};
  const gate = () =>
    new Promise<void>((resolve, reject) => {
      end = (error) => (error ? reject(error) : resolve());
    });
  const { command, runs } = telling("work", { gate, ...extra });
  const bot = botOn([input], { commands: [command], clock, drainMs: 0 });
  await bot.start();
  return { clock, input, runs, end: (error?: Error) => end(error) };
}

describe("a message that is not answered at once", () => {
  it("has a sign within 500 ms, another after 3 s, and one that tells how it ended", async () => {
    const { clock, input, runs, end } = await setUp();
    const said = input.say("work slow");
    await expect.poll(() => runs).toHaveLength(1);
    const seen: (Mark | undefined)[] = [];
    for (const ms of [250, 240, 2400, 200]) {
      await clock.advance(ms);
      seen.push(input.markOn(said));
    }
    expect(seen).toEqual([undefined, "taken", "taken", "waiting"]);
    end();
    await expect.poll(() => input.markOn(said)).toBe("done");
    expect(textOf(await input.next())).toBe("work slow done");
  });

  it("has another when it failed", async () => {
    const { clock, input, runs, end } = await setUp();
    const said = input.say("work slow");
    await expect.poll(() => runs).toHaveLength(1);
    await clock.advance(400);
    end(new MicroError("not_found", "there is no such thing"));
    await expect.poll(() => input.markOn(said)).toBe("failed");
  });

  it("has none when it is answered sooner, or is urgent", async () => {
    const quick = await setUp();
    const said = quick.input.say("ping");
    await quick.input.next();
    await quick.clock.advance(5000);
    expect(quick.input.markOn(said)).toBeUndefined();

    const urgent = await setUp({ urgent: true });
    const asked = urgent.input.say("work now");
    await expect.poll(() => urgent.runs).toHaveLength(1);
    await urgent.clock.advance(5000);
    urgent.end();
    await urgent.input.next();
    expect(urgent.input.markOn(asked)).toBeUndefined();
  });

  it("is not said to take long when it is meant to", async () => {
    const { clock, input, runs, end } = await setUp({ maxMs: 60_000 });
    const said = input.say("work on");
    await expect.poll(() => runs).toHaveLength(1);
    await clock.advance(10_000);
    expect(input.markOn(said)).toBe("taken");
    end();
    await expect.poll(() => input.markOn(said)).toBe("done");
  });

  it("is answered as well and as soon when signs are refused", async () => {
    const { clock, input, runs, end } = await setUp();
    input.failMarks(new MicroError("permission_denied", "missing_scope"), 3);
    const said = input.say("work slow");
    await expect.poll(() => runs).toHaveLength(1);
    await clock.advance(4000);
    end();
    expect(textOf(await input.next())).toBe("work slow done");
    expect(input.markOn(said)).toBeUndefined();
  });

  it("is answered where a sign is never done with", async () => {
    const clock = manualClock();
    const input = memoryInput({ clock });
    const hanging = {
      ...input,
      connect: async () => ({ ...(await input.connect()), mark: () => new Promise<void>(() => {}) }),
    };
    let end = () => {};
    const gate = () => new Promise<void>((resolve) => (end = resolve));
    const { command, runs } = telling("work", { gate });
    await botOn([hanging], { commands: [command], clock, drainMs: 0 }).start();
    input.say("work slow");
    await expect.poll(() => runs).toHaveLength(1);
    await clock.advance(400);
    end();
    expect(textOf(await input.next())).toBe("work slow done");
  });
});
