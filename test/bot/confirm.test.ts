import { describe, expect, it } from "vitest";
import { z } from "zod";
import type { ConfirmSettings } from "../../src/bot/layers/confirm.ts";
import type { AuditRecord } from "../../src/commands/audit-record.ts";
import { defineCommand } from "../../src/commands/command.ts";
import { type MemoryInput, memoryInput } from "../../src/inputs/memory/memory.ts";
import { manualClock } from "../fakes/clock.ts";
import { botOn, telling, textOf } from "./run-bot.ts";

/* A yes or no to a write, typed and pressed: "Approval buttons" of `chat.md §6`. */

async function setUp(limits: Partial<MemoryInput["limits"]> = {}, confirm: ConfirmSettings = {}) {
  const clock = manualClock();
  const input = memoryInput({ clock, limits: { buttons: true, ...limits } });
  const { command, runs } = telling("change", { effect: "write" });
  const records: AuditRecord[] = [];
  const audit = (record: AuditRecord) => records.push(record);
  const bot = botOn([input], { commands: [command], clock, audit, confirm, drainMs: 0 });
  await bot.start();
  /** Says something and gives what is said back to it. */
  const ask = async (act: () => unknown): Promise<string> => {
    const before = input.sent.length;
    act();
    await expect.poll(() => input.sent.length).toBe(before + 1);
    return textOf(input.sent.at(-1));
  };
  const question = (at: number) => input.sent[at];
  const idOf = (at: number) => /^yes (.*)$/.exec(question(at)?.choices?.[0]?.line ?? "")?.[1] ?? "";
  return { clock, input, runs, records, ask, question, idOf };
}

