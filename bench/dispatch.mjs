// From a text to a command with typed arguments, which is then called; and what sentences cost that are not for the bot.
import { contest, nsPerCall, row } from "./rounds.mjs";

const SIZES = [10, 100, 1_000, 10_000];
const VERBS = ["scale", "show", "drain", "move", "watch", "open", "close", "drop", "tag", "count"];
/** Against `respond`, by number of commands. */
const RESPOND = [3, 10, 100, 1_000];

const verb = (i) => VERBS[i % VERBS.length];
/** The same random walk over the commands for everybody. */
const walk = (size) => Array.from({ length: 4096 }, (_, step) => (step * 2_654_435_761) % size);

/**
 * @param schemas `shared`: the commands of a verb have one schema, as commands that many services offer have; `own`: each
 * has its own, 10,000 of which are 80 MB of zod's objects, and the time goes into finding them in memory
 */
export async function ours({ size, schemas = "shared" }) {
  const [{ z }, { createCatalog }, { chatLine }, { parse }] = await Promise.all([
    import("zod"),
    import("../dist/src/commands/catalog.js"),
    import("../dist/src/commands/line.js"),
    import("../dist/src/commands/parse.js"),
  ]);
  let called = 0;
  const schema = () => z.object({ name: z.string(), replicas: z.number().int().default(1) });
  const ofVerb = new Map(VERBS.map((name) => [name, schema()]));
  const commands = Array.from({ length: size }, (_, i) => ({
    name: `${verb(i)} thing${i}`,
    summary: "bench",
    input: schemas === "own" ? schema() : ofVerb.get(verb(i)),
    words: ["name"],
    permission: "bench:run",
    effect: "read",
    run: async ({ name, replicas }) => {
      called += name.length + replicas;
    },
    view: () => ({ kind: "text", text: "" }),
  }));
  const catalog = createCatalog(commands);
  const texts = walk(size).map((i) => `${verb(i)} thing${i} web-${i} --replicas 3`);
  const take = async (text) => {
    const match = catalog.match(chatLine(text));
    const { input } = parse(match);
    await match.command.run(input);
  };
  return () =>
    sample(
      (i) => take(texts[i % texts.length]),
      () => called,
    );
}

export const apart = ours;
export const few = ours;

/** One regular expression per command, as scripts have it. */
export async function respond({ size }) {
  const { createRobot } = await import("./hubot.mjs");
  const { robot, message } = await createRobot();
  let called = 0;
  for (let i = 0; i < size; i++) {
    robot.respond(new RegExp(`${verb(i)} thing${i} (\\S+)(?: --replicas (\\d+))?$`, "i"), async ({ match }) => {
      called += match[1].length + Number(match[2] ?? 1);
    });
  }
  const texts = walk(size).map((i) => `micro ${verb(i)} thing${i} web-${i} --replicas 3`);
  return () =>
    sample(
      (i) => robot.receive(message(texts[i % texts.length])),
      () => called,
    );
}

/** Its newer way: a map of commands, arguments with types. Without the way through `receive`, which ours lacks too. */
export async function bus({ size }) {
  const { createRobot } = await import("./hubot.mjs");
  const { robot } = await createRobot();
  let called = 0;
  // Its own check for aliases that collide goes through all commands for each that is added; there are none here.
  robot.commands.aliasCollisions = () => ({});
  for (let i = 0; i < size; i++) {
    robot.commands.register({
      id: `${verb(i)}.thing${i}`,
      description: "bench",
      args: { name: { type: "string", required: true }, replicas: { type: "number", default: 1 } },
      handler: async ({ args }) => {
        called += args.name.length + args.replicas;
      },
    });
  }
  const texts = walk(size).map((i) => `${verb(i)}.thing${i} --name web-${i} --replicas 3`);
  const context = { user: { id: "ann" }, room: "room" };
  return () =>
    sample(
      (i) => robot.commands.invoke(texts[i % texts.length], context),
      () => called,
    );
}

const CHATTER = [
  "has anybody seen the logs of last night?",
  "lunch at twelve",
  "microscope is on my desk",
  "ok, thanks",
];

/** Through the whole bot: from its input to the decision that it is none of its business. */
export async function chatterOurs({ size }) {
  const [{ z }, { createBot }, { createChat }, { memoryRegistry }] = await Promise.all([
    import("zod"),
    import("../dist/src/bot/bot.js"),
    import("./chat.mjs"),
    import("../dist/src/core/registry/memory.js"),
  ]);
  const commands = Array.from({ length: size }, (_, i) => ({
    name: `${verb(i)} thing${i}`,
    summary: "bench",
    input: z.object({}),
    permission: "bench:run",
    effect: "read",
    run: async () => {},
    view: () => ({ kind: "text", text: "" }),
  }));
  const chat = createChat();
  const bot = createBot({ inputs: [chat.input], commands, registry: memoryRegistry()(), client: undefined });
  await bot.start();
  /** The bot is through with all of it when it answers to the last of it. */
  const through = async (count) => {
    const answered = new Promise((resolve) => {
      chat.said = resolve;
    });
    for (let i = 0; i < count; i++) chat.say(CHATTER[i % CHATTER.length]);
    chat.say("micro");
    await answered;
  };
  // A few at a time, as they come: a heap of unread sentences would be measured otherwise.
  const count = 100;
  const work = () => through(count);
  await nsPerCall(work, 1000);
  return async () => (await nsPerCall(work)) / count;
}

export async function chatterHubot({ size }) {
  const { createRobot } = await import("./hubot.mjs");
  const { robot, message } = await createRobot();
  for (let i = 0; i < size; i++) robot.respond(new RegExp(`${verb(i)} thing${i} (\\S+)$`, "i"), async () => {});
  return () => sample((i) => robot.receive(message(CHATTER[i % CHATTER.length])));
}

const warm = new WeakSet();

/** @param called tells that commands are really called */
async function sample(work, called) {
  if (!warm.has(sample)) {
    warm.add(sample);
    await nsPerCall(work, 1000);
  }
  const before = called?.();
  const cost = await nsPerCall(work);
  if (called && called() === before) throw new Error("no command was called");
  return cost;
}

export async function run() {
  const rows = [];
  for (const [at, size] of SIZES.entries()) {
    const config = { size };
    const peers = { ours: config, respond: config, bus: config };
    if (size === SIZES.at(-1)) Object.assign(peers, { apart: { size, schemas: "own" }, few: { size: SIZES[0] } });
    const { ours, respond, bus, apart, few } = await contest(import.meta.url, peers);
    const what = `text to called command, ${size.toLocaleString("en")} known`;
    const againstRespond = { peer: respond, peerName: "Hubot respond", atLeast: RESPOND[at] };
    const againstBus = { peer: bus, peerName: "Hubot command bus", atLeast: 1.5 };
    rows.push(row({ what, ours, ...againstRespond }), row({ what, ours, ...againstBus }));
    if (size !== SIZES.at(-1)) continue;
    const each = `${what}, a schema each`;
    rows.push(
      row({ what: each, ours: apart, ...againstRespond }),
      row({ what: each, ours: apart, ...againstBus }),
      row({ what, ours, peer: few, peerName: "ours with 10 known", atMost: 3 }),
    );
  }
  const config = { size: 10_000 };
  const { chatterOurs: chatter, chatterHubot: peer } = await contest(import.meta.url, {
    chatterOurs: config,
    chatterHubot: config,
  });
  rows.push(
    row({ what: "a sentence not for the bot, 10,000 known", ours: chatter, peer, peerName: "Hubot", atLeast: 10_000 }),
  );
  return rows;
}
