// How many notifications of Alertmanager a second the receiver takes, each on the disk before it is acknowledged, beside a bare
// endpoint of hono that parses the JSON and says yes. Client and server are processes of their own.
import { fork } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { contest, environment, ns, row } from "./rounds.mjs";

const PATH = "/alerts/alertmanager";
const TOKEN = "a-token-for-the-benchmark";
/** All of them wait in the inbox at the end, which holds 10,000. */
const REQUESTS = 1000;
const WARM = 4000;

/** @returns nanoseconds that a request takes of the wall's time */
function client(port, connections) {
  const child = fork(fileURLToPath(new URL("webhook-client.mjs", import.meta.url)), { env: environment() });
  process.once("exit", () => child.kill());
  return (requests) =>
    new Promise((resolve, reject) => {
      child.once("message", ({ cost, error }) => (error ? reject(new Error(error)) : resolve(cost)));
      child.send({ port, path: PATH, token: TOKEN, requests, connections });
    });
}

async function sampled(port, { connections }) {
  const ask = client(port, connections);
  await ask(WARM);
  return () => ask(REQUESTS);
}

export async function ours(config) {
  const [{ createReceiver }, { createInbox }, { sqliteKv }, { systemClock }] = await Promise.all(
    ["alerts/receive/receiver", "alerts/inbox", "platform/kv/sqlite", "core/clock"].map(
      (name) => import(`../dist/src/${name}.js`),
    ),
  );
  const folder = mkdtempSync(join(tmpdir(), "micro-bench-webhook-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  process.once("SIGTERM", () => process.exit(0));
  const kv = sqliteKv({ path: join(folder, "store.db") });
  await kv.start();
  const inbox = createInbox({ kv, clock: systemClock });
  await inbox.start();
  const authentication = { kind: "token", tokens: [TOKEN] };
  const source = { name: "alertmanager", kind: "alertmanager", authentication, perSecond: 1e6 };
  const receiver = createReceiver({ address: "127.0.0.1:0", sources: [source], inbox, clock: systemClock });
  await receiver.start();
  return sampled(Number(receiver.address.split(":")[1]), config);
}

export async function bare(config) {
  const [{ Hono }, { serve }] = await Promise.all([import("hono"), import("@hono/node-server")]);
  const app = new Hono();
  app.post("/alerts/:source", async (context) => {
    await context.req.json();
    return context.json({ status: "taken" });
  });
  const port = await new Promise((resolve) => {
    serve({ fetch: app.fetch, port: 0, hostname: "127.0.0.1" }, (info) => resolve(info.port));
  });
  return sampled(port, config);
}

export async function run() {
  const rows = [];
  for (const connections of [16, 64]) {
    const samples = await contest(import.meta.url, { ours: { connections }, bare: { connections } });
    const ratios = samples.ours.map((cost, round) => samples.bare[round] / cost);
    const rates = `${Math.round(1e9 / middle(samples.ours))} to ${Math.round(1e9 / middle(samples.bare))} a second`;
    rows.push({
      ...row({
        what: `a notification over ${connections} connections (${rates})`,
        ours: samples.ours,
        peer: samples.bare,
        peerName: "bare hono",
        unit: ns,
        atLeast: 0.5,
      }),
      ratios,
    });
  }
  return rows;
}

function middle(samples) {
  return [...samples].sort((a, b) => a - b)[samples.length >> 1];
}
