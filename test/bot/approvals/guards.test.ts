import { setImmediate } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { type Guards, guards } from "../../../src/bot/approvals/guards.ts";
import type { Kv } from "../../../src/platform/kv/kv.ts";
import { memoryKv } from "../../../src/platform/kv/memory.ts";
import { type AskingInit, asking, rightsOf, service } from "./asking.ts";

/*
 * "Approval buttons" of `chat.md §6`: a button could resolve another request, stayed live, let who asked approve. Each case is
 * tried with its guard, where nothing happens, and without it, where the harm is done: so each guard is what holds.
 */

const open: Guards = { ...guards };
const pass = () => undefined;

/** What somebody tries, and the guard that is in the way. */
interface Case {
  readonly what: string;
  readonly without: AskingInit["confirm"];
  readonly says: RegExp;
  run(init: AskingInit): Promise<{ readonly said: string; readonly runs: readonly string[] }>;
}

const lead = () => rightsOf({ approvals: { count: 1, role: "lead" } });

const cases: readonly Case[] = [
  {
    what: "the wrong person presses",
    without: { guards: { ...open, rightPerson: pass } },
    says: /^only ann can say yes/,
    run: async (init) => {
      const { input, runs, ask } = await asking(init);
      await ask(() => input.say("drain payments"));
      return { said: await ask(() => input.press("Do it", { from: "eve" })), runs };
    },
  },
  {
    what: "somebody presses in another room",
    without: { guards: { ...open, sameRoom: pass } },
    says: /was asked in another room/,
    run: async (init) => {
      const { input, runs, ask, idOf } = await asking(init);
      await ask(() => input.say("drain payments"));
      return { said: await ask(() => input.say(`yes ${idOf()}`, { room: "elsewhere" })), runs };
    },
  },
  {
    what: "somebody presses too late",
    without: { guards: { ...open, inTime: pass } },
    says: /^that is over: drain payments\nnobody said yes within 2 minutes/,
    run: async (init) => {
      const { input, clock, runs, ask } = await asking(init);
      await ask(() => input.say("drain payments"));
      const line = input.sent[0]?.choices?.[0]?.line ?? "";
      await clock.advance(120_001);
      return { said: await ask(() => input.say(line)), runs };
    },
  },
  {
    what: "somebody presses what was dropped",
    without: { guards: { ...open, undecided: pass } },
    says: /^that is over: drain payments\nann said no to it at/,
    run: async (init) => {
      const { input, runs, ask, idOf } = await asking(init);
      await ask(() => input.say("drain payments"));
      const id = idOf();
      await ask(() => input.say(`no ${id}`));
      return { said: await ask(() => input.say(`yes ${id}`)), runs };
    },
  },
  {
    what: "what it touches has moved",
    without: { guards: { ...open, sameState: () => true } },
    says: /^the yes is void, because what it touches/,
    run: async (init) => {
      const { input, registry, runs, ask } = await asking(init);
      await ask(() => input.say("drain payments"));
      await registry.register(service("payments", "1", "p-1"));
      return { said: await ask(() => input.say("yes")), runs };
    },
  },
  {
    what: "who asked approves",
    without: { guards: { ...open, rightPerson: pass } },
    says: /^you asked for it, so another of the role lead has to say yes/,
    run: async (init) => {
      const rights = lead();
      rights.leads.add("memory:ann");
      const { input, runs, ask, idOf } = await asking({ ...init, rights });
      await ask(() => input.say("drain payments"));
      return { said: await ask(() => input.say(`approve ${idOf()}`)), runs };
    },
  },
];

describe("Approval buttons (chat.md §6)", () => {
  it.each(cases)("$what: nothing is done, and they are told why", async ({ run, says }) => {
    const { said, runs } = await run({});
    expect(said).toMatch(says);
    expect(runs).toEqual([]);
  });

  const mutated = cases.filter(({ what }) => what !== "who asked approves");
  it.each(mutated)("$what: without its guard it is done", async ({ run, without = {}, says }) => {
    const { said, runs } = await run({ confirm: without });
    expect(said).not.toMatch(says);
    expect(runs).toEqual(["payments"]);
  });

  it("who asked approves: the count leaves them out even without that guard", async () => {
    const who = cases.at(-1) as Case;
    const { said, runs } = await who.run({ confirm: who.without ?? {} });
    expect(said).toMatch(/1 more of the role lead must say/);
    expect(runs).toEqual([]);
  });

  /** Everybody who says yes at once, on a store where each has read before anybody writes. */
  const together = async (store: Kv): Promise<readonly string[]> => {
    const kv: Kv = {
      ...store,
      get: async (key, options) => {
        const entry = await store.get(key, options);
        if (key.startsWith("requests.")) for (let n = 0; n < 20; n++) await setImmediate();
        return entry;
      },
    };
    const { input, runs, ask, idOf } = await asking({ kv, rights: lead() });
    await ask(() => input.say("drain payments"));
    const id = idOf();
    for (const from of ["bob", "cid", "dan"]) input.say(`yes ${id}`, { from });
    await expect.poll(() => input.sent.length).toBeGreaterThan(3);
    return runs;
  };

  it("three press at once: it is done once", async () => {
    expect(await together(memoryKv())).toEqual(["payments"]);
  });

  it("three press at once: without compare-and-set it is done more than once", async () => {
    const kv = memoryKv();
    const blind: Kv = {
      ...kv,
      update: (key, value, revision, options) =>
        key.startsWith("requests.") ? kv.put(key, value, options) : kv.update(key, value, revision, options),
    };
    expect((await together(blind)).length).toBeGreaterThan(1);
  });

  it("a button carries its request's id and no other, so it decides no other", async () => {
    const { input, runs, ask, idOf } = await asking();
    await ask(() => input.say("drain one"));
    const first = input.sent[0]?.choices?.[0]?.line ?? "";
    await ask(() => input.say("drain two"));
    expect(first).not.toContain(idOf());
    await ask(() => input.say(first));
    expect(runs).toEqual(["one"]);
  });
});
