import { describe, expect, it } from "vitest";
import { createAgenda } from "../../src/core/agenda.ts";
import { manualClock } from "../fakes/clock.ts";

/* One timer for everything that is due. */

describe("an agenda", () => {
  it("tells of 10,000 things at their times, in order, with one sleeper", async () => {
    const clock = manualClock(0);
    const agenda = createAgenda(clock);
    const ended = new AbortController();
    const told: { id: string; due: number; at: number }[] = [];
    const running = agenda.run((id, due) => void told.push({ id, due, at: clock.now() }), ended.signal);
    for (let at = 0; at < 10_000; at++) agenda.set(`s${at}`, ((at * 7919) % 10_000) * 10 + 1000);
    expect(agenda.size).toBe(10_000);
    await clock.advance(0);
    expect(clock.sleepers).toBe(1);
    await clock.advance(200_000);
    expect(told).toHaveLength(10_000);
    expect(told.every(({ due, at }) => due === at)).toBe(true);
    expect(told.map(({ due }) => due)).toEqual(told.map(({ due }) => due).toSorted((a, b) => a - b));
    expect(agenda.size).toBe(0);
    ended.abort();
    await running;
    expect(clock.sleepers).toBe(0);
  });

  it("does not drift, however long it goes on", async () => {
    const clock = manualClock(0);
    const agenda = createAgenda(clock);
    const ended = new AbortController();
    const late: number[] = [];
    let count = 0;
    const running = agenda.run((id, due) => {
      count++;
      late.push(clock.now() - due);
      agenda.set(id, due + 10_000);
    }, ended.signal);
    agenda.set("tick", 10_000);
    await clock.advance(10_000 * 1000);
    expect(count).toBe(1000);
    expect(Math.max(...late)).toBe(0);
    ended.abort();
    await running;
  });

  it("takes things forward, back and away, and holds no more than there are", async () => {
    const clock = manualClock(0);
    const agenda = createAgenda(clock);
    const ended = new AbortController();
    const told: string[] = [];
    const running = agenda.run((id) => void told.push(id), ended.signal);
    for (let at = 0; at < 10_000; at++) agenda.set("moved", 90_000 + at);
    agenda.set("gone", 10_000);
    agenda.set("gone", undefined);
    agenda.set("moved", 5000);
    agenda.set("later", 6000);
    agenda.set("later", 20_000);
    await clock.advance(7000);
    expect(told).toEqual(["moved"]);
    await clock.advance(200_000);
    expect(told).toEqual(["moved", "later"]);
    ended.abort();
    await running;
  });
});
