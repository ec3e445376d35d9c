// Two ends in two processes for each peer: `<peer>Server` says where it is, `<peer>Client` takes the samples.
import { fileURLToPath } from "node:url";
import { inProcess, inRounds } from "../rounds.mjs";

/** @returns the samples by peer, a round an index; the first of each is thrown away before anything counts */
export async function pairs(file, peers, config, rounds) {
  const module = fileURLToPath(file);
  const running = [];
  const start = async (name, given) => {
    const made = await inProcess(module, name, given);
    running.push(made);
    return made.measure;
  };
  try {
    const clients = {};
    for (const peer of peers) {
      const at = await (await start(`${peer}Server`, config))();
      clients[peer] = await start(`${peer}Client`, { ...config, at });
      await clients[peer]();
    }
    return await inRounds(clients, rounds);
  } finally {
    for (const { stop } of running) stop();
  }
}
