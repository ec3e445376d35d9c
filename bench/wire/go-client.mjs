// Go's client asks our service as it asks its own.
import { fileURLToPath } from "node:url";
import { inProcess, inRounds, row } from "../rounds.mjs";
import { goCallsPerSecond, startConsul, startGoServer } from "./daemons.mjs";

export const title = "a call by a Go v1.18 client";
const ERA = "v1.18";
const CALLERS = 16;
const SECONDS = 1;
const PEER = fileURLToPath(new URL("peers/go-micro.mjs", import.meta.url));

export async function run() {
  const consul = await startConsul();
  let server;
  let ours;
  try {
    server = await startGoServer(ERA, consul.address, "gos");
    ours = await inProcess(PEER, "server", { registry: consul.address, name: "ours" });
    const asked = (name) => async () => 1e9 / (await goCallsPerSecond(ERA, consul.address, name, CALLERS, SECONDS));
    await asked("ours")();
    const samples = await inRounds({ ours: asked("ours"), go: asked("gos") });
    const what = `${title}, ${CALLERS} callers`;
    return [row({ what, ours: samples.ours, peer: samples.go, peerName: "Go's server", atLeast: 0.8 })];
  } finally {
    ours?.stop();
    await server?.stop();
    await consul.stop();
  }
}
