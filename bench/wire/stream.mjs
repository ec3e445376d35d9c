// Messages on one long stream, as a log that is followed or a chat.
import { row } from "../rounds.mjs";
import { pairs } from "./pairs.mjs";

export const title = "one stream of 50 B JSON messages";
const PEERS = new URL("peers/stream.mjs", import.meta.url);
const MS = 400;

export async function run() {
  const rows = [];
  for (const [kind, what] of [
    ["echo", "there and back, 64 under way"],
    ["oneWay", "one way"],
  ]) {
    const samples = await pairs(PEERS, ["ours", "ws"], { kind, ms: MS });
    rows.push(
      row({ what: `${title}: ${what}`, ours: samples.ours, peer: samples.ws, peerName: "ws + JSON", atLeast: 0.7 }),
    );
  }
  return rows;
}
