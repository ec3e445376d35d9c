import { describe, expect, it } from "vitest";
import { type Journal, memoryJournal } from "../../../src/bot/journal.ts";
import { MicroError } from "../../../src/core/errors.ts";
import { memoryRegistry } from "../../../src/core/registry/memory.ts";
import { memoryInput } from "../../../src/inputs/memory/memory.ts";
import type { Kv } from "../../../src/platform/kv/kv.ts";
import { memoryKv, memoryShelf } from "../../../src/platform/kv/memory.ts";
import { manualClock } from "../../fakes/clock.ts";
import { textOf } from "../run-bot.ts";
import { type AskingInit, asking, rightsOf, service } from "./asking.ts";

/* Requests live in the store: over a restart, and on several replicas of one bot. */

/** Two bots in the same rooms, with a link each. */
async function pair(init: AskingInit = {}) {
  const clock = manualClock();
  const shelf = memoryShelf();
  const registry = memoryRegistry()();
  const shared = { ...init, clock, shelf, bot: { registry, ...init.bot } };
  const a = await asking(shared);
  const b = await asking({ ...shared, ...(init.kv && { kv: memoryKv({ shelf }) }) });
  return { a, b, clock, registry, runs: () => [...a.runs, ...b.runs] };
}

describe("requests over a restart", () => {
  it("wait for their yes, and take their buttons away when it has come", async () => {
    const clock = manualClock();
    const shelf = memoryShelf();
    const input = memoryInput({ clock, limits: { buttons: true } });
    const rights = rightsOf({ approvals: { count: 2, role: "lead" } });
    const before = await asking({ clock, shelf, input, rights });
    await before.ask(() => input.say("drain payments"));
    const id = before.idOf();
    await before.ask(() => input.say(`yes ${id}`, { from: "bob" }));
    await before.stop();
    const after = await asking({ clock, shelf, input, rights });
    expect(await after.ask(() => input.press("Approve", { from: "cid" }))).toBe("drain payments done");
    expect([before.runs, after.runs]).toEqual([[], ["payments"]]);
    expect(textOf(input.sent[0])).toMatch(/\nbob and cid said yes to it at 00:00:00 UTC$/);
    expect(input.sent[0]?.choices).toBeUndefined();
  });

  it("Approval buttons (chat.md §6): tell what became of them, however old the button", async () => {
    const clock = manualClock();
    const shelf = memoryShelf();
    const input = memoryInput({ clock, limits: { buttons: true, edits: false } });
    const before = await asking({ clock, shelf, input });
    const ids: string[] = [];
    for (const what of ["done", "dropped", "late"]) {
      await before.ask(() => input.say(`drain ${what}`));
      ids.push(before.idOf());
    }
    await before.ask(() => input.say(`yes ${ids[0]}`));
    await before.ask(() => input.say(`no ${ids[1]}`));
    await before.stop();
    await clock.advance(3 * 3_600_000);
    const after = await asking({ clock, shelf, input });
    await expect
      .poll(() => textOf(after.last()))
      .toBe("drain late\nnobody said yes within 2 minutes, so nothing was done (00:02:00 UTC)");
    const fates = [
      "drain done\nann said yes to it at 00:00:00 UTC; it was done",
      "drain dropped\nann said no to it at 00:00:00 UTC",
      "drain late\nnobody said yes within 2 minutes, so nothing was done (00:02:00 UTC)",
    ];
    for (const [at, fate] of fates.entries()) {
      for (const from of ["ann", "bob"]) {
        expect(await after.ask(() => input.say(`yes ${ids[at]}`, { from }))).toBe(`that is over: ${fate}`);
        expect(after.last()?.whisper).toBe(true);
      }
    }
    expect([before.runs, after.runs]).toEqual([["done"], []]);
  });

  it("are forgotten in the end", async () => {
    const { input, clock, ask, idOf, kv } = await asking({ confirm: { keepMs: 30_000 } });
    await ask(() => input.say("drain payments"));
    const id = idOf();
    await ask(() => input.say(`yes ${id}`));
    await clock.advance(180_000);
    await expect.poll(async () => (await kv.list("requests.")).length).toBe(0);
    expect(await ask(() => input.say(`yes ${id}`))).toContain("nothing of yours");
  });

  it("whose process died between the last yes and the deed need only one more word", async () => {
    const rights = rightsOf({ approvals: { count: 1, role: "lead" } });
    const { input, kv, runs, ask, idOf } = await asking({ rights });
    await ask(() => input.say("drain payments"));
    const id = idOf();
    const [entry] = await kv.list("requests.");
    const pending = JSON.parse(entry?.value ?? "");
    const votes = [{ id: "bob", name: "bob", caller: "memory:bob", person: "memory:bob", guest: false, at: 1 }];
    await kv.put(`requests.${id}`, JSON.stringify({ ...pending, votes }));
    expect(await ask(() => input.say(`yes ${id}`, { from: "bob" }))).toBe("drain payments done");
    expect(runs).toEqual(["payments"]);
  });
});

