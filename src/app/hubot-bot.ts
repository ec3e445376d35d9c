import { createBot } from "../bot/bot.ts";
import { openPolicy } from "../bot/policy/live.ts";
import { defaultPolicy } from "../bot/policy.ts";
import { builtin, smallTalk } from "../commands/builtin.ts";
import { systemClock } from "../core/clock.ts";
import { type Log, silent } from "../core/log.ts";
import { cached } from "../core/registry/cache.ts";
import type { Input } from "../inputs/input.ts";
import type { HubotEntryOptions } from "./hubot-entry.ts";
import { limitsOf } from "./limits.ts";
import { readOptions } from "./options.ts";
import { lazyBroker, makers } from "./parts.ts";
import { openSecrets } from "./secrets.ts";
import { BOT, GLOBAL } from "./settings.ts";

export interface InHubot {
  readonly settings: HubotEntryOptions;
  readonly name: string;
  readonly signal: AbortSignal;
  readonly warn: (words: string) => void;
}

/**
 * A bot whose only input is that Hubot, until its signal aborts. What it remembers is gone with the process.
 * @throws MicroError for wrong options, a registry that cannot be had
 */
export async function runInHubot(input: Input, { settings: given, name, signal, warn }: InHubot): Promise<void> {
  const table = { ...GLOBAL, ...BOT };
  const args = Object.entries(given)
    .filter(([, value]) => value !== undefined)
    .map(([option, value]) => `--${option}=${Array.isArray(value) ? value.join(",") : String(value)}`);
  const { settings: read } = readOptions(table, args, process.env);
  const clock = systemClock;
  const { settings, redactor, resolve } = await openSecrets(read, table, { env: process.env, signal, clock });
  const log: Log = { ...silent, warn: (_facts, words) => warn(words), error: (_facts, words) => warn(words) };
  const tools = { clock, log };
  const { policyText } = await import("./secret-policy.ts");
  const live =
    settings.policy === ""
      ? undefined
      : await openPolicy({ path: settings.policy, read: (path) => policyText(path, resolve), clock, log });
  const registry = cached(await makers.registry(settings, tools), tools);
  const transport = await makers.transport(settings);
  const client = await makers.client({ registry, transport }, settings, tools);
  const broker = lazyBroker(settings.broker, () => makers.broker({ registry }, settings, tools));
  const bot = createBot({
    name,
    inputs: [input],
    commands: [...builtin, ...smallTalk],
    registry,
    client,
    broker,
    policy: live ?? defaultPolicy,
    clock,
    log,
    redactor,
    ...limitsOf(settings),
  });
  try {
    await live?.start();
    await registry.start({ signal });
    await bot.start({ signal });
    await Promise.race([bot.done, aborted(signal)]);
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    await live?.stop();
    await bot.stop();
    await broker.stop();
    await client.close();
    await registry.stop();
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
