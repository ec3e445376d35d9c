import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { lint } from "../../src/app/lint.ts";
import { newCommand } from "../../src/app/new-command.ts";
import { testCommands } from "../../src/app/own-tests.ts";
import { memoryRegistry } from "../../src/core/registry/memory.ts";
import { cannedClient } from "../fakes/canned-client.ts";
import { collector, ended, runProgram } from "../fakes/run-program.ts";

const ROOT = join(import.meta.dirname, "../..");
const EXAMPLES = join(ROOT, "examples/commands");
const built = existsSync(join(ROOT, "dist/src/testing/kit.js"));

describe("commands of one's own", () => {
  let cwd: string;
  beforeEach(async () => {
    cwd = await mkdtemp(join(tmpdir(), "micro-own-"));
  });
  afterEach(() => rm(cwd, { recursive: true, force: true }));

  const bot = (lines: readonly string[], more: readonly string[] = [], init: Parameters<typeof runProgram>[1] = {}) =>
    runProgram(
      [
        "--server_address=127.0.0.1:0",
        "--transport=memory",
        "bot",
        "--inputs=terminal",
        `--commands=${join(cwd, "commands")}`,
        ...more,
      ],
      {
        makers: {
          registry: async () => memoryRegistry()(),
          client: async () => cannedClient({}),
        },
        stdin: ended(...lines),
        ...init,
      },
    );

  it("are scaffolded, checked and said in a minute", async () => {
    expect((await newCommand(["restart"], cwd)).split("\n")).toEqual([
      "creating commands/restart.ts",
      "creating commands/restart.test.ts",
      "",
      "try it with",
      "",
      "micro test",
      "micro bot --inputs=terminal",
    ]);
    expect(await lint([], cwd)).toBe("1 command: nothing is wrong");
    const { stdout, code } = await bot(["restart this --times 3", "restart", "plugins", "help restart"]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^terminal:\S+: this, 3 times\n/);
    expect(stdout).toContain("restart <what> [--times <integer>]");
    expect(stdout).toMatch(/restart +files +commands\/restart\.ts/);
  });

  it("are not written over, and are called what can be typed", async () => {
    await newCommand(["scale", "orders"], cwd);
    await expect(newCommand(["scale", "orders"], cwd)).rejects.toThrow("commands/scale-orders.ts already exists");
    await expect(newCommand(["Rm -rf"], cwd)).rejects.toThrow('"Rm -rf" cannot name a command');
    await expect(newCommand(["../x"], cwd)).rejects.toThrow("cannot name a command");
  });

  it("are checked before a bot loads them: their fields, their examples, names that are taken", async () => {
    await newCommand(["health"], cwd);
    await newCommand(["restart"], cwd);
    await newCommand(["fine"], cwd);
    const file = join(cwd, "commands/restart.ts");
    const text = await readFile(file, "utf8");
    await writeFile(file, text.replace("summary", "sumary").replace("--times 3", "--tims 3"));
    const found = await lint(["commands"], cwd).catch((error: Error) => error.message.split("\n"));
    expect(found).toEqual([
      "commands/restart.ts: `restart`: there is no field `sumary`; did you mean `summary`?; `restart`: `summary` must be a text: one line that tells what it does",
      expect.stringMatching(/^commands\/health\.ts: "health" is not taken as a command/),
    ]);
    await writeFile(file, text.replace("--times 3", "--tims 3"));
    await expect(lint(["commands"], cwd)).rejects.toThrow(
      'the example "restart this --tims 3" is not understood: restart has no option --tims',
    );
    await expect(lint(["nowhere"], cwd)).rejects.toThrow("there is no folder nowhere");
  });

  it("are used as soon as they are saved, and a mistake leaves the version before in force", async () => {
    await newCommand(["restart"], cwd);
    const file = join(cwd, "commands/restart.ts");
    const text = await readFile(file, "utf8");
    const stdin = new PassThrough();
    const stdout = collector();
    const running = bot([], [], { stdin, stdout });
    const saying = async (line: string, answer: RegExp) => {
      await expect
        .poll(
          async () => {
            const before = stdout.text().length;
            stdin.write(`${line}\n`);
            await expect.poll(() => stdout.text().length).toBeGreaterThan(before);
            return stdout.text().slice(before);
          },
          { timeout: 10_000, interval: 100 },
        )
        .toMatch(answer);
    };
    await saying("restart a", /a, 1 times/);
    await writeFile(file, text.replace(" times`", " turns`"));
    await saying("restart a", /a, 1 turns/);
    await writeFile(file, "export default {");
    await saying("plugins", /\(broken\).*restart\.ts: restart\.ts:1:.*the version before is used/s);
    await saying("restart a", /a, 1 turns/);
    stdin.end();
    expect((await running).code).toBe(0);
  });

  it.skipIf(!built)(
    "end no bot by what they throw where nobody waits (wants `npm run build`)",
    async () => {
      await newCommand(["late"], cwd);
      const file = join(cwd, "commands/late.ts");
      const text = await readFile(file, "utf8");
      const late = `setTimeout(() => { throw new Error("too late"); }, 1); void Promise.reject(new Error("lost"));`;
      await writeFile(file, text.replace("({ what, times, caller }),", `{ ${late} return { what, times, caller }; },`));
      const args = ["--registry=memory", "--server_address=127.0.0.1:0", "bot", "--inputs=terminal"];
      const child = execFile(process.execPath, [join(ROOT, "dist/bin/micro.js"), ...args], { cwd, timeout: 30_000 });
      let said = "";
      let logged = "";
      child.stdout?.on("data", (piece) => (said += piece));
      child.stderr?.on("data", (piece) => (logged += piece));
      child.stdin?.write("late a\n");
      await expect
        .poll(() => logged, { timeout: 20_000 })
        .toMatch(/threw where nobody waits: lost(.|\n)*nobody waits: too late/);
      child.stdin?.end("ping\n");
      await expect.poll(() => child.exitCode, { timeout: 20_000 }).toBe(0);
      expect(said).toMatch(/: a, 1 times\npong\n$/);
    },
    60_000,
  );

  it("are given secrets by name, which nobody is told", async () => {
    await newCommand(["tell"], cwd);
    const file = join(cwd, "commands/tell.ts");
    const text = await readFile(file, "utf8");
    await writeFile(
      file,
      text
        .replace("needs: []", 'needs: ["secrets:PAGER"]')
        .replace(
          "{ caller }) => ({ what,",
          "{ caller, secrets }) => ({ what: what + ' ' + (await secrets.get('PAGER')),",
        ),
    );
    const { stdout, stderr } = await bot(["tell it"], ["--command_secret=PAGER=env:PAGER_KEY"], {
      env: { PAGER_KEY: "s3cr3t-of-the-pager" },
    });
    expect(stdout).toMatch(/: it \[secret\], 1 times\n$/);
    expect(stdout + stderr).not.toContain("s3cr3t-of-the-pager");
  });

  it("are none where none are wanted, and a folder that is none is told", async () => {
    const none = await bot(["plugins"], ["--commands=none"]);
    expect(none.stdout).toMatch(/^no command comes from outside the bot/);
    const missing = await bot(["ping"], ["--commands=/nowhere/at/all"]);
    expect(missing).toMatchObject({
      code: 1,
      stderr: "the folder of commands /nowhere/at/all cannot be read: it is not there\n",
    });
  });

  it("are those of examples/commands, which are in order", async () => {
    expect(await lint([EXAMPLES], cwd)).toBe("6 commands: nothing is wrong");
  });

  it.skipIf(!built)(
    "are tested with the kit, as those of examples/commands (wants `npm run build`)",
    async () => {
      let said = "";
      const write = (text: string) => {
        said += text;
      };
      const init = { cwd, signal: new AbortController().signal, write };
      await testCommands([EXAMPLES], init).catch((error: Error) => {
        throw new Error(`${error.message}\n${said}`);
      });
      expect(said).toMatch(/ pass 14\n/);

      await newCommand(["restart"], cwd);
      await testCommands([], init);
      const file = join(cwd, "commands/restart.test.ts");
      await writeFile(file, (await readFile(file, "utf8")).replace("this, 3 times", "this, 4 times"));
      await expect(testCommands(["commands"], init)).rejects.toThrow("there are tests that failed");
      expect(said).toMatch(
        /to "restart this --times 3" the bot said nothing that fits \/this, 4 times\/; it said:\s+chat:ann: this, 3 times/,
      );
      expect(said).toContain("commands/restart.test.ts");
      await expect(testCommands(["nowhere"], init)).rejects.toThrow("nowhere is not there");
    },
    60_000,
  );
});
