import { describe, expect, it } from "vitest";
import { z } from "zod";
import { defineCommand } from "../../src/commands/command.ts";
import { MicroError } from "../../src/core/errors.ts";
import { botWith } from "./room.ts";

const PARENT = `summary: x
steps:
  - {run: change before, rollback: change back}
  - run: runbook run child
  - run: change after
`;

/** A write that fails with these. */
const failing = (...errors: readonly MicroError[]) => {
  const left = [...errors];
  return defineCommand({
    name: "break",
    summary: "break",
    input: z.object({}),
    permission: "test:break",
    effect: "write",
    run: async () => {
      const error = left.shift();
      if (error) throw error;
      return {};
    },
    view: () => ({ kind: "text", text: "not broken" }),
  });
};

describe("a step that runs a runbook", () => {
  it("is done once that is done", async () => {
    const { begin, change } = await botWith({ parent: PARENT, child: "summary: x\nsteps:\n  - run: change child\n" });
    await begin("runbook run parent", /parent \(rb[0-9a-f]{6}\): done/);
    expect(change.runs).toEqual(["before", "child", "after"]);
  });

  it("fails with it, and what was done before is taken back", async () => {
    const child = "summary: x\nsteps:\n  - run: break\n";
    const { begin, change, said } = await botWith({ parent: PARENT, child }, [
      failing(new MicroError("conflict", "it is broken")),
    ]);
    await begin("runbook run parent", /parent \(rb[0-9a-f]{6}\): failed/);
    expect(await said(/parent \(rb[0-9a-f]{6}\): failed/)).toMatch(/child \(rb[0-9a-f]{6}\): failed.*it is broken/);
    expect(change.runs).toEqual(["before", "back"]);
  });

  it("fails when somebody refuses what that waits for", async () => {
    const child = "summary: x\nsteps:\n  - {id: ok, approve: {by: 'role:lead'}}\n";
    const { begin, tell, change, said } = await botWith({ parent: PARENT, child });
    const id = await begin("runbook run parent", /child .* waits at step ok/);
    await tell(`runbook refuse ${id}`, "bob", /refused/);
    await said(/parent \(rb[0-9a-f]{6}\): failed/);
    expect(change.runs).toEqual(["before", "back"]);
  });

  it("is held while nobody knows how a write of that has ended", async () => {
    const child = "summary: x\nsteps:\n  - run: break\n";
    const { begin, tell, change, said } = await botWith({ parent: PARENT, child }, [
      failing(new MicroError("timeout", "no answer came")),
    ]);
    const id = await begin("runbook run parent", /parent \(rb[0-9a-f]{6}\): unknown, not repeated: step/);
    expect(await said(/child \(rb[0-9a-f]{6}\): unknown, not repeated: step/)).toContain("break");
    expect(change.runs).toEqual(["before"]);
    await tell(`runbook resume ${id} --as done`, "ann", /goes on/);
    await said(/parent \(rb[0-9a-f]{6}\): done/);
    expect(change.runs).toEqual(["before", "after"]);
  });
});
