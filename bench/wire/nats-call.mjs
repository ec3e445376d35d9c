// Calls by way of a NATS server.
import { row } from "../rounds.mjs";
import { startNats } from "./daemons.mjs";
import { pairs } from "./pairs.mjs";

export const title = "a call over NATS, 16 callers";
const PEERS = new URL("peers/nats-call.mjs", import.meta.url);

export async function run() {
  const nats = await startNats();
  try {
    const config = { nats: nats.address, callers: 16, ms: 600 };
    const { ours, moleculer } = await pairs(PEERS, ["ours", "moleculer"], config);
    return [row({ what: title, ours, peer: moleculer, peerName: "moleculer over NATS", atLeast: 1 })];
  } finally {
    await nats.stop();
  }
}