describe("requests on two replicas", () => {
  it("are answered by whichever hears the yes, once", async () => {
    const { a, b, runs } = await pair();
    await a.ask(() => a.input.say("drain payments"));
    b.input.say("yes", { id: "b1" });
    await expect.poll(() => b.input.sent.map(textOf)).toContain("drain payments done");
    expect(await a.ask(() => a.input.say(`yes ${a.idOf(0)}`))).toMatch(/^that is over: drain payments\nann said yes/);
    expect(runs()).toEqual(["payments"]);
  });

  it("are done once when two yes come at the same moment, whoever of the two replicas is first", async () => {
    for (const count of [1, 2]) {
      const { a, b, runs } = await pair({ rights: rightsOf({ approvals: { count, role: "lead" } }) });
      await a.ask(() => a.input.say("drain payments"));
      const id = a.idOf();
      if (count === 2) await a.ask(() => a.input.say(`yes ${id}`, { from: "dan" }));
      a.input.say(`yes ${id}`, { from: "bob", id: "a1" });
      b.input.say(`yes ${id}`, { from: "cid", id: "b1" });
      const said = (begin: string) =>
        [...a.input.sent, ...b.input.sent].filter((one) => textOf(one).startsWith(begin)).length;
      await expect.poll(() => [said("drain payments done"), said("that is over")]).toEqual([1, 1]);
      expect(runs()).toEqual(["payments"]);
    }
  });

  it("see what moved, each by itself", async () => {
    const { a, b, clock, registry, runs } = await pair();
    await registry.register(service("payments", "1", "p-1"));
    await a.ask(() => a.input.say("drain payments"));
    await registry.register(service("payments", "1", "p-2"));
    await clock.advance(1);
    b.input.say("yes", { id: "b1" });
    await expect.poll(() => b.input.sent.map(textOf).join("\n")).toContain("\n+ payments 1 node p-2\n");
    await expect.poll(() => b.idOf()).not.toBe("");
    a.input.say("yes");
    // What the other said it cannot change here, and says anew.
    await expect.poll(() => a.input.sent.map(textOf)).toContain("drain payments done");
    expect(runs()).toEqual(["payments"]);
  });

  it("expire once, and their room is told", async () => {
    const { a, b, clock } = await pair({ limits: { edits: false } });
    await a.ask(() => a.input.say("drain payments"));
    await clock.advance(135_000);
    const told = () => [...a.input.sent, ...b.input.sent].filter((one) => textOf(one).includes("nobody said yes"));
    await expect.poll(() => told().length).toBe(1);
    await clock.advance(60_000);
    expect(told()).toHaveLength(1);
  });
});

describe("a yes that a process left", () => {
  it("is not decided by the one that takes it over, and still waits for it", async () => {
    const real = memoryJournal();
    const begun: (string | undefined)[] = [];
    let before = 0;
    const journal: Journal = {
      ...real,
      take: async (taken) => {
        const claim = await real.take(taken);
        return claim && { ...claim, before };
      },
      begin: async (claim, meant) => {
        begun.push(meant);
        return real.begin(claim);
      },
    };
    const { input, runs, ask, idOf } = await asking({ bot: { journal } });
    await ask(() => input.say("drain payments"));
    before = 1;
    expect(await ask(() => input.say("yes"))).toBe(
      `nothing was done: the process of mine that heard this yes stopped before it had begun; say \`micro yes ${idOf()}\` again if you still want it: drain payments`,
    );
    before = 0;
    expect(await ask(() => input.say("yes"))).toBe("drain payments done");
    expect(runs).toEqual(["payments"]);
    // The journal has what was meant beside the yes.
    expect(begun).toEqual(["drain payments"]);
  });
});

describe("a store that is away", () => {
  it("lets nothing be asked and nothing be done, and says so", async () => {
    let away = false;
    const real = memoryKv();
    await real.start();
    const gone = () => Promise.reject(new MicroError("unavailable", "the store is away"));
    const kv: Kv = {
      ...real,
      get: (...call) => (away && call[0].startsWith("requests.") ? gone() : real.get(...call)),
      list: (...call) => (away && call[0].startsWith("requests.") ? gone() : real.list(...call)),
      update: (...call) => (away && call[0].startsWith("requests.") ? gone() : real.update(...call)),
    };
    const { input, runs, ask } = await asking({ kv });
    away = true;
    expect(await ask(() => input.say("drain payments"))).toBe("the store is away");
    away = false;
    await ask(() => input.say("drain payments"));
    away = true;
    expect(await ask(() => input.say("yes"))).toBe("the store is away");
    expect(runs).toEqual([]);
    away = false;
    expect(await ask(() => input.say("yes"))).toBe("drain payments done");
  });

  it("is not believed when it holds what is no request", async () => {
    const { input, kv, runs, ask } = await asking();
    for (const [id, value] of [
      ["aaaaaa", "no json"],
      ["bbbbbb", "{}"],
      ["cccccc", "null"],
    ]) {
      await kv.put(`requests.${id}`, value as string);
      expect(await ask(() => input.say(`yes ${id}`))).toContain("nothing of yours");
    }
    await ask(() => input.say("drain payments"));
    expect(await ask(() => input.say("yes"))).toBe("drain payments done");
    expect(runs).toEqual(["payments"]);
  });
});
