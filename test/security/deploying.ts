import { expect, vi } from "vitest";
import { z } from "zod";
import type { Bot, BotInit } from "../../src/bot/bot.ts";
import { type AnyCommand, defineCommand } from "../../src/commands/command.ts";
import type { Input, OutgoingMessage } from "../../src/inputs/input.ts";
import { cannedClient } from "../fakes/canned-client.ts";
import type { Scene } from "./proven.ts";

/** A bot with one write, `deploy <what>`, and what came of it. */
export interface Deploying {
  readonly bot: Bot;
  /** What was deployed, in order. */
  readonly done: readonly string[];
  /** What the bot said, as it gave it to its inputs. */
  readonly said: readonly OutgoingMessage[];
  /** The texts of it. */
  texts(): readonly string[];
  /** Waits until this was deployed; then all that was said before it in its room has had its turn. */
  deployed(what: string): Promise<void>;
}

export interface DeployingInit extends Partial<Omit<BotInit, "inputs" | "policy">> {
  /** A policy file. Default: members may deploy. */
  readonly policy?: string;
  /** It is asked for a yes. Default false. */
  readonly confirmed?: boolean;
  /** What it answers. */
  readonly answer?: string;
}

export const MEMBERS = "members: ['test:*', 'bot:talk']";

/** Only that caller may deploy. */
export function only(...callers: readonly string[]): string {
  return JSON.stringify({ roles: { ops: { members: callers, grants: ["test:*"] } } });
}

export async function deploying(
  { kit, later }: Scene,
  inputs: readonly Input[],
  { policy = MEMBERS, confirmed = false, answer, ...init }: DeployingInit = {},
): Promise<Deploying> {
  const done: string[] = [];
  const said: OutgoingMessage[] = [];
  const deploy: AnyCommand = defineCommand({
    name: "deploy",
    summary: "Deploy something",
    input: z.object({ what: z.string(), force: z.boolean().default(false) }),
    words: ["what"],
    permission: "test:deploy",
    effect: "write",
    ...(confirmed ? {} : { confirm: false }),
    run: async ({ what, force }) => {
      done.push(force ? `${what} by force` : what);
      return {};
    },
    view: (_, { what }) => ({ kind: "text", text: answer ?? `${what} is deployed` }),
  });
  const bot = kit.createBot({
    registry: kit.memoryRegistry()(),
    client: cannedClient({}),
    policy: kit.readPolicy(policy, "test"),
    drainMs: 200,
    ...init,
    inputs: inputs.map((input) => overheard(input, said)),
    commands: [...kit.smallTalk, deploy, ...(init.commands ?? [])],
  });
  later(bot.stop);
  await bot.start();
  return {
    bot,
    done,
    said,
    texts: () => said.map(({ parts }) => parts.map(({ text }) => text).join("\n")),
    deployed: (what) => vi.waitFor(() => expect(done).toContain(what), { timeout: 3000, interval: 10 }),
  };
}

/** The input, and a copy of what is said over it. */
function overheard(input: Input, said: OutgoingMessage[]): Input {
  return {
    ...input,
    connect: async (options) => {
      const link = await input.connect(options);
      return {
        ...link,
        [Symbol.asyncIterator]: () => link[Symbol.asyncIterator](),
        send: async (message, how) => {
          said.push(message);
          await link.send(message, how);
        },
      };
    },
  };
}
