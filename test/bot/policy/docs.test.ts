import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runProgram } from "../../fakes/run-program.ts";

/* The examples of docs/policy.md, on the command line. */

describe("docs/policy.md", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "micro-policy-"));
    const page = await readFile(join(import.meta.dirname, "../../../docs/policy.md"), "utf8");
    for (const [, name, text] of page.matchAll(/<!-- example (\S+) -->\n```yaml\n([\s\S]*?)```/g)) {
      await writeFile(join(folder, name as string), text as string);
    }
  });
  afterAll(async () => rm(folder, { recursive: true }));
  const micro = (...args: readonly string[]) => runProgram(["--registry=memory", "policy", ...args]);
  const at = (name: string) => join(folder, name);

  it("has examples that come out as they say", async () => {
    expect(await micro("test", at("policy-tests.yaml"))).toEqual({
      code: 0,
      stdout: `8 tests of ${at("policy.yaml")} passed\n`,
      stderr: "",
    });
  });

  it("tells with its exit code when one does not", async () => {
    const text = await readFile(at("policy.yaml"), "utf8");
    await writeFile(at("next.yaml"), text.replace("in [staging]", "in [staging, prod]"));
    const run = await micro("test", at("policy-tests.yaml"), "--policy", at("next.yaml"));
    expect(run).toMatchObject({ code: 1, stdout: "" });
    expect(run.stderr).toMatch(
      /^1 of 8 tests of .*next.yaml failed\nann: call payments Order.Refund .*: expected deny, got allow/,
    );
    const diff = await micro("diff", at("next.yaml"), "--policy", at("policy.yaml"));
    expect(diff.stdout).toBe(
      "- allow role:oncall call payments/* in #ops when env in [staging]\n+ allow role:oncall call payments/* in #ops when env in [staging, prod]\n",
    );
    expect((await micro("diff", at("next.yaml"))).stderr).toContain("compared with what?");
    expect((await micro("test", at("none.yaml"))).stderr).toContain("none.yaml cannot be read");
  });
});
