// Unary calls between two processes on one machine. Ours is the whole public path; every peer is at what it does best.
import { ns, row } from "../rounds.mjs";
import { buildGo, nodePeer, startPair } from "./ends.mjs";

const ROUNDS = 5;
const CALLERS = [1, 16, 128];
const SAMPLE_MS = 600;
/** Per number of callers, the most first, before anything counts. */
const WARM_UP_MS = 800;

export async function run() {
  const go = buildGo();
  try {
    const peers = {
      ours: [nodePeer("ours")],
      transport: [nodePeer("transport")],
      undici: [nodePeer("undici")],
      moleculer: [nodePeer("moleculer")],
      grpc: [nodePeer("grpc")],
      ...(go.missing ? {} : { go: [go.command] }),
    };
    const small = await contest(peers, "small", CALLERS);
    const large = await contest(
      {
        ours: [nodePeer("ours")],
        protobuf: [nodePeer("ours"), { codec: "protobuf" }],
        undici: [nodePeer("undici")],
      },
      "large",
      [16, 128],
    );
    return [...smallRows(small, go.missing), ...largeRows(large)];
  } finally {
    go.remove?.();
  }
}

/** The samples by number of callers and peer, a round an index. */
async function contest(peers, size, callersOf) {
  const pairs = new Map();
  try {
    for (const [name, [command, more]] of Object.entries(peers)) {
      const pair = await startPair(command, { size, ...more });
      pairs.set(name, pair);
      for (const callers of callersOf.toReversed()) await pair.sample(callers, WARM_UP_MS);
    }
    const names = [...pairs.keys()];
    const samples = Object.fromEntries(
      callersOf.map((callers) => [callers, Object.fromEntries(names.map((name) => [name, []]))]),
    );
    for (let round = 0; round < ROUNDS; round++) {
      for (const callers of callersOf) {
        for (let turn = 0; turn < names.length; turn++) {
          const name = names[(round + turn) % names.length];
          const found = await pairs.get(name).sample(callers, SAMPLE_MS);
          samples[callers][name].push(found);
        }
      }
    }
    return samples;
  } finally {
    for (const { stop } of pairs.values()) stop();
  }
}

const UNDICI = "undici + node:http";
/** By number of callers, in the order of `CALLERS`. */
const TIMES_UNDICI = [1.2, 1.3, 1.2];

function smallRows(samples, goMissing) {
  const rows = [];
  for (const [at, callers] of CALLERS.entries()) {
    const { ours, transport, undici, moleculer, grpc, go } = samples[callers];
    const called = `50 B, ${callers} ${callers === 1 ? "caller" : "callers"}`;
    const against = (peer, peerName, atLeast) =>
      row({
        what: `${called}: a call`,
        ours: each(ours, "nsPerCall"),
        peer: each(peer, "nsPerCall"),
        peerName,
        atLeast,
      });
    const part = (what, key, atMost) =>
      row({ what: `${called}: ${what}`, ours: each(ours, key), peer: each(undici, key), peerName: UNDICI, atMost });
    rows.push(
      against(undici, UNDICI, TIMES_UNDICI[at]),
      part("CPU of both", "cpuNs", 0.85),
      part("p50", "p50", 1),
      part("p99", "p99", 0.8),
      against(moleculer, "moleculer TCP", 0.9),
      against(grpc, "grpc-js", 4),
      go ? against(go, "Go net/http", 1) : notRun(`${called}: a call`, ours, "Go net/http", goMissing),
      against(transport, "our bare transport", 0.75),
    );
  }
  return rows;
}

function largeRows(samples) {
  return Object.entries(samples).flatMap(([callers, { ours, protobuf, undici }]) => {
    const against = (codec, mine, atLeast) =>
      row({
        what: `10 KB, ${callers} callers: a call, ${codec}`,
        ours: each(mine, "nsPerCall"),
        peer: each(undici, "nsPerCall"),
        peerName: `${UNDICI}, JSON`,
        atLeast,
      });
    return [against("JSON", ours, 1.1), against("protobuf", protobuf, 1.6)];
  });
}

function each(samples, key) {
  return samples.map((sample) => sample[key]);
}

function notRun(what, ours, peerName, reason) {
  return {
    ...row({ what, ours, atMost: 0, unit: ns }),
    peerName,
    ratioText: `not run: ${reason}`,
    target: "",
    met: true,
  };
}
