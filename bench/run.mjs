// Runs the groups, or those that are named: `npm run bench -- dispatch message`. A benchmark prints; it fails nothing.
import { existsSync } from "node:fs";
import { availableParallelism } from "node:os";
import { times } from "./rounds.mjs";

const GROUPS = [
  "dispatch",
  "message",
  "render",
  "policy",
  "registry",
  "start",
  "memory",
  "scripts",
  "rpc",
  "wire",
  "inputs",
  "pipe",
  "schedules",
  "runbook",
  "webhook",
  "health500",
  "graph",
  "watches",
];

const HEAD = ["what", "ours", "peer", "", "ratio", "of the rounds", "target", ""];

const named = process.argv.slice(2);
const unknown = named.filter((name) => !GROUPS.includes(name));
if (unknown.length > 0) {
  console.error(`no group ${unknown.join(", ")}; there are ${GROUPS.join(", ")}`);
  process.exit(1);
}
console.log(
  `Node ${process.version}, ${availableParallelism()} cores; five rounds, medians, (min..max); read the ratios`,
);
for (const group of named.length > 0 ? named : GROUPS) {
  const file = [`${group}.mjs`, `${group}/run.mjs`].find((path) => existsSync(new URL(path, import.meta.url)));
  if (file === undefined) continue;
  const began = performance.now();
  const { run } = await import(`./${file}`);
  const rows = await run();
  console.log(`\n${group} (${Math.round((performance.now() - began) / 1000)} s)`);
  console.log(table([HEAD, ...rows.map(cells)]));
}

function cells({ what, ours, peer, peerName, ratio, ratios, ratioText, target, met }) {
  const rounds = ratioText || ratios.length < 2 ? "" : `${times(Math.min(...ratios))}..${times(Math.max(...ratios))}`;
  return [what, ours, peer, peerName, ratioText ?? times(ratio), rounds, target, verdict(met)].map(String);
}

/** Some rows only show what a peer does. */
function verdict(met) {
  if (met === undefined) return "";
  return met ? "met" : "MISSED";
}

function table(rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column]))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
