import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { memoryRegistry } from "../../src/core/registry/memory.ts";
import { cannedClient } from "../fakes/canned-client.ts";
import { collector, runProgram } from "../fakes/run-program.ts";
import { screen } from "../fakes/screen.ts";

const folder = mkdtempSync(join(tmpdir(), "micro-leaving-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("who leaves a terminal", () => {
  it("is told what still runs, and how not to wait for it", async () => {
    const text = "summary: x\nsteps:\n  - wait: {run: echo a, until: result.text is 'b', every: 1s, atMost: 60s}\n";
    writeFileSync(join(folder, "slow.yaml"), text);
    const leaving = new AbortController();
    const { input, output, type, text: shown } = screen({ columns: 200 });
    const stderr = Object.assign(collector(), { isTTY: true });
    const args = ["--server_address=127.0.0.1:0", "--transport=memory", "bot", "--inputs=terminal"];
    const run = runProgram([...args, `--runbooks=${folder}`], {
      makers: { registry: async () => memoryRegistry()(), client: async () => cannedClient({}) },
      stdin: input,
      stdout: output as never,
      stderr,
      signal: leaving.signal,
    });
    await expect.poll(shown, { timeout: 20_000 }).toContain("micro> ");
    type("runbook run slow\n");
    await expect.poll(shown, { timeout: 10_000 }).toContain("this changes things");
    type("yes\n");
    await expect.poll(shown, { timeout: 10_000 }).toContain("begun;");
    expect(stderr.text()).not.toContain("still running");
    input.end("\u0004");
    const words = "still running: `runbook run slow`; I leave when that has ended, Ctrl+C leaves now\n";
    await expect.poll(() => stderr.text(), { timeout: 10_000 }).toContain(words);
    leaving.abort();
    expect((await run).code).toBe(0);
  });

  it("is told before the first prompt how to leave, and then where the bot goes on", async () => {
    const ended = new AbortController();
    const { input, output, text: shown } = screen({ columns: 200 });
    const stderr = Object.assign(collector(), { isTTY: true });
    const state = mkdtempSync(join(folder, "state-"));
    const args = [`--state_dir=${state}`, "--server_address=127.0.0.1:0", "--transport=memory"];
    const run = runProgram([...args, "bot", "--inputs=terminal,local", "--store=memory"], {
      makers: { registry: async () => memoryRegistry()(), client: async () => cannedClient({}) },
      stdin: input,
      stdout: output as never,
      stderr,
      signal: ended.signal,
    });
    await expect.poll(shown, { timeout: 20_000 }).toContain("micro> ");
    expect(stderr.text()).toContain("Ctrl+D leaves this terminal, Ctrl+C after that ends me\n");
    input.end("\u0004");
    await expect.poll(() => stderr.text(), { timeout: 10_000 }).toContain("I go on in local; Ctrl+C ends me\n");
    ended.abort();
    expect((await run).code).toBe(0);
  });
});
