// A stream that waits is a connection that waits, and little more.
import { row } from "../rounds.mjs";
import { held, kib } from "./held.mjs";

export const title = "idle stream, memory of the server";
const PEERS = new URL("peers/idle.mjs", import.meta.url);
const COUNT = 2000;

export async function run() {
  const samples = await held(PEERS, { ours: "oursClient", net: "netClient" }, COUNT, 3);
  const what = `${title}, each of ${COUNT.toLocaleString("en")}`;
  return [row({ what, ours: samples.ours, peer: samples.net, peerName: "bare sockets", unit: kib, atMost: 1.5 })];
}
