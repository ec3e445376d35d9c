// The bot as the program makes it, over the networks of the bench, with one command more: `bench 17.` answers `heard 17`.
import { z } from "zod";
import { NETWORKS } from "./networks.mjs";
import { openNetwork } from "./people.mjs";

/**
 * @param began told the number of a message when its command starts
 * @param more `commands`: further ones, as `defineCommand` takes them; `wrap`: around each input
 */
export async function startBot(fakes, names, began = () => {}, { commands = [], wrap = (input) => input } = {}) {
  const [
    { createBot },
    { memoryJournal },
    { memoryAudit },
    { systemClock },
    builtin,
    { cached },
    { memoryRegistry },
    { defineCommand },
  ] = await Promise.all([
    import("../../dist/src/bot/bot.js"),
    import("../../dist/src/bot/journal.js"),
    import("../../dist/src/bot/audit/memory.js"),
    import("../../dist/src/core/clock.js"),
    import("../../dist/src/commands/builtin.js"),
    import("../../dist/src/core/registry/cache.js"),
    import("../../dist/src/core/registry/memory.js"),
    import("../../dist/src/commands/command.js"),
  ]);
  const bench = defineCommand({
    name: "bench",
    summary: "Tell that it was heard",
    input: z.object({ text: z.string() }),
    words: ["text"],
    rest: "text",
    permission: "bot:talk",
    effect: "read",
    run: async ({ text }) => {
      const number = Number.parseInt(text, 10);
      began(number);
      return { number };
    },
    view: ({ number }) => ({ kind: "text", text: `heard ${number}` }),
  });
  const networks = await Promise.all(names.map((name) => openNetwork(fakes, name)));
  const inputs = await Promise.all(names.map(async (name, at) => wrap(await NETWORKS[name].input(networks[at].facts))));
  const registry = cached(memoryRegistry({ services: [] })());
  await registry.start();
  const bot = createBot({
    inputs,
    commands: [...builtin.builtin, ...builtin.smallTalk, bench, ...commands.map(defineCommand)],
    registry,
    client: undefined,
    // People here say more than the bot would let them.
    limit: "none",
    // What the store costs, and its disk, is told by the bench of messages. Full from the beginning, so that they are not what grows.
    journal: memoryJournal({ max: 1000 }),
    auditLog: memoryAudit({ clock: systemClock, replica: "bench", maxBytes: 1 }),
  });
  await bot.start();
  return { networks, bot };
}
