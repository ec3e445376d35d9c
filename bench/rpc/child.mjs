// One end of a peer in a process of its own: `child.mjs <peer> server|client <config>`. Speaks JSON lines, as the Go pair
// does: says where it is when it is ready, then answers `cpu` and `measure` until its input ends.
import { createInterface } from "node:readline";
import { percentile } from "../rounds.mjs";

const [peer, role, config] = process.argv.slice(2);
const say = (answer) => process.stdout.write(`${JSON.stringify(answer)}\n`);
const end = await import(`./peers/${peer}.mjs`);
const made = await end[role](JSON.parse(config));
say(role === "server" ? made : "ready");
const latencies = new Float64Array(2_000_000);

for await (const line of createInterface({ input: process.stdin })) {
  const { cpu, callers, ms } = JSON.parse(line);
  say(cpu ? cpuMicros() : await measure(made, callers, ms));
}
process.exit();

/** Microseconds, of the system's too. */
function cpuMicros() {
  const { user, system } = process.cpuUsage();
  return user + system;
}

/** @param call one call; throws when the answer is not what it should be */
async function measure(call, callers, ms) {
  let calls = 0;
  const cpu = cpuMicros();
  const began = performance.now();
  const until = began + ms;
  const caller = async () => {
    for (let at = performance.now(); at < until; ) {
      await call();
      const now = performance.now();
      latencies[calls++ % latencies.length] = now - at;
      at = now;
    }
  };
  await Promise.all(Array.from({ length: callers }, caller));
  const seconds = (performance.now() - began) / 1000;
  const used = cpuMicros() - cpu;
  const taken = latencies.subarray(0, Math.min(calls, latencies.length));
  return { calls, seconds, cpu: used, p50: percentile(taken, 0.5), p99: percentile(taken, 0.99) };
}
