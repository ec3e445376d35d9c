import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { lint } from "../../src/app/lint.ts";
import { openRunbooks, runbooksFolder } from "../../src/app/runbooks.ts";
import type { BotSettings } from "../../src/app/settings.ts";
import { memoryInput } from "../../src/inputs/memory/memory.ts";
import { memoryDb } from "../../src/platform/db/memory.ts";
import { RUNBOOK_TABLES } from "../../src/runbooks/runs.ts";
import { botOn, textOf } from "../bot/run-bot.ts";
import { runProgram } from "../fakes/run-program.ts";

const folder = mkdtempSync(join(tmpdir(), "micro-app-runbooks-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const examples = resolve(import.meta.dirname, "../../examples/runbooks");
const bad = join(folder, "bad");
mkdirSync(bad);
writeFileSync(join(bad, "a.yaml"), "summary: x\nsteps:\n  - run: pong\n  - run: runbook run b\n");
writeFileSync(join(bad, "b.yaml"), "summary: x\nsteps:\n  - run: runbook run a\n");
writeFileSync(join(bad, "c.yaml"), "summary: x\nsteps:\n  - run: pang\n    idempotnt: true\n");

describe("runbooks on the command line", () => {
  it("are listed, shown and found to be fine", async () => {
    const micro = (...args: string[]) => runProgram(["runbook", ...args, "--folder", examples]);
    expect((await micro("list")).stdout).toMatch(/drain-orders\s+region grace ticket\s+Take orders out of work/);
    const shown = (await micro("show", "drain-orders")).stdout;
    expect(shown).toContain("back: call go.micro.srv.orders Orders.Fill");
    // A terminal's own tabs align nothing.
    expect(shown).toMatch(/^Parameter {2}Takes +Left out +What it is for\nregion {5}<eu\|us> +required {2}/m);
    expect(shown).not.toContain("\t");
    const checked = await micro("check");
    expect(checked.stderr).toBe("");
    expect(checked).toMatchObject({ code: 0, stdout: "2 runbooks are fine\n" });
    expect(await micro("lint", "morning")).toMatchObject({ code: 0, stdout: "1 runbook is fine\n" });
  });

  it("are looked for in a folder that is there", () => {
    expect(() => runbooksFolder("nowhere", folder)).toThrow("there is no folder nowhere");
    expect(runbooksFolder("bad", folder)).toBe(bad);
    expect(runbooksFolder("", folder)).toBeUndefined();
  });

  it("are run by a bot, which the shell says", async () => {
    const { code, stderr } = await runProgram(["runbook", "run", "x"]);
    expect(code).toBe(1);
    expect(stderr).toContain("`runbook` is said to a running bot: in chat, in `micro chat`");
    for (const said of [
      "plugins",
      "oncall",
      "ack a7f3",
      "silence a7f3 2h",
      "escalations",
      "schedule list",
      "watches",
    ]) {
      const [word = "", ...more] = said.split(" ");
      expect((await runProgram([word, ...more])).stderr).toContain(`\`${word}\` is said to a running bot`);
    }
  });

  it("are commands that a policy's rules may speak of in a shell, as alerts are", async () => {
    const [before, after] = [join(folder, "before.yaml"), join(folder, "after.yaml")];
    writeFileSync(before, "members: ['alert:act']\n");
    writeFileSync(after, "members: ['alert:act']\nrules: |\n  deny anyone ack payments\n  deny anyone 'runbook run'\n");
    const { code, stderr } = await runProgram(["policy", "diff", after, "--policy", before]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  });

  it("are told to be wrong, with file and line, for a person and for a script", async () => {
    const { code, stderr, stdout } = await runProgram(["runbook", "check", "--folder", bad]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toContain(
      `${join(bad, "a.yaml")}, line 3, column 10: step step1: run \`pong\`: there is no command "pong"`,
    );
    expect(stderr).toContain("it would run itself without end: b -> a -> b");
    expect(stderr).toContain(
      `${join(bad, "c.yaml")}, line 3, column 10: step step1: run \`pang\`: there is no command "pang"`,
    );
    expect(stderr).toContain(
      'line 4, column 5: steps[1]: unknown key "idempotnt" (did you mean "idempotent"?); a step',
    );
    await expect(lint([bad], "/")).rejects.toThrow('unknown key "idempotnt"');
    expect(await lint([examples], "/")).toBe("2 runbooks: nothing is wrong");
  });

  it("are told to be off by a bot that has no folder of them", async () => {
    const cwd = mkdtempSync(join(folder, "nowhere-"));
    const said = async (runbooks: string, line: string) => {
      const { extensions } = await openRunbooks({ runbooks } as BotSettings, { cwd, db: memoryDb(RUNBOOK_TABLES) });
      const input = memoryInput();
      await botOn([input], { extensions }).start();
      input.say(line);
      return textOf(await input.next());
    };
    expect(await said("", "runbook run drain-orders region=eu")).toMatch(/no folder `runbooks`.*--runbooks=<folder>/);
    expect(await said("none", "runbook list")).toContain("--runbooks=none");
    expect(await said("", "help")).not.toContain("runbook");
    expect(await said("", "runbok run x")).not.toContain("`runbook`");
  });

  it("are looked for where they usually are", () => {
    expect(runbooksFolder("", folder)).toBeUndefined();
    expect(runbooksFolder("none", folder)).toBeUndefined();
    expect(runbooksFolder("bad", folder)).toBe(bad);
    mkdirSync(join(folder, "runbooks"));
    expect(runbooksFolder("", folder)).toBe(join(folder, "runbooks"));
  });
});
