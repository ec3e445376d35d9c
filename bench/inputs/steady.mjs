// Several networks at once, each with 200 messages a second: how long people wait, and whether the bot grows.
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { percentile } from "../rounds.mjs";

const PER_SECOND = 200;
const WARM_UP_S = 5;
const NO_ANSWER_MS = 60_000;

setFlagsFromString("--expose-gc");
const gc = runInNewContext("gc");

/** MiB in use when nothing is under way. */
function heap() {
  gc();
  gc();
  return process.memoryUsage().heapUsed / 2 ** 20;
}

async function contestant(networks, seconds) {
  const load = (time) => Promise.all(networks.map((network) => network.steady(PER_SECOND, time)));
  await load(WARM_UP_S);
  heap();
  return async () => {
    const cpu = process.cpuUsage();
    const answers = await load(seconds);
    const { user, system } = process.cpuUsage(cpu);
    const all = answers.flat();
    // A number that is no answer in time is none for JSON either.
    const p99 = Math.min(percentile(all, 0.99), NO_ANSWER_MS);
    return { p99, cpu: (user + system) / 1000 / all.length, heap: heap() };
  };
}

/** @param names of networks @param seconds each round */
export async function ours({ fakes, names, seconds }) {
  const { startBot } = await import("./bot.mjs");
  const { networks } = await startBot(fakes, names);
  return contestant(networks, seconds);
}

export async function hubot({ fakes, seconds }) {
  const { startHubot } = await import("./hubot.mjs");
  return contestant([await startHubot(fakes)], seconds);
}
