import { afterEach } from "vitest";
import { z } from "zod";
import { type Bot, type BotInit, createBot } from "../../src/bot/bot.ts";
import { readPolicy } from "../../src/bot/policy.ts";
import { smallTalk } from "../../src/commands/builtin.ts";
import { type AnyCommand, defineCommand } from "../../src/commands/command.ts";
import { memoryRegistry } from "../../src/core/registry/memory.ts";
import type { Input, OutgoingMessage } from "../../src/inputs/input.ts";
import { cannedClient } from "../fakes/canned-client.ts";

const running: Bot[] = [];
afterEach(async () => {
  for (const bot of running.splice(0)) await bot.stop();
});

/** A bot that small talk and `commands` can be said to; members may do everything. It is stopped after the test. */
export function botOn(inputs: readonly Input[], init: Partial<BotInit> = {}): Bot {
  const bot = createBot({
    inputs,
    registry: memoryRegistry()(),
    client: cannedClient({}),
    policy: readPolicy("members: ['test:*', 'bot:talk']", "test"),
    drainMs: 200,
    ...init,
    commands: [...smallTalk, ...(init.commands ?? [])],
  });
  running.push(bot);
  return bot;
}

/** A command that remembers what it was told, and ends at once, or when `gate` does. */
export function telling(name: string, init: Partial<AnyCommand> & { readonly gate?: () => Promise<unknown> } = {}) {
  const { gate = async () => {}, ...extra } = init;
  const runs: string[] = [];
  const command: AnyCommand = {
    ...defineCommand({
      name,
      summary: name,
      input: z.object({ what: z.string().default("") }),
      words: ["what"],
      permission: `test:${name}`,
      effect: "read",
      run: async ({ what }) => {
        runs.push(what);
        await gate();
        return { what };
      },
      view: ({ what }) => ({ kind: "text", text: `${name} ${what} done` }),
    }),
    ...extra,
  };
  return { command, runs };
}

export function textOf(message: OutgoingMessage | undefined): string {
  return message?.parts.map((part) => part.text).join("\n") ?? "";
}
