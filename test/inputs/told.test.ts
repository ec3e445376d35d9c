import { describe, expect, it } from "vitest";
import { createTold } from "../../src/inputs/told.ts";
import { manualClock } from "../fakes/clock.ts";

describe("who is told that they are not listened to", () => {
  it("is told once", () => {
    const told = createTold(manualClock());
    expect(["ann", "bob", "ann"].map((person) => told.first(person))).toEqual([true, true, false]);
  });

  it("a crowd of strangers gets only so many words a minute; who came too late is told when they speak again", async () => {
    const clock = manualClock();
    const told = createTold(clock);
    const crowd = Array.from({ length: 500 }, (_, at) => `stranger ${at}`);
    expect(crowd.filter((person) => told.first(person))).toHaveLength(20);
    await clock.advance(60_001);
    expect([told.first("stranger 0"), told.first("stranger 499")]).toEqual([false, true]);
  });
});
