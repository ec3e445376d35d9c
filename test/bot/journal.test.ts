import { describe, expect, it } from "vitest";
import { memoryJournal, type Taken } from "../../src/bot/journal.ts";
import { memoryInput } from "../../src/inputs/memory/memory.ts";
import { botOn } from "./run-bot.ts";

const taken = (key: string, at: number): Taken => ({
  key,
  input: "memory",
  place: { room: "room" },
  caller: "memory:ann",
  text: "ping",
  at,
});

describe("what the journal remembers", () => {
  it("takes a message once", () => {
    const journal = memoryJournal();
    expect(journal.take(taken("a", 1))).toBe(true);
    expect(journal.take(taken("a", 2))).toBe(false);
  });

  it("forgets after its time, not before, again and again", () => {
    const journal = memoryJournal({ keepMs: 100 });
    for (let at = 0; at < 1000; at += 10) expect(journal.take(taken(`m${at}`, at))).toBe(true);
    expect(journal.take(taken("m910", 1000))).toBe(false);
    expect(journal.take(taken("m900", 1000))).toBe(true);
    expect(journal.take(taken("m990", 5000))).toBe(true);
    expect(journal.take(taken("m990", 5000))).toBe(false);
  });

  it("forgets the oldest when it is full", () => {
    const journal = memoryJournal({ max: 3 });
    for (const key of ["a", "b", "c", "d", "e"]) journal.take(taken(key, 1));
    expect(journal.take(taken("d", 1))).toBe(false);
    expect(journal.take(taken("b", 1))).toBe(true);
    expect(journal.take(taken("c", 1))).toBe(true);
  });
});

it("the journal keeps the beginning of what was said, however long that is", async () => {
  const kept: Taken[] = [];
  const take = (message: Taken) => {
    kept.push(message);
    return true;
  };
  const input = memoryInput();
  await botOn([input], { journal: { ...memoryJournal(), take } }).start();
  input.say(`echo ${"x".repeat(1_000_000)}`);
  await input.next();
  expect(kept[0]?.text).toMatch(/^echo x{100,}…$/);
  expect(kept[0]?.text.length).toBeLessThan(1000);
});
