// The one method of all groups, because on a shared machine only ratios within a round mean anything: the peers of a row
// take their turns once a round, in rotated order; no round is discarded; medians with min..max; the ratio is the median
// of the same-round ratios.
import { fork, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

const ROUNDS = 5;

/** @param {Record<string, () => Promise<number>>} peers each gives one sample @returns the samples by name, a round an index */
export async function inRounds(peers, rounds = ROUNDS) {
  const names = Object.keys(peers);
  const samples = Object.fromEntries(names.map((name) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < names.length; turn++) {
      const name = names[(round + turn) % names.length];
      samples[name].push(await peers[name]());
    }
  }
  return samples;
}

/**
 * Runs `module[name](config)` in a process of its own, so that nobody pays for somebody else's heap; it returns the
 * function that takes a sample. @returns that function, and `stop`
 */
export async function inProcess(module, name, config = {}) {
  const child = fork(fileURLToPath(new URL("child.mjs", import.meta.url)), [module, name, JSON.stringify(config)], {
    env: environment(),
  });
  const answer = () =>
    new Promise((resolve, reject) => {
      const gone = (code, signal) => reject(new Error(`${name} ended with ${code ?? signal} before it answered`));
      child.once("exit", gone);
      child.once("message", (message) => {
        child.removeListener("exit", gone);
        resolve(message);
      });
    });
  await answer();
  const measure = () => {
    child.send("measure");
    return answer();
  };
  return { measure, stop: () => child.kill() };
}

/** `contest({ours: [config], …})`: the processes of one row, each taking its samples; stopped whatever happens. */
export async function contest(module, configs, rounds = ROUNDS) {
  const running = {};
  try {
    for (const [name, config] of Object.entries(configs)) running[name] = await inProcess(module, name, config);
    return await inRounds(Object.fromEntries(Object.keys(running).map((n) => [n, running[n].measure])), rounds);
  } finally {
    for (const { stop } of Object.values(running)) stop();
  }
}

/** Wall time (ms) of a program from spawn to exit, its output read. @throws Error when it does not end well within 20 s */
export function timeProgram(command, args) {
  return new Promise((resolve, reject) => {
    const began = performance.now();
    const stdio = ["ignore", "pipe", "inherit"];
    const child = spawn(command, args, { stdio, timeout: 20_000, env: environment() });
    child.stdout.resume();
    child.once("error", reject);
    child.once("close", (code) => {
      const took = performance.now() - began;
      if (code === 0) resolve(took);
      else reject(new Error(`${command} ${args.join(" ")} ended with ${code}`));
    });
  });
}

/** Ours, without what adds tens of milliseconds to every start of Node. */
export function environment() {
  const { NODE_EXTRA_CA_CERTS: _, ...env } = process.env;
  return env;
}

/** Nanoseconds per call of a synchronous or asynchronous `work(i)`, over about `ms` milliseconds. */
export async function nsPerCall(work, ms = 250) {
  let calls = 0;
  let batch = 1;
  const began = process.hrtime.bigint();
  for (;;) {
    for (let i = 0; i < batch; i++) {
      const pending = work(calls++);
      if (pending instanceof Promise) await pending;
    }
    const ns = Number(process.hrtime.bigint() - began);
    if (ns > ms * 1e6) return ns / calls;
    if (batch < 1024) batch *= 2;
  }
}

/**
 * One line of a table. Samples are costs: less is better.
 *
 * @param atLeast how many times cheaper than the peer ours is to be
 * @param atMost how many times the peer's cost ours may be; without a peer, the cost itself; neither: only to compare
 */
export function row({ what, ours, peer, peerName, unit = ns, atLeast, atMost }) {
  const ratios = peer
    ? ours.map((cost, round) => (atLeast === undefined ? cost / peer[round] : peer[round] / cost))
    : ours;
  const ratio = median(ratios);
  const goal = () => ({
    target: atLeast === undefined ? `<= ${peer ? times(atMost) : unit(atMost)}` : `>= ${times(atLeast)}`,
    met: atLeast === undefined ? ratio <= atMost : ratio >= atLeast,
  });
  return {
    what,
    ours: spread(ours, unit),
    peer: peer ? unit(median(peer)) : "",
    peerName: peerName ?? "",
    ratio,
    ratios,
    ...(atLeast === undefined && atMost === undefined ? { target: "" } : goal()),
    ...(peer ? {} : { ratioText: unit(ratio) }),
  };
}

export function median(samples) {
  const sorted = [...samples].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

export function percentile(samples, share) {
  const sorted = Float64Array.from(samples).sort();
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
}

function spread(samples, unit) {
  return `${unit(median(samples))} (${unit(Math.min(...samples))}..${unit(Math.max(...samples))})`;
}

/** A time given in nanoseconds. */
export function ns(value) {
  if (value < 1e3) return `${digits(value)} ns`;
  if (value < 1e6) return `${digits(value / 1e3)} us`;
  return ms(value / 1e6);
}

export function ms(value) {
  return `${digits(value)} ms`;
}

export function mib(value) {
  return `${digits(value)} MiB`;
}

export function times(value) {
  return `${digits(value)}x`;
}

function digits(value) {
  return value < 10 ? value.toFixed(2) : value < 100 ? value.toFixed(1) : Math.round(value).toLocaleString("en");
}
