/*
 * One Hubot adapter in a thread of its own: `process.exit`, an error that nobody catches and an endless loop end this
 * thread and not the bot, and when it ends nothing of the adapter is left (`hubot.md §8`). Plain JavaScript, because a
 * thread is started from the file as it is, in the sources as in the bundle. `protocol.ts` has what is told either way.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { parentPort, workerData } from "node:worker_threads";
import { keepEnvelopes } from "./envelopes.mjs";
import { factsOf } from "./facts.mjs";
import { heardIn } from "./heard.mjs";
import { loadAdapter } from "./load.mjs";
import { createLogger } from "./logger.mjs";
import { createRobot } from "./robot.mjs";

const tell = (message) => parentPort.postMessage(message);
const fail = (error) => tell({ kind: "failed", error: factsOf(error) });
process.on("uncaughtException", fail);
process.on("unhandledRejection", fail);

/** The send that runs: adapters like to log what went wrong with it, and to say that all is well. */
const sending = new AsyncLocalStorage();
const logger = createLogger((level, text, error) => {
  const current = sending.getStore();
  if (current && level === "error") current.error ??= error ?? new Error(text);
  tell({ kind: "log", level, text });
});

const kept = keepEnvelopes();
let hubot;
let robot;
parentPort.on("message", (message) => {
  if (message.kind === "ping") tell({ kind: "alive" });
  if (message.kind === "send") void send(message);
  if (message.kind === "close") void close();
});

try {
  const { adapter: name, cwd, robotName, alias, http } = workerData;
  const loaded = await loadAdapter(name, cwd);
  hubot = loaded.hubot;
  robot = await createRobot(hubot, {
    name: robotName,
    alias,
    http,
    logger,
    use: (robot) => loaded.adapter.use(robot),
    receive: (message) => {
      const said = heardIn(message, robot, hubot, kept);
      if (said !== undefined) tell({ kind: "heard", said });
    },
  });
  robot.adapter.on("connected", () => tell({ kind: "connected" }));
  robot.adapter.on("error", fail);
  for (const event of ["disconnected", "closed"]) {
    robot.adapter.on(event, () => fail(new Error(`the adapter says that it is ${event}`)));
  }
  await robot.run();
} catch (error) {
  fail(error);
}

async function send({ number, place, text }) {
  const store = {};
  try {
    const envelope = kept.find(place.key) ?? rebuilt(place);
    await sending.run(store, () => robot.adapter.send(envelope, text));
    if (store.error !== undefined) throw store.error;
    tell({ kind: "sent", number });
  } catch (error) {
    tell({ kind: "sent", number, error: factsOf(error) });
  }
}

/** After a restart only the room and the person are left. */
function rebuilt(place) {
  const { TextMessage, User } = hubot;
  const known = place.user === undefined ? undefined : robot.brain.users()[place.user];
  const user = new User(place.user ?? place.name ?? "", { ...known, name: place.name, room: place.at });
  if (place.user === undefined) delete user.id;
  return { room: place.at, user, message: new TextMessage(user, "", undefined) };
}

async function close() {
  try {
    // `shutdown` does not wait for it.
    await robot?.adapter?.close?.();
    if (robot?.adapter) robot.adapter.close = () => {};
    robot?.shutdown();
  } catch (error) {
    logger.warn("closing:", error);
  }
  tell({ kind: "closed" });
}
