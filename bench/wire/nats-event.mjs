// Events by way of a NATS server.
import { fileURLToPath } from "node:url";
import { contest, row } from "../rounds.mjs";
import { startNats } from "./daemons.mjs";

export const title = "an event over NATS, 2000 under way";
const PEERS = fileURLToPath(new URL("peers/nats-event.mjs", import.meta.url));

export async function run() {
  const nats = await startNats();
  try {
    const config = { nats: nats.address, window: 2000, ms: 500 };
    // The first round warms up.
    const all = await contest(PEERS, { ours: config, envelope: config, raw: config }, 6);
    const [ours, envelope, raw] = [all.ours, all.envelope, all.raw].map((samples) => samples.slice(1));
    return [
      row({ what: title, ours, peer: envelope, peerName: "bare client, same envelope", atLeast: 0.8 }),
      { ...row({ what: title, ours, peer: raw, peerName: "bare client, raw bytes", atLeast: 0 }), target: "none" },
    ];
  } finally {
    await nats.stop();
  }
}
