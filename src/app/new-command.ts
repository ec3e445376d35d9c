import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { MicroError } from "../core/errors.ts";
import { demandFree } from "./free-name.ts";
import { commandsFolder } from "./own-commands.ts";

/**
 * `micro new command restart`: a command file with its test, in `commands/`.
 *
 * @param args what follows `new command`: the words that select it
 * @param cwd the bot's directory
 * @returns what was made, a line each
 * @throws MicroError `invalid_argument`, `conflict` when one of the files is there already, or no bot would load that name
 */
export async function newCommand(args: readonly string[], cwd: string): Promise<string> {
  const name = args.join(" ");
  if (name === "") {
    const other = "a service of that name is made with micro new ./command";
    throw new MicroError("invalid_argument", `what is the command to be called? micro new command restart; ${other}`);
  }
  if (!/^[a-z][a-z0-9-]*( [a-z0-9][a-z0-9-]*){0,3}$/.test(name)) {
    const words = "one to four words of small letters, digits and dashes";
    throw new MicroError(
      "invalid_argument",
      `"${name}" cannot name a command: ${words}, as in micro new command restart`,
    );
  }
  const file = name.replaceAll(" ", "-");
  const files = [
    [`commands/${file}.ts`, command(name)],
    [`commands/${file}.test.ts`, test(name, file)],
  ] as const;
  const there = files.find(([path]) => existsSync(join(cwd, path)));
  if (there !== undefined) throw new MicroError("conflict", `${there[0]} already exists`);
  const { catalogBeside } = await import("./runbook-commands.ts");
  demandFree(name, await catalogBeside(join(cwd, "runbooks"), commandsFolder("", cwd)));
  await mkdir(join(cwd, "commands"), { recursive: true });
  for (const [path, content] of files) await writeFile(join(cwd, path), content, { flag: "wx" });
  const made = files.map(([path]) => `creating ${path}`);
  return [...made, "", "try it with", "", "micro test", "micro bot --inputs=terminal"].join("\n");
}

function command(name: string): string {
  const area = name.split(" ")[0];
  return `import { defineCommand } from "micro-chatops";
import { z } from "zod";

export default defineCommand({
  name: "${name}",
  summary: "Tell what this does, in one line",
  input: z.object({
    what: z.string().describe("what it is done to"),
    times: z.coerce.number().int().min(1).max(10).default(1).describe("how often"),
  }),
  words: ["what"],
  // The grant that it needs; the policy says who has it.
  permission: "${area}:run",
  // "write" for what changes something: then it is confirmed first, in chat and in its test.
  effect: "read",
  // What it is given, and nothing else: "client", "registry", "broker", "kv", "http", "secrets:NAME".
  needs: [],
  examples: ["${name} this", "${name} this --times 3"],
  run: async ({ what, times }, { caller }) => ({ what, times, caller }),
  view: ({ what, times, caller }) => ({ kind: "text", text: \`\${caller}: \${what}, \${times} times\` }),
});
`;
}

function test(name: string, file: string): string {
  return `import { test } from "node:test";
import { kit } from "micro-chatops/kit";
import command from "./${file}.ts";

test("${name} does what it says", async () => {
  await using bot = kit({ commands: [command] });
  const said = bot.says("${name} this --times 3");
  if (command.effect === "read") {
    await said.expect(/this, 3 times/);
  } else {
    // What changes something asks first, and is done after the yes.
    await said.expect(/this changes things/);
    await bot.says("yes").expect(/this, 3 times/);
  }
});

test("${name} takes no number that cannot be", async () => {
  await using bot = kit({ commands: [command] });
  await bot.says("${name} this --times 100").expect(/times/);
});
`;
}
