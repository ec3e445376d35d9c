import { describe, expect, it } from "vitest";
import { MicroError } from "../../../src/core/errors.ts";
import type { Standing } from "../../../src/inputs/input.ts";
import { type MemoryInput, memoryInput } from "../../../src/inputs/memory/memory.ts";
import { manualClock } from "../../fakes/clock.ts";
import { asking, rightsOf } from "./asking.ts";

/* What people are is asked of their network when it is done, not when they asked or said yes. */

/** A network that tells what people are now, or does not answer. */
async function network(count: number) {
  const clock = manualClock();
  const memory = memoryInput({ clock, limits: { buttons: true } });
  const now = new Map<string, Standing | "away">();
  const input: MemoryInput = Object.create(memory, {
    connect: {
      value: async (options: Parameters<MemoryInput["connect"]>[0]) => ({
        ...(await memory.connect(options)),
        standing: async (id: string) => {
          const is = now.get(id) ?? "member";
          if (is === "away") throw new MicroError("unavailable", "the network is down");
          return is;
        },
      }),
    },
  });
  const rights = rightsOf({ approvals: { count, role: "lead" }, noGuests: true });
  return { now, rights, ...(await asking({ rights, clock, input })) };
}

describe("a request that waits for approvers", () => {
  it.each([
    ["guest", /^not done, though bob said yes: ann asked for it, and to them holds: /],
    ["gone", /^not done, though bob said yes: ann asked for it, and to them holds: ann has no account here any more/],
  ] as const)("is void when who asked is %s by the yes", async (is, words) => {
    const { now, input, runs, ask, idOf } = await network(1);
    await ask(() => input.say("drain payments"));
    const id = idOf();
    now.set("ann", is);
    expect(await ask(() => input.say(`approve ${id}`, { from: "bob" }))).toMatch(words);
    now.set("ann", "member");
    expect(await ask(() => input.say(`approve ${id}`, { from: "cid" }))).toMatch(/^that is over/);
    expect(runs).toEqual([]);
  });

  it("waits on while nobody can tell what who asked is", async () => {
    const { now, input, runs, ask, idOf } = await network(1);
    await ask(() => input.say("drain payments"));
    now.set("ann", "away");
    expect(await ask(() => input.say(`approve ${idOf()}`, { from: "bob" }))).toMatch(
      /^nothing was done: it cannot be told whether ann is still a member here \(the network is down\)/,
    );
    expect(runs).toEqual([]);
    now.set("ann", "member");
    expect(await ask(() => input.say(`approve ${idOf()}`, { from: "bob" }))).toBe("drain payments done");
  });

  it("counts no yes of who has lost their account since", async () => {
    const { now, input, runs, ask, idOf } = await network(2);
    await ask(() => input.say("drain payments"));
    const id = idOf();
    await ask(() => input.say(`approve ${id}`, { from: "bob" }));
    now.set("bob", "gone");
    expect(await ask(() => input.say(`approve ${id}`, { from: "cid" }))).toBe(
      "the yes of bob does not count any more: they are no members here now; 1 more of the role lead must say yes",
    );
    expect(runs).toEqual([]);
    expect(await ask(() => input.say(`approve ${id}`, { from: "dan" }))).toBe("drain payments done");
  });
});
