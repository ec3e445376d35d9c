// Streams that wait at our gRPC door.
import { row } from "../rounds.mjs";
import { held, kib } from "./held.mjs";

export const title = "idle gRPC stream, memory of the server";
const PEERS = new URL("peers/idle-grpc.mjs", import.meta.url);
const COUNT = 1000;

export async function run() {
  const samples = await held(PEERS, { ours: "client", grpcjs: "client" }, COUNT, 3);
  const what = `${title}, each of ${COUNT.toLocaleString("en")}`;
  return [row({ what, ours: samples.ours, peer: samples.grpcjs, peerName: "grpc-js", unit: kib, atMost: 0.7 })];
}
