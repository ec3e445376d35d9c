import { describe, expect, it } from "vitest";
import type { Context } from "../../../src/bot/context.ts";
import { memoryInput } from "../../../src/inputs/memory/memory.ts";
import { manualClock } from "../../fakes/clock.ts";
import { textOf } from "../run-bot.ts";
import { type AskingInit, asking, rightsOf, service } from "./asking.ts";

/* A write that needs approvers, done without them: with a grant, a reason, a yes of one's own, and so that all see it. */

const SAID = 'break-glass "nobody answers the pager" drain payments';

function breaking(init: AskingInit = {}) {
  const rights = rightsOf({ approvals: { count: 2, role: "lead" }, breakers: new Set(["memory:ann"]) });
  return { rights, ready: asking({ rights, ...init }) };
}

describe("break-glass", () => {
  it("asks who says it, tells the room and whoever keeps watch, and runs without approvers", async () => {
    const clock = manualClock();
    const watch = memoryInput({ name: "watch", clock });
    const input = memoryInput({ clock, limits: { buttons: true } });
    const { ready } = breaking({
      clock,
      input,
      bot: { inputs: [input, watch], announce: { input: "watch", room: "W1" } },
    });
    const { registry, runs, ask, idOf } = await ready;
    await registry.register(service("payments", "1.2", "p-1"));
    expect((await ask(() => input.say(SAID))).split("\n")).toEqual([
      "BREAK-GLASS, without approvers; reason: nobody answers the pager",
      "this changes things: drain payments",
      "touches payments 1.2: node p-1",
      expect.stringMatching(/^say `micro yes` within 2 minutes to do it/),
    ]);
    expect(runs).toEqual([]);
    const id = idOf();
    input.say("yes");
    await expect.poll(() => runs).toEqual(["payments"]);
    const alarm = [
      "BREAK-GLASS by ann in memory:room, 00:00:00 UTC: drain payments",
      `goes without 2 of the role lead; reason: nobody answers the pager (${id})`,
    ].join("\n");
    await expect.poll(() => input.sent.map(textOf)).toContain(alarm);
    await expect.poll(() => watch.sent.map((one) => [one.place, textOf(one)])).toEqual([[{ room: "W1" }, alarm]]);
    expect(input.sent.find((one) => textOf(one) === alarm)?.whisper).toBeUndefined();
  });

  it("marks the context that everything after it sees, the audit among them", async () => {
    const seen: Pick<Context, "brokeGlass" | "approval">[] = [];
    const { ready } = breaking();
    const { input, kv, ask } = await ready;
    await ask(() => input.say(SAID));
    const [entry] = await kv.list("requests.");
    seen.push(JSON.parse(entry?.value ?? "{}"));
    expect(seen[0]?.brokeGlass).toBe("nobody answers the pager");
    expect(await kv.list("requests.")).toHaveLength(1);
  });

  it("is nobody's without the grant, who asked for it and lost it since among them", async () => {
    const { rights, ready } = breaking();
    const { input, runs, ask } = await ready;
    expect(await ask(() => input.say(SAID, { from: "eve" }))).toBe("you need the permission bot:break-glass");
    await ask(() => input.say(SAID));
    rights.breakers.clear();
    expect(await ask(() => input.say("yes"))).toBe("you need the permission bot:break-glass");
    rights.breakers.add("memory:ann");
    expect(await ask(() => input.say("yes"))).toContain("nothing of yours");
    expect(runs).toEqual([]);
  });

  it("skips approvers and no permission", async () => {
    const { rights, ready } = breaking();
    const { input, runs, ask } = await ready;
    rights.barred.add("memory:ann");
    expect(await ask(() => input.say(SAID))).toBe("you need the permission test:drain");
    expect(runs).toEqual([]);
  });

  it("needs the yes of who said it; an approver's is none", async () => {
    const { ready } = breaking();
    const { input, runs, ask, idOf } = await ready;
    await ask(() => input.say(SAID));
    expect(await ask(() => input.say(`yes ${idOf()}`, { from: "bob" }))).toMatch(/^only ann can say yes/);
    expect(runs).toEqual([]);
  });

  it("is void like any yes when what it touches has moved, and still goes without approvers when asked anew", async () => {
    const { ready } = breaking();
    const { input, registry, runs, ask } = await ready;
    await ask(() => input.say(SAID));
    await registry.register(service("payments", "1", "p-1"));
    const again = await ask(() => input.say("yes"));
    expect(again).toContain("\n+ payments 1 node p-1\n");
    expect(again).toContain("BREAK-GLASS, without approvers; reason: nobody answers the pager");
    expect(input.sent.map(textOf).join("\n")).not.toContain("BREAK-GLASS by");
    input.say("yes");
    await expect.poll(() => runs).toEqual(["payments"]);
  });

  it("breaks nothing where no approvers are needed, and wants a reason in quotes before a command", async () => {
    const { rights, ready } = breaking();
    const { input, runs, ask } = await ready;
    const wrong: Readonly<Record<string, RegExp>> = {
      "break-glass drain payments": /^the reason stands in quotes/,
      'break-glass "" drain payments': /^the reason stands in quotes/,
      "break-glass": /^say why, in quotes, and then the command/,
      'break-glass "why"': /^say the command after the reason/,
      'break-glass "why" nonsense': /^there is no command "nonsense"/,
      'break-glass "why" ping': /^`ping` needs no approvers here, so there is no glass to break/,
      'break-glass "why" yes': /^there is no command "yes"/,
      'break-glass "why" break-glass "again" drain payments': /needs no approvers|stands in quotes/,
    };
    for (const [line, says] of Object.entries(wrong)) expect(await ask(() => input.say(line))).toMatch(says);
    rights.approvals = undefined;
    expect(await ask(() => input.say(SAID))).toMatch(/^`drain` needs no approvers here/);
    expect(runs).toEqual([]);
  });
});
