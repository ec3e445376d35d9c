// A chat network with people in it, in a process of its own (`open` below starts it): its cost is not the bot's.
//
// They say `bench 17.` and wait for `heard 17`; what it took is measured here, from the saying to the answer.
import { fork } from "node:child_process";
import { subscribe } from "node:diagnostics_channel";
import { once } from "node:events";
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { environment } from "../rounds.mjs";
import { NETWORKS } from "./networks.mjs";

const HERE = fileURLToPath(import.meta.url);
/** How long people wait for an answer. */
const LOST_MS = 10_000;

/** @returns what the bot needs to get in; `talk` (one after the other) and `steady` (whether answered or not) give how long each answer took (ms) */
export async function openNetwork(fakes, name) {
  const port = await freePort();
  // `Infinity` is no JSON.
  const child = fork(HERE, [fakes, name, String(port)], { env: environment(), serialization: "advanced" });
  process.once("exit", () => child.kill());
  child.once("exit", (code, signal) => {
    throw new Error(`the fake of ${name} ended with ${code ?? signal}`);
  });
  const ask = async (question) => {
    if (question) child.send(question);
    const [answer] = await once(child, "message");
    return answer;
  };
  const facts = await ask();
  return {
    facts,
    talk: (count) => ask({ talk: count }),
    steady: (perSecond, seconds) => ask({ steady: perSecond, seconds }),
    /** Nobody waits for an answer. */
    say: (text) => ask({ say: text }),
  };
}

async function serve(fakes, name, port) {
  // As servers do: else their next words wait 40 ms for the acknowledgement of those before.
  subscribe("net.server.socket", ({ socket }) => socket.setNoDelay());
  const waiting = new Map();
  const said = (text) => {
    const number = Number(/heard (\d+)/.exec(text)?.[1]);
    waiting.get(number)?.(performance.now());
    waiting.delete(number);
  };
  const { facts, say } = await NETWORKS[name].open(await import(fakes), { port }, said);
  let last = 0;
  /** @returns ms; `Infinity` when there was no answer in time */
  const ask = (who) => {
    const number = last++;
    return new Promise((resolve) => {
      const lost = setTimeout(() => resolve(Number.POSITIVE_INFINITY), LOST_MS);
      const began = performance.now();
      waiting.set(number, (at) => {
        clearTimeout(lost);
        resolve(at - began);
      });
      say(`bench ${number}.`, who);
    });
  };

  const talk = async (count) => {
    const took = [];
    for (let i = 0; i < count; i++) {
      took.push(await ask(i % 20));
      // What follows an answer (an echo, an acknowledgement) is over by then.
      await sleep(2);
    }
    return took;
  };
  const steady = async (perSecond, seconds) => {
    const answers = [];
    const began = performance.now();
    for (let i = 0; i < perSecond * seconds; ) {
      for (; i < perSecond * seconds && began + (i * 1000) / perSecond <= performance.now(); i++) {
        answers.push(ask(i % 20));
      }
      await sleep(1);
    }
    return Promise.all(answers);
  };
  const work = async (asked) => {
    if (asked.say) return say(asked.say, 0);
    return asked.talk ? talk(asked.talk) : steady(asked.steady, asked.seconds);
  };
  process.on("message", async (asked) => process.send((await work(asked)) ?? {}));
  process.on("disconnect", () => process.exit());
  process.send(facts);
}

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}

if (process.argv[1] === HERE) await serve(...process.argv.slice(2));
