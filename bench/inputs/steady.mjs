// Several networks at once, each with 200 messages a second: how long people wait, and whether the bot grows.
import { readFileSync } from "node:fs";
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

/** What the machine's processors did so far, and what of that a host took for other machines (proc(5), `/proc/stat`). */
function processors() {
  try {
    const [, ...ticks] = readFileSync("/proc/stat", "utf8").split("\n")[0].trim().split(/ +/);
    return { all: ticks.slice(0, 8).reduce((sum, n) => sum + Number(n), 0), stolen: Number(ticks[7] ?? 0) };
  } catch {
    return { all: 0, stolen: 0 };
  }
}

async function contestant(networks, seconds) {
  const load = (time) => Promise.all(networks.map((network) => network.steady(PER_SECOND, time)));
  await load(WARM_UP_S);
  heap();
  return async () => {
    const cpu = process.cpuUsage();
    const before = processors();
    const answers = await load(seconds);
    const { user, system } = process.cpuUsage(cpu);
    const all = answers.flat();
    // A number that is no answer in time is none for JSON either.
    const p99 = Math.min(percentile(all, 0.99), NO_ANSWER_MS);
    const after = processors();
    const stolen = (100 * (after.stolen - before.stolen)) / Math.max(1, after.all - before.all);
    return { p99, cpu: (user + system) / 1000 / all.length, heap: heap(), stolen };
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
