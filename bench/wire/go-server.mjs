// A Go node knows no `multiplex`, so each call has a connection to itself; the path that a fleet of today gets from us.
import { fileURLToPath } from "node:url";
import { inProcess, inRounds, row } from "../rounds.mjs";
import { goCallsPerSecond, startConsul, startGoServer } from "./daemons.mjs";

export const title = "a call of a Go v1.18 server";
const ERA = "v1.18";
const CALLERS = 16;
const SECONDS = 1;
const PEER = fileURLToPath(new URL("peers/go-micro.mjs", import.meta.url));

export async function run() {
  const consul = await startConsul();
  let server;
  let ours;
  try {
    server = await startGoServer(ERA, consul.address, "greeter");
    ours = await inProcess(PEER, "client", { registry: consul.address, callers: CALLERS, ms: SECONDS * 1000 });
    await ours.measure();
    const samples = await inRounds({
      ours: ours.measure,
      go: async () => 1e9 / (await goCallsPerSecond(ERA, consul.address, "greeter", CALLERS, SECONDS)),
    });
    const what = `${title}, ${CALLERS} callers`;
    return [row({ what, ours: samples.ours, peer: samples.go, peerName: "Go's client", atLeast: 0.8 })];
  } finally {
    ours?.stop();
    await server?.stop();
    await consul.stop();
  }
}
