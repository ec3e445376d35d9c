import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach } from "vitest";
import { readPolicy } from "../../src/bot/policy.ts";
import { builtin } from "../../src/commands/builtin.ts";
import type { AnyCommand } from "../../src/commands/command.ts";
import type { Extension, House } from "../../src/commands/house.ts";
import { memoryInput } from "../../src/inputs/memory/memory.ts";
import { memoryDb } from "../../src/platform/db/memory.ts";
import { memoryKv } from "../../src/platform/kv/memory.ts";
import { runbooks } from "../../src/runbooks/extension.ts";
import { RUNBOOK_TABLES } from "../../src/runbooks/runs.ts";
import { folderShelf } from "../../src/runbooks/shelf.ts";
import { botOn, telling, textOf } from "../bot/run-bot.ts";

const folder = mkdtempSync(join(tmpdir(), "micro-runbooks-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const opened: { stop(): Promise<void> }[] = [];
afterEach(async () => {
  for (const each of opened.splice(0)) await each.stop();
});

const RULES = `
members: ["*:*"]
roles: { lead: { members: ["memory:bob", "memory:ann2", "memory:bob2"] } }
`;
/** A bot with these runbooks, `change` to write, and what rooms were told. */
export async function botWith(
  files: Readonly<Record<string, string>>,
  commands: readonly AnyCommand[] = [],
  init: { readonly rules?: string; readonly extensions?: readonly ((house: House) => Extension)[] } = {},
) {
  const own = mkdtempSync(join(folder, "own-"));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(own, `${name}.yaml`), text);
  const input = memoryInput();
  const change = telling("change", { effect: "write" });
  const look = telling("look");
  const db = memoryDb(RUNBOOK_TABLES);
  const store = memoryKv();
  await db.start();
  await store.start();
  opened.push(db, store);
  let house: House | undefined;
  const bot = botOn([input], {
    store,
    limit: "none",
    replica: { name: "r" },
    commands: [...builtin, change.command, look.command, ...commands],
    policy: readPolicy(init.rules ?? RULES, "test"),
    extensions: [
      (given) => {
        house = given;
        return { commands: [] };
      },
      ...(init.extensions ?? []),
      runbooks({ shelf: folderShelf(own), db, leaseMs: 500, drainMs: 100 }),
    ],
  });
  await bot.start();
  const said = async (words: RegExp, from = 0): Promise<string> => {
    const limit = performance.now() + 8000;
    for (;;) {
      const texts = input.sent.map(textOf);
      const found = texts.slice(from).find((text) => words.test(text));
      if (found !== undefined) return found;
      if (performance.now() > limit) throw new Error(`nobody said ${words}:\n${texts.join("\n---\n")}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  };
  /** What is said next after that. */
  const tell = async (line: string, from: string, words = /./s): Promise<string> => {
    const before = input.sent.length;
    input.say(line, { from });
    return said(words, before);
  };
  /** Says yes to a run, too. @returns its id, once that was said */
  const begin = async (line: string, words = /waits at step ok/): Promise<string> => {
    await tell(line, "ann", /this changes things/);
    const before = input.sent.length;
    input.say("yes", { from: "ann" });
    return /\((rb[0-9a-f]{6})\)/.exec(await said(words, before))?.[1] ?? "";
  };
  const link = async (one: string, other: string) => {
    const code = /`link ([A-Z0-9]{4}-[A-Z0-9]{4})`/.exec(await tell("link", one))?.[1];
    await tell(`link ${code} memory:${one}`, other);
    await tell(`link ${code} memory:${other}`, one, /one person|linked/);
  };
  return { input, change, said, tell, begin, link, house: () => house as House };
}
