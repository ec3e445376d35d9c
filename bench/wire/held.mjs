// What each of many idle things costs the process that serves them.
import { fileURLToPath } from "node:url";
import { inProcess, inRounds } from "../rounds.mjs";

/** So many are there before the first look: what is made once is no part of the price. */
const BEFORE = 20;

/**
 * @param clients by peer: who opens them for `<peer>Server`
 * @returns bytes per thing by peer, a round an index; fresh processes each time
 */
export function held(file, clients, count, rounds) {
  const module = fileURLToPath(file);
  const once = (peer, client) => async () => {
    const running = [];
    const start = async (name, config) => {
      const made = await inProcess(module, name, config);
      running.push(made);
      return made.measure;
    };
    try {
      const look = await start(`${peer}Server`, {});
      const { at } = await look();
      const more = await start(client, { at, steps: [BEFORE, count] });
      await more();
      const { bytes: before } = await look();
      await more();
      const { bytes: after } = await look();
      return (after - before) / count;
    } finally {
      for (const { stop } of running) stop();
    }
  };
  return inRounds(Object.fromEntries(Object.entries(clients).map(([peer, name]) => [peer, once(peer, name)])), rounds);
}

export function kib(bytes) {
  return `${(bytes / 1024).toFixed(1)} KiB`;
}
