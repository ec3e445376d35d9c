// Hubot's scripts in their thread: what a line costs through it, and what a thousand listeners cost those who are not meant.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { contest, nsPerCall, percentile, row } from "./rounds.mjs";

const HEARS = 1000;

/** A folder with a script that answers, and one with so many listeners that hear. Gone with the process. */
function scriptFolder(hears) {
  const cwd = mkdtempSync(join(tmpdir(), "micro-bench-scripts-"));
  process.on("exit", () => rmSync(cwd, { recursive: true, force: true }));
  mkdirSync(join(cwd, "scripts"));
  writeFileSync(join(cwd, "package.json"), "{}");
  writeFileSync(
    join(cwd, "scripts", "answers.js"),
    `module.exports = (robot) => robot.respond(/answer (\\w+)$/i, (res) => res.send(res.match[1]));`,
  );
  const many = `module.exports = (robot) => { for (let i = 0; i < ${hears}; i++) robot.hear(new RegExp("thing" + i + " (\\\\S+)$", "i"), () => {}); };`;
  if (hears > 0) writeFileSync(join(cwd, "scripts", "hears.js"), many);
  return cwd;
}

/** Straight at the thread: a message is looked at by the patterns, one acts, and its answer is here. */
export async function thread() {
  const { openThread } = await import("../dist/src/plugins/hubot/thread.js");
  const cwd = scriptFolder(0);
  const waiting = new Map();
  const opened = openThread({
    begin: { cwd, folder: join(cwd, "scripts"), name: "micro", skip: [], brain: [], httpPath: undefined },
    env: {},
    memoryMb: 256,
    hangMs: 60_000,
    startMs: 60_000,
    log: { debug: () => {}, info: () => {}, warn: () => {} },
    redact: (text) => text,
    onMessage: (message) => {
      if (message.kind === "ready") waiting.get("ready")();
      if (message.kind === "heard") opened.tell({ kind: "act", token: message.token, allowed: message.found });
      if (message.kind === "acted") waiting.get(message.token)(message);
    },
    onEnd: () => {},
  });
  await new Promise((resolve) => waiting.set("ready", resolve));
  let token = 0;
  const once = async () => {
    const number = ++token;
    const said = {
      id: String(number),
      text: "answer yes",
      addressed: true,
      name: "micro",
      room: "chat:room",
      from: { id: "chat:ann", name: "ann", guest: false },
    };
    const began = process.hrtime.bigint();
    const acted = await new Promise((resolve) => {
      waiting.set(number, resolve);
      opened.tell({ kind: "hear", token: number, said });
    });
    waiting.delete(number);
    if (acted.words[0] !== "yes") throw new Error("no answer");
    return Number(process.hrtime.bigint() - began);
  };
  for (let i = 0; i < 3000; i++) await once();
  return async () => {
    const took = [];
    for (let i = 0; i < 2000; i++) took.push(await once());
    return percentile(took, 0.5);
  };
}

/** What the same two trips cost with nothing at the other end. */
export async function echo() {
  const { Worker } = await import("node:worker_threads");
  const text =
    'const { parentPort } = require("node:worker_threads"); parentPort.on("message", (m) => parentPort.postMessage(m));';
  const worker = new Worker(text, { eval: true });
  const trip = (message) =>
    new Promise((resolve) => {
      worker.once("message", resolve);
      worker.postMessage(message);
    });
  const from = { id: "chat:ann", name: "ann", guest: false };
  const said = { id: "1", text: "answer yes", addressed: true, name: "micro", room: "chat:room", from };
  return middle(async () => {
    await trip({ kind: "hear", token: 1, said });
    await trip({ kind: "act", token: 1, allowed: [0] });
  });
}

