import { execFile } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { hasIslands, type Island, openIslands } from "../fakes/islands.ts";
import { hasNats, startNats } from "../fakes/nats-server.ts";
import { makeCertificate } from "../fakes/xmpp-certificate.ts";
import { slackNetwork } from "./networks.ts";
import { random } from "./random.ts";
import { LEASE_MS, type Running, replicaRun } from "./replica-run.ts";
import { target } from "./target.ts";

/*
 * Three bots in three networks, each on two cables: one to the store, one to Slack and to the service that counts. Either is
 * pulled, or both, of one or of all, for more and for less than a lease. What is on its way then vanishes, and no connection
 * is closed.
 */

const STORE = "198.51.100";
const WORLD = "192.0.2";

it.skipIf(!hasIslands)(
  "a cable that is pulled lets nothing through, and who sends waits (not run without root, unshare, nsenter, bridges and veth)",
  async () => {
    const server = createServer((_request, response) => response.end("here")).listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const islands = await openIslands(1, { world: { network: WORLD, doors: { 80: { port } } } });
    const [island] = islands.all as readonly [Island<"world">];
    const [program = "", ...rest] = island.command;
    const ask = async () => {
      const script = `fetch("http://${WORLD}.1", { signal: AbortSignal.timeout(2000) }).then((r) => r.text(), (e) => e.name)`;
      const args = [...rest, process.execPath, "--print", `${script}.then(console.log), ""`];
      return (await promisify(execFile)(program, args)).stdout.trim();
    };
    try {
      expect(await ask()).toBe("here");
      await island.pull("world");
      expect(await ask()).toBe("TimeoutError");
      await island.plug("world");
      expect(await ask()).toBe("here");
    } finally {
      await islands.close();
      server.close();
    }
  },
);

it.skipIf(!hasIslands || !hasNats())(
  "three replicas do each command once or say that they did not, while each is cut off from the store, from all else, and from everything (not run without root, unshare, nsenter, bridges, veth and nats-server)",
  { timeout: 300_000 },
  async () => {
    const nats = await startNats();
    const certificate = await makeCertificate(`${WORLD}.1`);
    const slack = await slackNetwork(random(23), { seenAt: `https://${WORLD}.1` });
    const counter = await target();
    const islands = await openIslands(3, {
      store: { network: STORE, doors: { 4222: { port: portOf(nats.address) } } },
      world: {
        network: WORLD,
        doors: { 443: { port: slack.slack.port, tls: certificate }, 81: { port: portOf(counter.address) } },
      },
    });
    const trouble = async ({ settled }: Running) => {
      type Cut = readonly [at: number, cable: "store" | "world"];
      const cut = async (leases: number, ...cuts: readonly Cut[]) => {
        await Promise.all(cuts.map(([at, cable]) => islands.all[at]?.pull(cable)));
        await wait(LEASE_MS * leases);
        await Promise.all(cuts.map(([at, cable]) => islands.all[at]?.plug(cable)));
        await wait(LEASE_MS / 2);
      };
      await cut(1.7, [0, "store"], [0, "world"]);
      await cut(1.7, [1, "store"]);
      await cut(0.5, [2, "store"], [2, "world"]);
      await cut(0.5, [0, "store"]);
      await cut(1.7, [2, "world"]);
      await cut(1.7, [0, "store"], [1, "store"], [2, "store"]);
      await settled();
    };
    try {
      const figures = await replicaRun({
        ...{ name: "cut off", commands: 80, paceMs: 250, slack, counter, counterAddress: `${WORLD}.1:81`, trouble },
        env: {
          MICRO_BOT_STORE: "nats",
          MICRO_BOT_STORE_ADDRESS: `${STORE}.1:4222`,
          NODE_EXTRA_CA_CERTS: certificate.file,
        },
        places: islands.all.map(({ command }) => command),
      });
      expect(figures["done"]).toBeGreaterThan(30);
      expect(figures["refused for the store"]).toBeGreaterThan(0);
    } finally {
      await islands.close();
      await counter.stop();
      await slack.close();
      await certificate.remove();
      await nats.stop();
    }
  },
);

function portOf(address: string): number {
  return Number(address.split(":")[1]);
}
