// From the start of the process to its end, for answers that need no network: what a person waits for at least.
import module from "node:module";
import { fileURLToPath } from "node:url";
import { inRounds, median, ms, row, timeProgram } from "./rounds.mjs";

const MICRO = fileURLToPath(new URL("../dist/bin/micro.js", import.meta.url));
/** Starts for one sample; a single one says little on a machine that others use too. */
const STARTS = 5;

const start =
  (...args) =>
  async () => {
    const took = [];
    for (let i = 0; i < STARTS; i++) took.push(await timeProgram(process.execPath, args));
    return median(took);
  };

export async function run() {
  const samples = await inRounds({
    node: start("-e", "0"),
    version: start(MICRO, "--version"),
    help: start(MICRO, "help"),
    // An empty registry in memory: with mdns the same command listens to the network for 100 ms more.
    list: start(MICRO, "--registry=memory", "list", "services"),
  });
  const node = { peer: samples.node, peerName: "node -e 0", unit: ms };
  // Node keeps compiled code since 22.8; on Node 20 the program has to do without its help.
  const loading = typeof module.enableCompileCache === "function" ? 1.8 : 2.5;
  return [
    row({ what: "micro --version", ours: samples.version, atMost: 1.4, ...node }),
    row({ what: "micro help", ours: samples.help, atMost: 1.4, ...node }),
    row({ what: "micro --registry=memory list services", ours: samples.list, atMost: loading, ...node }),
  ];
}
