/*
 * Hubot's scripts in a thread of their own, under the real `hubot`: what hangs, exits, throws late or eats memory ends this thread
 * and not the bot. Plain JavaScript, because a thread is started from the file as it is, in the sources as in the bundle.
 * `protocol.ts` has what is told either way.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parentPort, workerData } from "node:worker_threads";
import * as hubot from "hubot";
import { bridgeAdapter, TOKEN } from "./adapter.mjs";
import { keepBrain } from "./brain.mjs";
import { execute, listed, watchCommands } from "./commands.mjs";
import { beHubot } from "./compat.mjs";
import { createHearing } from "./hearing.mjs";
import { createLines } from "./lines.mjs";
import { createLogger } from "./logger.mjs";
import { createMeasure } from "./measure.mjs";
import { hostRobot } from "./robot.mjs";
import { createRouter } from "./router.mjs";
import { createScripts } from "./scripts.mjs";

const { cwd, folder, name, skip, brain: stored, httpPath, shared } = workerData;
/** What runs now, for who finds this thread hanging: a listener's index and the number of a message. */
const state = new Int32Array(shared);
/** What acts on sentences that are not said to the robot. */
const OVERHEAR = new Set(["hear", "listen", "catchAll"]);
const tell = (message) => parentPort.postMessage(message);
const runs = new Map();
const measure = createMeasure();
/** By script: the message that it acted on last. What it throws later is told there: to follow each message costs all of them. */
const latest = new Map();

const log = createLines((level, text) => tell({ kind: "log", level, text }));
const logger = createLogger(log);

const exit = process.exit.bind(process);
process.exit = (code) => {
  tell({ kind: "ending", ...blamed(new Error()), why: `it called process.exit(${code ?? ""})` });
  exit(code ?? 0);
};
process.on("uncaughtException", (error) => {
  // Of a library's own, such as a store that is away: nobody knows whose that is, and to end all for it would help none.
  if (scripts.owner(error) === undefined) {
    log("error", `something threw when nobody waited for it: ${wordsOf(error)}`);
    return;
  }
  tell({ kind: "ending", ...blamed(error), why: `it threw when nobody waited for it: ${wordsOf(error)}` });
  exit(1);
});
// Scripts that do not wait for what they say are many; nothing is broken by that.
process.on("unhandledRejection", (error) => {
  log("warn", `${blamed(error).script ?? "a script"}: nobody waited for what failed: ${wordsOf(error)}`);
});

let changes;
const scripts = createScripts({
  cwd,
  skip,
  onLoading: (from) => tell({ kind: "loading", from }),
  onChange: () => {
    // Many come together.
    if (changes === undefined) changes = setTimeout(offer, 20);
  },
});

beHubot(hubot, cwd);
const HostRobot = hostRobot(hubot, scripts);
const Bridge = bridgeAdapter(hubot, say);
const robot = new HostRobot({ use: (owner) => new Bridge(owner) }, false, name);
robot.logger = logger;
// The bot's catalog has its commands.
robot.setupCommandListeners = () => {};
robot.setupNullRouter = () => {};
const router = await createRouter({ path: httpPath, env: process.env, robot });
robot.router = router.app;
robot.server = router.server;
await robot.loadAdapter();
robot.adapter.on("error", (error) => logger.error(error));
watchCommands(robot, scripts);
const brain = keepBrain(robot, stored, (entries) => tell({ kind: "brain", entries }));
const hearing = createHearing({
  robot,
  hubot,
  busy: (index) => {
    state[0] = index;
  },
});

parentPort.on("message", (message) => {
  if (message.kind === "ping") return tell({ kind: "pong" });
  if (message.kind === "hear") return void hear(message);
  if (message.kind === "act") return void act(message);
  if (message.kind === "execute") return void run(message);
  if (message.kind === "forget") return hearing.forget(message.token);
  if (message.kind === "close") return close();
});

await robot.run();
await scripts.loadAll(robot, folder, externals());
robot.brain.emit("loaded", robot.brain.data);
offer();
tell({ kind: "ready" });

async function hear({ token, said }) {
  state[1] = token;
  try {
    const found = await hearing.hear(token, said);
    // Nobody waits for word on what was not said to the bot.
    if (said.addressed || (found !== undefined && found.length > 0)) tell({ kind: "heard", token, found });
  } catch (error) {
    tell({ kind: "heard", token, error: wordsOf(error) });
  }
}

/** What is said within a moment of each other is one answer. */
const GATHER_MS = 100;

async function act({ token, allowed }) {
  for (const at of allowed) latest.set(robot.listeners[at]?.script, token);
  await ended(token, () => hearing.act(token, allowed));
}

async function run({ token, id, args, said }) {
  await ended(token, async () => {
    const user =
      robot.brain.data.users[said.from.id] ?? new hubot.User(said.from.id, { ...said.from, room: said.room });
    const message = new hubot.TextMessage(user, said.text, said.id);
    message[TOKEN] = token;
    message.room = said.room;
    const res = new robot.Response(robot, message);
    const answer = await execute(robot, id, args, { user, room: said.room, message, res });
    if (answer !== undefined) await robot.adapter.send(res.envelope, answer);
  });
}

async function ended(token, work) {
  const current = { token, words: [], timer: undefined };
  runs.set(token, current);
  state[1] = token;
  let error;
  try {
    await work();
  } catch (thrown) {
    error = wordsOf(thrown);
  }
  runs.delete(token);
  clearTimeout(current.timer);
  tell({ kind: "acted", token, words: current.words, error });
}

function say({ token, room, user, text }) {
  const current = token === undefined ? undefined : runs.get(token);
  const measured = measure(token, current === undefined, text);
  if (measured === undefined) return;
  if (measured !== text) log("warn", measured);
  if (current === undefined) return tell({ kind: "say", token, room, user, text: measured });
  current.words.push(measured);
  current.timer ??= setTimeout(() => {
    current.timer = undefined;
    if (runs.has(token)) tell({ kind: "say", token, text: current.words.splice(0).join("\n") });
  }, GATHER_MS);
}

function offer() {
  changes = undefined;
  const listeners = robot.listeners.map(({ script, kind, pattern, options }, index) => {
    return { index, script, kind, pattern, id: typeof options?.id === "string" ? options.id : undefined };
  });
  tell({
    kind: "offer",
    listeners,
    commands: listed(robot, scripts),
    help: [...scripts.help],
    broken: [...scripts.broken],
    files: scripts.files(),
    overhears: robot.middleware.receive.stack.length > 0 || listeners.some(({ kind }) => OVERHEAR.has(kind)),
  });
}

/** @returns pairs of a package's name and its option */
function externals() {
  let text;
  try {
    text = readFileSync(join(cwd, "external-scripts.json"), "utf8");
  } catch {
    return [];
  }
  try {
    const found = JSON.parse(text);
    return Array.isArray(found) ? found.map((one) => [String(one)]) : Object.entries(found);
  } catch (error) {
    scripts.broken.push({ from: "external-scripts.json", why: `it is no JSON: ${error.message}` });
    return [];
  }
}

function blamed(error) {
  const owner = scripts.owner(error);
  return { script: owner?.name, from: owner?.from, token: latest.get(owner?.name) };
}

function wordsOf(thrown) {
  return String(thrown?.message ?? thrown)
    .split("\n")[0]
    .slice(0, 500);
}

function close() {
  try {
    robot.shutdown();
  } catch (error) {
    logger.warn("closing:", error);
  }
  try {
    brain.save();
  } catch {
    // It was saved as it was five seconds ago.
  }
  router.server?.close();
  tell({ kind: "closed" });
}
