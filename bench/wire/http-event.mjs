// Events from broker to broker by HTTP.
import { fileURLToPath } from "node:url";
import { contest, row } from "../rounds.mjs";

export const title = "an event over the http broker";
const PEERS = fileURLToPath(new URL("peers/http-event.mjs", import.meta.url));

export async function run() {
  const rows = [];
  for (const [subscribers, atLeast] of [
    [1, 2],
    [4, 3],
  ]) {
    const config = { subscribers, ms: 500 };
    // The first round warms up.
    const all = await contest(PEERS, { ours: config, post: config }, 6);
    const [ours, post] = [all.ours, all.post].map((samples) => samples.slice(1));
    const what = `${title}, subscribers: ${subscribers}`;
    rows.push(row({ what, ours, peer: post, peerName: "a POST each, undici + node:http", atLeast }));
  }
  return rows;
}
