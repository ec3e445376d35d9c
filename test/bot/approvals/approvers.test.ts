import { describe, expect, it } from "vitest";
import { telling, textOf } from "../run-bot.ts";
import { asking, rightsOf, service } from "./asking.ts";

/* N of M approvers of a role, never who asks: "Approval buttons" of `chat.md §6`. */

const two = () => rightsOf({ approvals: { count: 2, role: "lead" } });

describe("approvers", () => {
  it("are named with what is touched, and the line runs at the last yes, in the name of who asked", async () => {
    const { input, registry, runs, callers, ask, idOf, last } = await asking({ rights: two() });
    await registry.register(service("payments", "1.2.0", "p-2", "p-1"));
    const text = await ask(() => input.say("drain payments", { from: { id: "ann", name: "Ann" } }));
    const id = idOf();
    expect(text.split("\n")).toEqual([
      "this changes things: drain payments",
      "touches payments 1.2.0: nodes p-1, p-2",
      `2 of the role lead have to say \`micro approve ${id}\` within 30 minutes, and Ann (memory:ann), who asks, does not count; \`micro no ${id}\` drops it`,
    ]);
    expect(last()?.choices).toEqual([
      { label: "Approve", line: `yes ${id}`, weight: "danger" },
      { label: "No", line: `no ${id}` },
    ]);
    expect(await ask(() => input.press("Approve", { from: "bob" }))).toBe(
      `bob said yes to it; 1 more of the role lead must say \`micro approve ${id}\`: drain payments`,
    );
    expect(textOf(input.sent[0])).toContain("yes so far: bob at 00:00:00 UTC");
    expect(input.sent[0]?.choices).toHaveLength(2);
    expect(runs).toEqual([]);
    expect(await ask(() => input.say(`micro approve ${id}`, { from: "cid" }))).toBe("drain payments done");
    expect(runs).toEqual(["payments"]);
    expect(textOf(input.sent[0])).toMatch(/\nbob and cid said yes to it at 00:00:00 UTC$/);
    expect(input.sent[0]?.choices).toBeUndefined();
    expect(callers).toEqual(["memory:ann"]);
  });

  it("Approval buttons (chat.md §6): who asked cannot approve, by no word and under no linked name", async () => {
    const rights = two();
    rights.leads.add("memory:ann").add("memory:ann-at-home");
    rights.people.set("memory:ann", "ann").set("memory:ann-at-home", "ann");
    const { input, runs, ask, idOf, last } = await asking({ rights });
    await ask(() => input.say("drain payments"));
    const id = idOf();
    for (const from of ["ann", "ann-at-home"]) {
      for (const word of [`yes ${id}`, `approve ${id}`]) {
        expect(await ask(() => input.say(word, { from }))).toBe(
          "you asked for it, so 2 others of the role lead have to say yes to it: drain payments",
        );
        expect(last()?.whisper).toBe(true);
      }
    }
    expect(await ask(() => input.say("yes"))).toContain("you asked for it");
    expect(runs).toEqual([]);
  });

  it("who becomes the asker by being linked meanwhile does not count any more", async () => {
    const rights = two();
    const { input, runs, ask, idOf } = await asking({ rights });
    await ask(() => input.say("drain payments"));
    await ask(() => input.say(`yes ${idOf()}`, { from: "bob" }));
    rights.people.set("memory:ann", "ann").set("memory:bob", "ann");
    const text = await ask(() => input.say(`yes ${idOf()}`, { from: "cid" }));
    expect(text).toContain("1 more of the role lead must say");
    expect(text).toContain("the yes of bob does not count any more");
    expect(await ask(() => input.say(`yes ${idOf()}`, { from: "dan" }))).toBe("drain payments done");
    expect(runs).toEqual(["payments"]);
  });

  it.each([
    ["ann", "bob"],
    ["bob", "ann"],
  ])("who asked as %s and parts from it does not count as %s either", async (asks, votes) => {
    // The person is called as one of the ids, as links that people made themselves are.
    const people = new Map([
      ["memory:ann", "memory:ann"],
      ["memory:bob", "memory:ann"],
    ]);
    const rights = rightsOf({ approvals: { count: 1, role: "lead" }, people });
    rights.leads.add("memory:ann");
    const { input, runs, ask, idOf } = await asking({ rights });
    await ask(() => input.say("drain payments", { from: asks }));
    rights.people.clear();
    expect(await ask(() => input.say(`approve ${idOf()}`, { from: votes }))).toContain("you asked for it");
    expect(runs).toEqual([]);
    expect(await ask(() => input.say(`approve ${idOf()}`, { from: "cid" }))).toBe("drain payments done");
  });

  it.each([
    ["bob", "cid"],
    ["cid", "bob"],
  ])("who said yes as %s and parts from it does not count again as %s", async (first, second) => {
    const rights = two();
    rights.people.set("memory:bob", "memory:bob").set("memory:cid", "memory:bob");
    const { input, runs, ask, idOf } = await asking({ rights });
    await ask(() => input.say("drain payments"));
    await ask(() => input.say(`approve ${idOf()}`, { from: first }));
    rights.people.clear();
    expect(await ask(() => input.say(`approve ${idOf()}`, { from: second }))).toMatch(/^you said yes to it before; 1/);
    expect(runs).toEqual([]);
    expect(await ask(() => input.say(`approve ${idOf()}`, { from: "dan" }))).toBe("drain payments done");
  });

  it("who asked does not count in other letters, which some networks hand on as they were typed", async () => {
    const rights = rightsOf({ approvals: { count: 1, role: "lead" } });
    rights.leads.add("memory:Ann");
    const { input, runs, ask, idOf } = await asking({ rights });
    await ask(() => input.say("drain payments", { from: "ann" }));
    expect(await ask(() => input.say(`approve ${idOf()}`, { from: "Ann" }))).toContain("you asked for it");
    expect(runs).toEqual([]);
  });

  it("one person counts once, however often and under whatever name they say it", async () => {
    const rights = two();
    rights.people.set("memory:bob", "bob").set("memory:cid", "bob");
    const { input, runs, ask, idOf } = await asking({ rights });
    await ask(() => input.say("drain payments"));
    await ask(() => input.say(`yes ${idOf()}`, { from: "bob" }));
    for (const from of ["bob", "cid"]) {
      expect(await ask(() => input.say(`yes ${idOf()}`, { from }))).toMatch(/^you said yes to it before; 1 more/);
    }
    expect(runs).toEqual([]);
  });

  it("Approval buttons (chat.md §6): who has not the role says nothing, neither yes nor no", async () => {
    const { input, runs, ask, idOf, last } = await asking({ rights: two() });
    await ask(() => input.say("drain payments"));
    for (const word of ["yes", "approve", "no"]) {
      expect(await ask(() => input.say(`${word} ${idOf()}`, { from: "eve" }))).toMatch(
        /^only the role lead can say (yes|no) to this, and memory:eve does not have it: drain payments$/,
      );
      expect(last()?.whisper).toBe(true);
    }
    expect(await ask(() => input.say(`yes ${idOf()}`, { from: { id: undefined, name: "bob" } }))).toContain(
      "only the role",
    );
    await ask(() => input.say(`yes ${idOf()}`, { from: "bob" }));
    expect(runs).toEqual([]);
  });

  it("a no of one of them drops it, with the reason; so does a no of who asked", async () => {
    const { input, runs, ask, idOf } = await asking({ rights: two() });
    await ask(() => input.say("drain payments"));
    const id = idOf();
    await ask(() => input.say(`yes ${id}`, { from: "bob" }));
    expect(await ask(() => input.say(`no ${id} not on a Friday`, { from: "cid" }))).toBe("not done: drain payments");
    expect(textOf(input.sent[0])).toContain("cid said no to it at 00:00:00 UTC: not on a Friday");
    expect(await ask(() => input.say(`yes ${id}`, { from: "dan" }))).toContain("cid said no to it at 00:00:00 UTC");
    await ask(() => input.say("drain orders"));
    expect(await ask(() => input.say("no"))).toBe("not done: drain orders");
    expect(runs).toEqual([]);
  });

  it("who lost the role meanwhile does not count at the last yes", async () => {
    const rights = two();
    const { input, runs, ask, idOf } = await asking({ rights });
    await ask(() => input.say("drain payments"));
    await ask(() => input.say(`yes ${idOf()}`, { from: "bob" }));
    rights.leads.delete("memory:bob");
    expect(await ask(() => input.say(`yes ${idOf()}`, { from: "cid" }))).toBe(
      [
        `cid said yes to it; 1 more of the role lead must say \`micro approve ${idOf()}\`: drain payments`,
        "the yes of bob does not count any more: they are not of the role lead now",
      ].join("\n"),
    );
    expect(runs).toEqual([]);
  });

  it("who asked and may not any more gets nothing done, and the request is over", async () => {
    const rights = two();
    const { input, runs, ask, idOf } = await asking({ rights });
    await ask(() => input.say("drain payments"));
    const id = idOf();
    await ask(() => input.say(`yes ${id}`, { from: "bob" }));
    rights.barred.add("memory:ann");
    expect(await ask(() => input.say(`yes ${id}`, { from: "cid" }))).toBe(
      "not done, though bob and cid said yes: ann asked for it, and to them holds: you need the permission test:drain",
    );
    expect(textOf(input.sent[0])).toContain("it cannot be done any more (00:00:00 UTC)");
    rights.barred.clear();
    expect(await ask(() => input.say(`yes ${id}`, { from: "cid" }))).toMatch(/^that is over: drain payments/);
    expect(runs).toEqual([]);
  });

  it("who asked and became a stranger since gets nothing done, as far as they have spoken since", async () => {
    const rights = rightsOf({ approvals: { count: 1, role: "lead" }, noGuests: true });
    const { input, runs, ask, idOf, clock } = await asking({ rights });
    await ask(() => input.say("drain payments"));
    await clock.advance(1000);
    await ask(() => input.say("help", { from: { id: "ann", name: "ann", guest: true } }));
    expect(await ask(() => input.say(`approve ${idOf()}`, { from: "bob" }))).toMatch(
      /^not done, though bob said yes: ann asked for it, and to them holds: /,
    );
    expect(runs).toEqual([]);
  });

  it("who asked, became a stranger and says yes themselves gets nothing done", async () => {
    const { input, runs, ask } = await asking({ rights: rightsOf({ noGuests: true }) });
    await ask(() => input.say("drain payments"));
    const said = await ask(() => input.say("yes", { from: { id: "ann", name: "ann", guest: true } }));
    expect(said).toBe("you need the permission test:drain");
    expect(runs).toEqual([]);
  });

  it("more of them are asked for when the rules demand more by the last yes", async () => {
    const rights = rightsOf({ approvals: { count: 1, role: "lead" } });
    const { input, runs, ask, idOf } = await asking({ rights });
    await ask(() => input.say("drain payments"));
    const first = idOf();
    rights.approvals = { count: 2, role: "lead" };
    expect(await ask(() => input.say(`yes ${first}`, { from: "bob" }))).toMatch(
      /^the yes is void, because the rules now demand 2 of the role lead\n\nthis changes things: drain payments\n/,
    );
    const second = idOf();
    expect(second).not.toBe(first);
    // Asked anew for who asked first, not for who said the yes.
    expect(await ask(() => input.say(`yes ${second}`))).toContain("you asked for it");
    await ask(() => input.say(`yes ${second}`, { from: "bob" }));
    expect(await ask(() => input.say(`yes ${second}`, { from: "cid" }))).toBe("drain payments done");
    expect(runs).toEqual(["payments"]);
  });

  it("are asked for a plain question, too, when the rules demand them by then", async () => {
    const rights = rightsOf();
    const { input, runs, ask } = await asking({ rights });
    await ask(() => input.say("drain payments"));
    rights.approvals = { count: 1, role: "lead" };
    expect(await ask(() => input.say("yes"))).toMatch(
      /^the yes is void, because the rules now demand 1 of the role lead/,
    );
    expect(runs).toEqual([]);
  });

  it("a bare yes means nobody else's request, and says how to mean it", async () => {
    const { input, runs, ask, idOf } = await asking({ rights: rightsOf({ approvals: { count: 1, role: "lead" } }) });
    await ask(() => input.say("drain payments"));
    expect(await ask(() => input.say("yes", { from: "bob" }))).toBe(
      `there is nothing of yours to say yes to; \`micro yes ${idOf()}\` means one of others`,
    );
    expect(runs).toEqual([]);
  });

  it("a yes with conditions is none, and the case of letters says nothing", async () => {
    const { input, runs, ask, idOf } = await asking({ rights: rightsOf({ approvals: { count: 1, role: "lead" } }) });
    await ask(() => input.say("drain payments"));
    expect(await ask(() => input.say(`yes ${idOf()} if it is quick`, { from: "bob" }))).toContain(
      "a yes stands alone: `yes`, or `yes 03f9a1`",
    );
    expect(runs).toEqual([]);
    for (const line of ["yess", "Yes please", "yes!"]) {
      expect(await ask(() => input.say(line))).toBe("a yes stands alone: `yes`, or `yes 03f9a1`");
      expect(await ask(() => input.say(line, { room: "other" }))).toContain("there is no command");
    }
    expect(runs).toEqual([]);
    expect(await ask(() => input.say(`YES ${idOf().toUpperCase()}`, { from: "bob" }))).toBe("drain payments done");
  });

  it("are asked before a read and before what is otherwise not confirmed, where a rule says so", async () => {
    const rights = rightsOf({ approvals: { count: 1, role: "lead" }, always: true });
    const look = telling("look", { effect: "read" });
    const send = telling("send", { effect: "write", confirm: false });
    const { input, ask } = await asking({ rights, commands: [look.command, send.command] });
    for (const name of ["look", "send"]) {
      expect(await ask(() => input.say(`${name} it`))).toMatch(
        /^this changes things: \w+ it\n1 of the role lead has to say/,
      );
    }
    rights.approvals = undefined;
    expect(await ask(() => input.say("look it"))).toBe("look it done");
    expect(await ask(() => input.say("send it"))).toBe("send it done");
    expect([look.runs, send.runs]).toEqual([["it"], ["it"]]);
  });

  it("are not asked about what does not fit whole into one message, nor with buttons, nor in the store", async () => {
    const { input, runs, ask, kv, last } = await asking({
      rights: rightsOf({ approvals: { count: 1, role: "lead" } }),
      limits: { textLength: 3500 },
    });
    for (const filler of ["ok,".repeat(2500), "ok,".repeat(1030), "<".repeat(700)]) {
      const line = `drain ${filler}amount:1000000`;
      expect(await ask(() => input.say(line))).toMatch(
        /^nothing was asked: the question has \d+ characters, too many to be shown whole .*; say it shorter/,
      );
      expect(last()?.choices).toBeUndefined();
    }
    expect(await kv.list("requests.")).toEqual([]);
    expect(await ask(() => input.say("yes"))).toContain("there is nothing of yours to say yes to");
    expect(await ask(() => input.say(`drain ${"ok,".repeat(800)}amount:1000000`))).toContain("amount:1000000\n");
    expect(last()?.choices).toHaveLength(2);
    expect(runs).toEqual([]);
  });

  it("see the whole question after each yes, too", async () => {
    const { input, ask, idOf } = await asking({ rights: two(), limits: { textLength: 900 } });
    await ask(() => input.say(`drain ${"x".repeat(270)}END`));
    const name = `Bob ${"b".repeat(190)}`;
    await ask(() => input.say(`approve ${idOf()}`, { from: { id: "bob", name } }));
    await expect.poll(() => input.sent[0]?.choices?.length).toBe(2);
    expect(textOf(input.sent[0])).toContain("END\n");
    expect(textOf(input.sent[0])).toContain(`micro approve ${idOf(0)}`);
    expect(textOf(input.sent[0])).not.toContain("in all");
  });
});
