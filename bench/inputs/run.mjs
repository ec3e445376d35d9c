// Chat networks: what a message costs until its command starts, how a large table is said, and several networks at once. Each
// network is its fake of the tests, in a process of its own, so that what it costs is not ours; over real sockets.
//
// MICRO_BENCH_SECONDS: how long the networks are spoken to at once (20); the ten minutes are 600.
import { contest, mib, ms, row } from "../rounds.mjs";
import { bundleFakes } from "./fakes.mjs";
import { NETWORKS } from "./networks.mjs";

const ROUNDS = 5;
const AT_ONCE = ["slack", "xmpp", "hipchat"];
const HUBOT = "Hubot, @hubot-friends/hubot-slack";

const module = (name) => new URL(`${name}.mjs`, import.meta.url).href;
const percent = (value) => `${value.toFixed(1)} %`;
const pick = (samples, what) => samples.map((sample) => sample[what]);
/** Printed beside a peer, but held to nothing. */
const beside = (init) => ({ ...row({ ...init, atMost: 1 }), target: "", met: undefined });

export async function run() {
  const fakes = await bundleFakes();
  try {
    return [...(await arrivals(fakes.url)), ...(await tables(fakes.url)), ...(await several(fakes.url))];
  } finally {
    fakes.remove();
  }
}

async function arrivals(fakes) {
  const rows = [];
  for (const [network, { name }] of Object.entries(NETWORKS)) {
    const peers = { ours: { fakes, network }, ...(network === "slack" && { hubot: { fakes } }) };
    const { ours, hubot } = await contest(module("arrival"), peers, ROUNDS);
    rows.push(
      row({ what: `${name}: from the socket to the command, p99`, ours: pick(ours, "p99"), unit: ms, atMost: 1 }),
    );
    for (const [what, key] of hubot
      ? [
          ["p99", "p99"],
          ["median", "p50"],
          ["median CPU", "cpu50"],
        ]
      : []) {
      const both = { ours: pick(ours, key), peer: pick(hubot, key), peerName: HUBOT, unit: ms };
      rows.push(beside({ what: `${name}: the same, ${what}`, ...both }));
    }
  }
  return rows;
}

async function tables(fakes) {
  const rows = [];
  for (const network of ["slack", "xmpp", "telegram", "discord"]) {
    const { ours } = await contest(module("table"), { ours: { fakes, network } }, ROUNDS);
    const what = `${NETWORKS[network].name}: a table of 10,000 rows,`;
    rows.push(row({ what: `${what} drawn and cut`, ours: pick(ours, "ready"), unit: ms, atMost: 30 }));
    rows.push(
      row({ what: `${what} the longest turn until it is said`, ours: pick(ours, "held"), unit: ms, atMost: 20 }),
    );
  }
  return rows;
}

async function several(fakes) {
  const seconds = Number(process.env.MICRO_BENCH_SECONDS ?? 20) / ROUNDS;
  const peers = { ours: { fakes, names: AT_ONCE, seconds }, hubot: { fakes, seconds } };
  const { ours, hubot } = await contest(module("steady"), peers, ROUNDS);
  const what = `${AT_ONCE.map((name) => NETWORKS[name].name).join(", ")} at 200 messages a second each`;
  const [p99, cpu] = ["p99", "cpu"].map((key) => ({ ours: pick(ours, key), peer: pick(hubot, key), unit: ms }));
  const growth = ({ length, [0]: first, [length - 1]: last }) => [last.heap - first.heap];
  return [
    row({ what: `${what}, p99 of the answer`, ours: p99.ours, unit: ms, atMost: 50 }),
    beside({ what: "the same beside one network", ...p99, peerName: HUBOT }),
    beside({ what: "the same, CPU of a message", ...cpu, peerName: HUBOT }),
    beside({
      what: "the same, what a host took from the machine meanwhile",
      ours: pick(ours, "stolen"),
      unit: percent,
    }),
    row({
      what: "the same, growth of the heap (MiB) from the first round to the last",
      ours: growth(ours),
      unit: mib,
      atMost: 1,
    }),
    beside({
      what: "the same beside one network",
      ours: growth(ours),
      peer: growth(hubot),
      peerName: HUBOT,
      unit: mib,
    }),
  ];
}
