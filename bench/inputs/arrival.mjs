// From the socket to the command: what a message costs until its command starts, in our process.
import { subscribe } from "node:diagnostics_channel";
import { Socket } from "node:net";
import { percentile } from "../rounds.mjs";

const ROUND = 400;
const WARM_UP = 2000;

/**
 * Watches all sockets of the process for the message with the number that is due: the clock starts with the `data` event
 * that brings its text. Node hands a server's bytes to its HTTP parser without such an event, unless somebody listens.
 *
 * @returns `began(number)`, to be called when a message's handler starts, and `take`, what was measured since it was last taken (ms)
 */
function stopwatch() {
  let due = 0;
  let needle = Buffer.from("bench 0.");
  let since;
  let spent;
  let took = [];
  const { emit } = Socket.prototype;
  Socket.prototype.emit = function (event, ...values) {
    if (event === "data" && since === undefined && values[0].includes(needle)) {
      spent = process.cpuUsage();
      since = performance.now();
    }
    return emit.call(this, event, ...values);
  };
  subscribe("net.server.socket", ({ socket }) => socket.on("data", () => {}));
  return {
    began: (number) => {
      const now = performance.now();
      if (number !== due || since === undefined) throw new Error(`${number} began, but ${due} is due`);
      const { user, system } = process.cpuUsage(spent);
      took.push({ wall: now - since, cpu: (user + system) / 1000 });
      due += 1;
      needle = Buffer.from(`bench ${due}.`);
      since = undefined;
    },
    take: () => {
      const all = took;
      took = [];
      return all;
    },
  };
}

async function contestant(start) {
  const watch = stopwatch();
  const network = await start(watch.began);
  // A bot that runs for days, not one whose code is still being compiled.
  await network.talk(WARM_UP);
  watch.take();
  return async () => {
    const answers = await network.talk(ROUND);
    const took = watch.take();
    if (took.length !== ROUND) throw new Error(`${took.length} of ${ROUND} messages were seen`);
    const [wall, cpu] = ["wall", "cpu"].map((kind) => took.map((one) => one[kind]));
    return {
      p50: percentile(wall, 0.5),
      p99: percentile(wall, 0.99),
      cpu50: percentile(cpu, 0.5),
      cpu99: percentile(cpu, 0.99),
      answer: percentile(answers, 0.99),
    };
  };
}

export function ours({ fakes, network }) {
  return contestant(async (began) => {
    const { startBot } = await import("./bot.mjs");
    const { networks } = await startBot(fakes, [network], began);
    return networks[0];
  });
}

export function hubot({ fakes }) {
  return contestant(async (began) => {
    const { startHubot } = await import("./hubot.mjs");
    return startHubot(fakes, began);
  });
}
