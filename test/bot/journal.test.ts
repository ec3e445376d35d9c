import { describe, expect, it } from "vitest";
import { memoryJournal, type Taken } from "../../src/bot/journal.ts";

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