/** The bot with or without scripts, and a chat that carries nothing. */
async function botWith({ scripts, hears }) {
  const [{ createBot }, { createChat }, { memoryRegistry }, { hubotScripts }, { z }] = await Promise.all([
    import("../dist/src/bot/bot.js"),
    import("./chat.mjs"),
    import("../dist/src/core/registry/memory.js"),
    import("../dist/src/plugins/hubot/scripts.js"),
    import("zod"),
  ]);
  const chat = createChat();
  const cwd = scripts ? scriptFolder(hears) : undefined;
  const hubot = cwd && hubotScripts({ cwd, folder: join(cwd, "scripts"), name: "micro", env: {} });
  const typed = {
    name: "typed",
    summary: "bench",
    input: z.object({ what: z.string() }),
    words: ["what"],
    permission: "bench:run",
    effect: "read",
    run: async ({ what }) => what,
    view: (text) => ({ kind: "text", text }),
  };
  const bot = createBot({
    inputs: [chat.input],
    commands: [typed],
    registry: memoryRegistry()(),
    client: undefined,
    limit: "none",
    ...(hubot && { sources: [hubot.source], listening: [hubot.listening], extensions: [hubot.extension] }),
  });
  await bot.start();
  const ask = (text) =>
    new Promise((resolve) => {
      chat.said = resolve;
      chat.say(text);
    });
  return { chat, ask };
}

/** From a text that is no command to a script's answer, through all layers of the bot. */
export async function script() {
  const { ask } = await botWith({ scripts: true, hears: 0 });
  return middle(() => ask("micro answer yes"));
}

/** A typed command, while people talk in the room. */
export async function typed({ scripts, hears = HEARS, chatter = 0 }) {
  const { chat, ask } = await botWith({ scripts, hears });
  return middle(async () => {
    for (let i = 0; i < chatter; i++) chat.say("has anybody seen the logs of last night?");
    await ask("micro typed yes");
  });
}

async function middle(once) {
  const sample = async () => {
    const took = [];
    for (let i = 0; i < 1000; i++) {
      const began = process.hrtime.bigint();
      await once();
      took.push(Number(process.hrtime.bigint() - began));
    }
    return percentile(took, 0.5);
  };
  await sample();
  return sample;
}

/** What a sentence that nobody listens to costs the bot's own thread, and until all patterns have seen it. */
export async function chatterOurs() {
  const { chat, ask } = await botWith({ scripts: true, hears: HEARS });
  const count = 200;
  // The script's thread takes one after the other, so its answer comes when it is through with all before.
  const work = async () => {
    for (let i = 0; i < count; i++) chat.say("has anybody seen the logs of last night?");
    await ask("micro answer yes");
  };
  await nsPerCall(work, 1000);
  return async () => (await nsPerCall(work)) / (count + 1);
}

export async function chatterHubot() {
  const { createRobot } = await import("./hubot.mjs");
  const { robot, message } = await createRobot();
  for (let i = 0; i < HEARS; i++) robot.hear(new RegExp(`thing${i} (\\S+)$`, "i"), () => {});
  const work = () => robot.receive(message("has anybody seen the logs of last night?"));
  await nsPerCall(work, 1000);
  return () => nsPerCall(work);
}

export async function run() {
  const alone = await contest(import.meta.url, { thread: {}, echo: {}, script: {} });
  const without = await pairs({ scripts: true }, { scripts: false });
  const talking = await pairs({ scripts: true, chatter: 3 }, { scripts: false, chatter: 3 });
  const { chatterOurs: ours, chatterHubot: peer } = await contest(import.meta.url, {
    chatterOurs: {},
    chatterHubot: {},
  });
  return [
    row({ what: "a line through the scripts' thread and back, p50", ours: alone.thread, atMost: 100_000 }),
    row({ what: "the same", ours: alone.thread, peer: alone.echo, peerName: "two plain echoes" }),
    row({ what: "a script's answer through the whole bot, p50", ours: alone.script }),
    row({ what: "a typed command beside 1,000 hear listeners, p50", ...without, atMost: 1.1 }),
    row({ what: "the same while people talk, 3 sentences each", ...talking }),
    row({ what: "a sentence past 1,000 hear listeners", ours, peer, peerName: "Hubot hear", atMost: 1 }),
  ];
}

async function pairs(ours, peer) {
  const { typed, bare } = await contest(import.meta.url, { typed: ours, bare: peer });
  return { ours: typed, peer: bare, peerName: "without scripts" };
}

export const bare = typed;
