import { describe, expect, it } from "vitest";
import { LIMIT_OPTIONS, limitsOf } from "../../src/app/limits.ts";
import { readOptions } from "../../src/app/options.ts";
import { LIMITS } from "../../src/bot/limits/limits.ts";

const read = (args: readonly string[], env = {}) => limitsOf(readOptions(LIMIT_OPTIONS, args, env).settings);

describe("options of limits", () => {
  it("are the usual ones when nothing is said", () => {
    expect(read([])).toEqual({
      limit: LIMITS,
      order: { atOnce: 16, goingOn: 16, waiting: 500 },
      outputBytes: 1_000_000,
    });
  });

  it("are what is said, each with a rate and a burst", () => {
    const said = read(["--limit_person=5/1m,2", "--limit-room", "none", "--limit_jobs=4", "--limit_output=0"], {
      MICRO_LIMIT_TARGET: "1/1s",
    });
    expect(said).toMatchObject({
      limit: { person: { count: 5, ms: 60_000, burst: 2 }, room: "none", target: { count: 1, ms: 1000, burst: 1 } },
      order: { atOnce: 4 },
      outputBytes: Number.POSITIVE_INFINITY,
    });
  });

  it("that are none name the option and how it is written", () => {
    expect(() => read(["--limit_person=many"])).toThrow(/--limit_person: "many" is no limit; write it like 30\/10s/);
    expect(() => read([], { MICRO_LIMIT_ROOM: "5" })).toThrow(/MICRO_LIMIT_ROOM: "5" is no limit/);
  });
});