describe("a question before a write", () => {
  it("can be answered by typing, and offers the same as buttons, bound to its id", async () => {
    const { input, ask, question, idOf } = await setUp();
    const text = await ask(() => input.say("change prod"));
    expect(text).toMatch(
      /^this changes things: change prod\nsay `micro yes` within 2 minutes to do it, `micro no` to drop it/,
    );
    expect(question(0)?.choices).toEqual([
      { label: "Do it", line: `yes ${idOf(0)}`, weight: "danger" },
      { label: "No", line: `no ${idOf(0)}` },
    ]);
    expect(text).toContain(`\`micro yes ${idOf(0)}\``);
    expect(idOf(0)).toMatch(/^[0-9a-f]{6}$/);
  });

  it("Approval buttons (chat.md §6): are replaced on decision by who decided what and when", async () => {
    const { input, runs, ask, question } = await setUp();
    await ask(() => input.say("change prod", { from: { id: "U1", name: "Ann" } }));
    expect(await ask(() => input.press("Do it", { from: { id: "U1", name: "Ann" } }))).toBe("change prod done");
    expect(runs).toEqual(["prod"]);
    expect(textOf(question(0))).toBe(
      "this changes things: change prod\nAnn (memory:U1) said yes to it at 00:00:00 UTC",
    );
    expect(question(0)?.choices).toBeUndefined();
    expect(question(0)?.progress?.last).toBe(true);
  });

  it("shows every option but a secret one, however short that is", async () => {
    const input = memoryInput();
    const restart = defineCommand({
      name: "restart service",
      summary: "Restart a service",
      input: z.object({ service: z.string(), pin: z.string(), nodes: z.coerce.number().default(1) }),
      words: ["service"],
      secrets: ["pin"],
      permission: "test:restart",
      effect: "write",
      run: async ({ pin }) => ({ long: pin.length }),
      view: ({ long }) => ({ kind: "text", text: `restarted with ${long}` }),
    });
    await botOn([input], { commands: [restart] }).start();
    input.say("restart service payments --pin=4711 --nodes 9");
    await expect
      .poll(() => textOf(input.sent[0]))
      .toMatch(/^this changes things: restart service payments --pin=\[secret\] --nodes 9\n/);
    input.say("yes");
    await expect.poll(() => input.sent.map(textOf)).toContain("restarted with 4");
  });

  it("Approval buttons (chat.md §6): a no drops it for good", async () => {
    const { input, runs, ask, question, idOf } = await setUp();
    await ask(() => input.say("change prod"));
    const id = idOf(0);
    expect(await ask(() => input.press("No"))).toBe("not done: change prod");
    expect(textOf(question(0))).toContain("ann said no to it at 00:00:00 UTC");
    expect(await ask(() => input.say(`yes ${id}`))).toMatch(/^that is over: change prod\nann said no to it/);
    expect(runs).toEqual([]);
  });

  it("Approval buttons (chat.md §6): the second press does nothing and tells who decided and when", async () => {
    const { input, runs, ask, idOf } = await setUp();
    await ask(() => input.say("change prod"));
    const line = `yes ${idOf(0)}`;
    await ask(() => input.say(line));
    for (const from of ["ann", "bob"]) {
      expect(await ask(() => input.say(line, { from }))).toBe(
        "that is over: change prod\nann said yes to it at 00:00:00 UTC; it was done",
      );
      expect(input.sent.at(-1)?.whisper).toBe(true);
    }
    expect(runs).toEqual(["prod"]);
  });

  it("Approval buttons (chat.md §6): another person's press does nothing but say so to them", async () => {
    const { input, runs, ask, question } = await setUp();
    await ask(() => input.say("change prod", { from: "ann" }));
    expect(await ask(() => input.press("Do it", { from: "bob" }))).toBe("only ann can say yes to this: change prod");
    expect(input.sent.at(-1)?.whisper).toBe(true);
    expect(await ask(() => input.press("No", { from: "bob" }))).toContain("only ann can say no");
    expect(runs).toEqual([]);
    expect(question(0)?.choices).toHaveLength(2);
    expect(await ask(() => input.press("Do it", { from: "ann" }))).toBe("change prod done");
  });

  it("Approval buttons (chat.md §6): a late press finds it expired, and its buttons go", async () => {
    const { clock, input, runs, ask, question } = await setUp();
    await ask(() => input.say("change prod"));
    await clock.advance(120_001);
    expect(await ask(() => input.press("Do it"))).toMatch(
      /^that is over: change prod\nnobody said yes within 2 minutes/,
    );
    await expect.poll(() => question(0)?.choices).toBeUndefined();
    expect(textOf(question(0))).toContain("nobody said yes within 2 minutes, so nothing was done");
    expect(runs).toEqual([]);
  });

  it("Approval buttons (chat.md §6): each answers its own request, and no other", async () => {
    const { input, runs, ask, idOf } = await setUp();
    await ask(() => input.say("change one"));
    await ask(() => input.say("change two"));
    const [one, two] = [idOf(0), idOf(1)];
    expect(one).not.toBe(two);
    expect(await ask(() => input.say(`yes ${one}`))).toBe("change one done");
    expect(await ask(() => input.say("yes"))).toBe("change two done");
    // A bare word never reaches back to an older one.
    expect(await ask(() => input.say("yes"))).toContain("nothing of yours");
    expect(runs).toEqual(["one", "two"]);
  });

  it("a bare yes takes the last question only", async () => {
    const { input, runs, ask } = await setUp();
    await ask(() => input.say("change one"));
    await ask(() => input.say("change two"));
    expect(await ask(() => input.say("micro yes"))).toBe("change two done");
    expect(await ask(() => input.say("micro yes"))).toContain("nothing of yours");
    expect(runs).toEqual(["two"]);
  });

  it("Approval buttons (chat.md §6): an id is worth nothing in another room, nor one that nobody was asked", async () => {
    const { input, runs, ask, idOf } = await setUp();
    await ask(() => input.say("change prod"));
    expect(await ask(() => input.say(`yes ${idOf(0)}`, { room: "other" }))).toBe(
      `${idOf(0)} was asked in another room, and yes is to be said to it there`,
    );
    expect(input.sent.at(-1)?.whisper).toBe(true);
    expect(await ask(() => input.say("yes 000000"))).toContain("nothing of yours");
    expect(runs).toEqual([]);
  });

  it("goes without buttons and changes where there are none", async () => {
    const { input, runs, ask, question } = await setUp({ buttons: false, edits: false });
    await ask(() => input.say("change prod"));
    expect([question(0)?.choices, question(0)?.progress]).toEqual([undefined, undefined]);
    expect(await ask(() => input.say("yes"))).toBe("change prod done");
    expect(input.sent).toHaveLength(2);
    expect(runs).toEqual(["prod"]);
  });

  it.each([true, false])("that is too long to be shown whole is not asked, with files: %s", async (files) => {
    const { input, runs, ask } = await setUp({ textLength: 500, files });
    expect(await ask(() => input.say(`change ${"x".repeat(3000)}`))).toMatch(/^nothing was asked: the question has 3/);
    expect(await ask(() => input.say("yes"))).toContain("there is nothing of yours to say yes to");
    expect(input.sent.filter(({ file }) => file !== undefined)).toEqual([]);
    expect(runs).toEqual([]);
  });

  it("is not asked when too many wait already, and what is decided makes room", async () => {
    const { input, runs, ask, idOf } = await setUp({}, { max: 3, maxOwn: 2 });
    await ask(() => input.say("change 1"));
    await ask(() => input.say("change 2"));
    expect(await ask(() => input.say("change 3"))).toMatch(
      /^nothing was asked: 2 requests of yours wait for a yes already/,
    );
    await ask(() => input.say("change 4", { from: "bob" }));
    expect(await ask(() => input.say("change 5", { from: "cid" }))).toMatch(/^nothing was asked: 3 requests wait/);
    expect(await ask(() => input.say(`no ${idOf(0)}`))).toBe("not done: change 1");
    await ask(() => input.say("change 6", { from: "cid" }));
    expect(await ask(() => input.say("yes", { from: "cid" }))).toBe("change 6 done");
    expect(runs).toEqual(["6"]);
  });

  it("is audited with the line that was carried out, not only the yes", async () => {
    const { input, records, ask, idOf } = await setUp();
    await ask(() => input.say("change prod"));
    const id = idOf(0);
    await ask(() => input.press("Do it"));
    expect(records.map(({ text, line, outcome }) => [text, line, outcome])).toEqual([
      ["change prod", undefined, "asked"],
      [`yes ${id}`, "change prod", "ok"],
    ]);
  });
});
