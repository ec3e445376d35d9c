import { randomUUID } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { expect, onTestFinished, vi } from "vitest";
import type { BotInit } from "../../../src/bot/bot.ts";
import { readPolicy } from "../../../src/bot/policy.ts";
import { type MemoryInput, memoryInput } from "../../../src/inputs/memory/memory.ts";
import { type HubotScriptsInit, hubotScripts } from "../../../src/plugins/hubot/scripts.ts";
import { botOn, textOf } from "../../bot/run-bot.ts";

/** A directory with `scripts/` and what else is given, gone after the test. Packages of ours are found from it. */
export function scriptFolder(files: Readonly<Record<string, string>>): string {
  const cwd = mkdtempSync(join(tmpdir(), "micro-scripts-"));
  onTestFinished(() => rmSync(cwd, { recursive: true, force: true }));
  writeFileSync(join(cwd, "package.json"), "{}");
  mkdirSync(join(cwd, "scripts"));
  for (const [name, text] of Object.entries(files)) {
    const path = join(cwd, name);
    mkdirSync(resolve(path, ".."), { recursive: true });
    // Help is what stands in the first lines.
    writeFileSync(path, text.trimStart());
  }
  return cwd;
}

/** CoffeeScript as a user has it in their directory. */
export function withCoffee(cwd: string): void {
  const folder = join(cwd, "node_modules", "coffeescript");
  mkdirSync(folder, { recursive: true });
  const real = resolve(import.meta.dirname, "../../../node_modules/coffeescript");
  writeFileSync(join(folder, "package.json"), '{"name":"coffeescript","main":"index.js"}');
  writeFileSync(join(folder, "index.js"), `module.exports = require(${JSON.stringify(real)});`);
}

export interface Hosted {
  readonly input: MemoryInput;
  readonly bot: ReturnType<typeof botOn>;
  /** Says it to the bot. @returns the next thing that the bot says */
  ask(text: string): Promise<string>;
  next(): Promise<string>;
  /** Says it, and waits for something that reads like that: a question is not over until it is answered. Again while the scripts begin. */
  until(text: string, answer: RegExp): Promise<void>;
  readonly logged: readonly string[];
}

/** A bot with the scripts of that directory. Members may do everything that a rule does not forbid. */
export async function host(
  cwd: string,
  init: Partial<HubotScriptsInit> & { readonly policy?: string; readonly bot?: Partial<BotInit> } = {},
): Promise<Hosted> {
  const { policy = "members: ['hubot:*', 'test:*', 'bot:*']", bot: more = {}, ...settings } = init;
  const input = memoryInput();
  const hubot = hubotScripts({
    cwd,
    folder: join(cwd, "scripts"),
    name: "micro",
    env: {},
    defaultInput: "memory",
    // Other tests may hold the machine for a while.
    hangMs: 2500,
    ...settings,
  });
  const logged: string[] = [];
  const note = (facts: object, words: string) => void logged.push(`${words} ${JSON.stringify(facts)}`);
  const log = { trace: note, debug: note, info: note, warn: note, error: note, fatal: note };
  const bot = botOn([input], {
    sources: [hubot.source],
    listening: [hubot.listening],
    extensions: [hubot.extension],
    policy: readPolicy(policy, "test"),
    limit: "none",
    log,
    ...more,
  });
  await bot.start();
  // Another bot on the same store must not take them for messages that it knows.
  const say = (text: string) => input.say(text, { id: randomUUID() });
  const next = async () => textOf(await input.next({ timeoutMs: 20_000 }));
  return {
    input,
    bot,
    logged,
    next,
    until: async (text, answer) => {
      let before = input.sent.length;
      say(text);
      const since = () => input.sent.slice(before).map(textOf).join("\n---\n");
      const again = () => {
        if (!/say it again in a moment/.test(since()) || answer.test(since())) return;
        before = input.sent.length;
        say(text);
      };
      await vi.waitFor(
        () => {
          again();
          expect(since()).toMatch(answer);
        },
        { timeout: 30_000 },
      );
    },
    ask: async (text) => {
      say(text);
      return next();
    },
  };
}
