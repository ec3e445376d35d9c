import { setTimeout as wait } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import type { FaultyServer } from "../contract/kv-faults.contract.ts";
import { hasConsul, startConsul } from "../fakes/consul-agent.ts";
import { hasEtcd, startEtcd } from "../fakes/etcd-server.ts";
import { hasNats, startNats } from "../fakes/nats-server.ts";
import { hasPostgres, startPostgres } from "../fakes/postgres-server.ts";
import { slackNetwork } from "./networks.ts";
import { random } from "./random.ts";
import type { ReplicaProcess } from "./replica-process.ts";
import { LEASE_MS, type ReplicaRunInit, type Running, replicaRun } from "./replica-run.ts";
import { target } from "./target.ts";

/*
 * Three bots over one real store. They are killed, paused and told to leave, and so is the store; what was done is counted
 * at the service that it is done to.
 */

const COMMANDS = Number(process.env["MICRO_FAULTS_REPLICAS"] ?? 250);
const SEED = 17;

interface Engine {
  readonly store: string;
  readonly there: boolean;
  readonly start: () => Promise<FaultyServer & { readonly address: string }>;
}

const ENGINES: readonly Engine[] = [
  { store: "nats", there: hasNats(), start: startNats },
  { store: "etcd", there: hasEtcd(), start: startEtcd },
  { store: "consul", there: hasConsul, start: () => startConsul({ keep: true }) },
  { store: "postgres", there: hasPostgres, start: startPostgres },
];
const [nats] = ENGINES as readonly [Engine];

type Trouble = (run: Running, server: FaultyServer) => Promise<void>;

async function over(
  { store, start }: Engine,
  how: Pick<ReplicaRunInit, "name" | "commands" | "paceMs">,
  trouble: Trouble,
) {
  const server = await start();
  const [slack, counter] = [await slackNetwork(random(SEED)), await target()];
  const env = { MICRO_BOT_STORE: store, MICRO_BOT_STORE_ADDRESS: server.address };
  try {
    const figures = await replicaRun({ ...how, slack, counter, env, trouble: (run) => trouble(run, server) });
    expect(figures["done"]).toBeGreaterThan(how.commands / 10);
    return figures;
  } finally {
    await counter.stop();
    await slack.close();
    await server.stop();
  }
}

/** One after the other is killed, paused for longer than a lease, told to leave, and paused for less. */
const inTurn: Trouble = async ({ all, said }) => {
  for (let round = 0; said() < COMMANDS; round++) {
    const one = all[round % all.length] as ReplicaProcess;
    await wait(LEASE_MS / 2);
    if (round % 4 === 0) {
      await one.kill();
      await wait(500);
      one.start();
    } else if (round % 4 === 1) {
      one.pause();
      await wait(LEASE_MS * 1.7);
      one.wake();
    } else if (round % 4 === 2) {
      await one.leave();
      one.start();
    } else {
      one.pause();
      await wait(LEASE_MS * 0.5);
      one.wake();
    }
  }
};

/** The store dies for a moment, for longer than a lease, and together with a replica. */
const storeDies: Trouble = async ({ all, settled }, server) => {
  const [one, two, three] = all as [ReplicaProcess, ReplicaProcess, ReplicaProcess];
  const away = async (ms: number, meanwhile: () => Promise<void> = async () => {}) => {
    await wait(LEASE_MS / 2);
    await server.kill();
    await meanwhile();
    await wait(ms);
    await server.restart();
  };
  await away(300);
  await wait(LEASE_MS / 2);
  await one.kill();
  await wait(500);
  one.start();
  await settled();
  await away(LEASE_MS * 1.3);
  await wait(LEASE_MS / 2);
  two.pause();
  await wait(LEASE_MS * 1.4);
  two.wake();
  // What it had is found when the store is back.
  await away(500, three.kill);
  three.start();
  await settled();
  await wait(LEASE_MS / 2);
};

const PACE_MS = 120;

it.skipIf(!nats.there)(
  `three replicas do each of ${COMMANDS} commands once or say that they did not, while each is killed, paused and told to leave (not run where nats-server is not installed)`,
  { timeout: COMMANDS * PACE_MS * 3 + 180_000 },
  async () => {
    await over(nats, { name: "killed, paused, told to leave, over nats", commands: COMMANDS, paceMs: PACE_MS }, inTurn);
  },
);

describe.each(ENGINES.map((engine) => [engine.store, engine] as const))("replicas over %s", (_store, engine) => {
  it.skipIf(!engine.there)(
    "do each command once or say that they did not, while their store is killed and comes back, and they are killed and paused (not run where it is not installed)",
    { timeout: 240_000 },
    async () => {
      const how = { name: `${engine.store} killed`, commands: 80, paceMs: 250 };
      const figures = await over(engine, how, storeDies);
      expect(figures["refused for the store"]).toBeGreaterThan(0);
    },
  );
});
