import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { lint } from "../../src/app/lint.ts";
import { newCommand } from "../../src/app/new-command.ts";
import { newRunbook } from "../../src/app/new-runbook.ts";
import { ownCatalog } from "../../src/app/own-shell.ts";
import { testCommands } from "../../src/app/own-tests.ts";
import { argvLine } from "../../src/commands/line.ts";
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

  it.each([
    ["help", "there is a command of that name", "my-help"],
    ["list", "it would take lines from `list aliases`", "my-list"],
    ["call orders", "it would take lines from `call`", "my-call orders"],
    ["every", "there is a command of that name", "my-every"],
    ["runbook", "it would take lines from `runbook abort`", "my-runbook"],
    ["hi", "`hi` is a greeting", "my-hi"],
    ["yes", "`yes` is said to the bot", "my-yes"],
    ["micro", "that is what the bot is called", "my-micro"],
  ])("are not made where no bot would load them: %s", async (name, why, free) => {
    const refused = newCommand(name.split(" "), cwd);
    await expect(refused).rejects.toThrow(`no bot would load a command called "${name}": ${why}`);
    await expect(refused).rejects.toThrow(`micro new command ${free}`);
    expect(existsSync(join(cwd, "commands"))).toBe(false);
  });

  it("are not made where another file has the name", async () => {
    await newCommand(["fine"], cwd);
    const text = await readFile(join(cwd, "commands/fine.ts"), "utf8");
    await writeFile(join(cwd, "commands/fine.ts"), text.replaceAll(/\bfine\b/g, "drain"));
    await expect(newCommand(["drain"], cwd)).rejects.toThrow("there is a command of that name; `my-drain` is free");
  });

  it("want a name, and so do runbooks", async () => {
    for (const what of ["command", "runbook"]) {
      const { stderr, code } = await runProgram(["new", what]);
      expect(stderr).toContain(`what is the ${what} to be called? micro new ${what} `);
      expect(code).toBe(1);
    }
  });

  it("may be runbooks, which pass the check and say how they are rehearsed", async () => {
    const said = await newRunbook(["drain-orders"], cwd);
    expect(said).toMatch(/^creating runbooks\/drain-orders\.yaml\n/);
    expect(said).toContain("runbook dry-run drain-orders service=");
    expect(await lint(["runbooks"], cwd)).toBe("1 runbook: nothing is wrong");
    await expect(newRunbook(["drain-orders"], cwd)).rejects.toThrow("runbooks/drain-orders.yaml already exists");
    await expect(newRunbook(["../x"], cwd)).rejects.toThrow('"../x" cannot name a runbook');
  });

  it("are all checked when no folder is named: commands and runbooks", async () => {
    await newRunbook(["drain-orders"], cwd);
    expect(await lint([], cwd)).toBe("1 runbook: nothing is wrong");
    await newCommand(["restart"], cwd);
    expect(await lint([], cwd)).toBe("1 command, 1 runbook: nothing is wrong");
    const file = join(cwd, "runbooks/drain-orders.yaml");
    const text = await readFile(file, "utf8");
    await writeFile(file, text.replace("run: health", "run: helth"));
    await expect(lint([], cwd)).rejects.toThrow(/^runbooks\/drain-orders\.yaml:8:10: step before: .*no command "helth/);
  });

  it("have no name of what a bot brings with alerts, whether made or checked", async () => {
    await expect(newCommand(["ack"], cwd)).rejects.toThrow("there is a command of that name; `my-ack` is free");
    await newCommand(["restart"], cwd);
    const text = await readFile(join(cwd, "commands/restart.ts"), "utf8");
    for (const name of ["ack", "oncall", "silence"]) {
      await writeFile(join(cwd, "commands/restart.ts"), text.replaceAll("restart", name));
      await expect(lint([], cwd)).rejects.toThrow(
        `"${name}" is not taken as a command: it is a name of the bot already`,
      );
    }
  });

  it("are found by a shell in the file that is called so, and no other is loaded", async () => {
    await newCommand(["restart"], cwd);
    await newCommand(["scale", "orders"], cwd);
    const write = (name: string, text: string) => writeFile(join(cwd, "commands", name), text);
    await write("other.ts", 'throw new Error("loaded");');
    const text = await readFile(join(cwd, "commands/restart.ts"), "utf8");
    await write("keep.ts", text.replaceAll("restart", "keep").replace("needs: []", 'needs: ["kv", "secrets:PAGER"]'));
    await write("plugins.ts", text.replaceAll("restart", "plugins"));
    const named = async (...args: string[]) => (await ownCatalog(args, cwd))?.match(argvLine(args))?.command.name;
    expect(await named("restart", "this", "--times", "3")).toBe("restart");
    expect(await named("scale", "orders", "this")).toBe("scale orders");
    expect(await named("restrat", "this")).toBeUndefined();
    expect(await named("../commands/restart")).toBeUndefined();
    expect(await named("plugins")).toBeUndefined();
    await expect(named("other")).rejects.toThrow("commands/other.ts did not load: other.ts:1:7: loaded");
    await write("slip.ts", text.replaceAll("restart", "slip").replace("({ what, times, caller })", "(null as any).x"));
    const args = ["slip", "this"];
    const slip = (await ownCatalog(args, cwd))?.match(argvLine(args))?.command;
    // Who wrote the file sits there, and has no log.
    const gone = /^`slip` failed: .*null.* \(commands\/slip\.ts:19:\d+\)$/;
    await expect(slip?.run({ what: "this" }, {} as never)).rejects.toThrow(gone);
    const shown = /^`slip` was run, but its `view` failed: .* \(commands\/slip\.ts:20:\d+\)$/;
    expect(() => slip?.view(null as never, {} as never)).toThrow(shown);
    await expect(named("keep", "this")).rejects.toThrow("`keep` wants kv, secrets:PAGER, which only a running bot has");
  });

  it.skipIf(!built)("are said in a shell (wants `npm run build`)", { timeout: 60_000 }, async () => {
    await newCommand(["restart"], cwd);
    const say = (...args: string[]) =>
      promisify(execFile)(process.execPath, [join(ROOT, "dist/bin/micro.js"), "--registry=memory", ...args], { cwd });
    expect((await say("restart", "this", "--times=3")).stdout).toMatch(/: this, 3 times\n$/);
    await expect(say("restart", "--times=3")).rejects.toMatchObject({
      stderr: expect.stringContaining("usage: micro restart"),
    });
    await expect(say("restrat", "a")).rejects.toMatchObject({ stderr: expect.stringContaining("unknown command") });
  });

  it("are checked before a bot loads them: their fields, their examples, names that are taken", async () => {
    await newCommand(["restart"], cwd);
    await newCommand(["fine"], cwd);
    const other = await readFile(join(cwd, "commands/fine.ts"), "utf8");
    await writeFile(join(cwd, "commands/health.ts"), other.replaceAll(/\bfine\b/g, "health"));
    const file = join(cwd, "commands/restart.ts");
    const text = await readFile(file, "utf8");
    await writeFile(file, text.replace("summary", "sumary").replace("--times 3", "--tims 3"));
    const found = await lint(["commands"], cwd).catch((error: Error) => error.message.split("\n"));
    expect(found).toEqual([
      "commands/restart.ts:6:3: `restart`: there is no field `sumary`; did you mean `summary`?",
      "commands/restart.ts:5:3: `restart`: `summary` must be a text: one line that tells what it does",
      expect.stringMatching(/^commands\/health\.ts:5:3: "health" is not taken as a command/),
    ]);
    await writeFile(file, text.replace("--times 3", "--tims 3"));
    await expect(lint(["commands"], cwd)).rejects.toThrow(
      'commands/restart.ts:18:31: `restart`: the example "restart this --tims 3" is not understood: restart has no option --tims',
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
      expect(said).toMatch(/\n14 passed, 0 failed\n$/);

      await newCommand(["restart"], cwd);
      await testCommands([], init);
      const command = join(cwd, "commands/restart.ts");
      const text = await readFile(command, "utf8");
      await writeFile(command, text.replace('effect: "read"', 'effect: "write"'));
      await testCommands([], init);

      const file = join(cwd, "commands/restart.test.ts");
      const wrong = (await readFile(file, "utf8")).replaceAll("this, 3 times", "this, 4 times");
      await writeFile(file, `${wrong}\ntest("throws", () => { (undefined as never as { a: { b: 1 } }).a.b; });\n`);
      await writeFile(join(cwd, "commands/late.test.ts"), 'throw new Error("not loaded");\n');
      said = "";
      await expect(testCommands(["commands"], init)).rejects.toThrow("there are tests that failed");
      const plain = said.replaceAll(/\(\d+ ms\)/g, "(1 ms)").replaceAll(/(\.ts:\d+):\d+/g, "$1");
      expect(plain.split("\n")).toEqual([
        "✖ commands/late.test.ts can be loaded (1 ms)",
        "    commands/late.test.ts:1",
        "    not loaded",
        "✖ restart does what it says (1 ms)",
        "    commands/restart.test.ts:13",
        '    to "yes" the bot said nothing that fits /this, 4 times/; it said:',
        "    chat:ann: this, 3 times",
        "✔ restart takes no number that cannot be (1 ms)",
        "✖ throws (1 ms)",
        "    commands/restart.test.ts:22",
        "    TypeError: Cannot read properties of undefined (reading 'a')",
        "",
        "1 passed, 3 failed",
        "",
      ]);
      await expect(testCommands(["nowhere"], init)).rejects.toThrow("nowhere is not there");
    },
    60_000,
  );
});
