// What 10,000 watches take of memory beside their store, and how long an event of the registry takes to reach those that match.
import { setTimeout as sleep } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { contest, mib, ms, row } from "./rounds.mjs";

const COUNT = 10_000;
const SERVICES = 1000;
const KINDS = ["health", "version", "service", "node"];

const nameOf = (at) => `go.micro.srv.orders-${at}`;

function recordOf(at, nodes) {
  return {
    name: nameOf(at),
    version: "2.3.0",
    metadata: {},
    endpoints: [],
    nodes: Array.from({ length: nodes }, (_, node) => ({
      id: `${nameOf(at)}-${node}`,
      address: `10.0.${at % 250}.${node + 1}:8080`,
      metadata: { protocol: "mucp" },
    })),
  };
}

function watchOf(at, now) {
  const service = nameOf(at % SERVICES);
  const kind = KINDS[Math.floor(at / SERVICES) % 4];
  const id = at.toString(16).padStart(6, "0");
  const place = { room: "C02", thread: "1700000000.000100" };
  const behalf = { input: "slack", place, from: { id: `T01/U${at}`, name: `person ${at}`, guest: false } };
  const times = { madeAt: now, endsAt: now + 86_400_000, everyMs: 3000 };
  const node = kind === "node" ? { node: `${service}-0` } : {};
  return { ...{ id, kind, service, ...node, owner: `slack:T01/U${at}`, behalf, ...times, turns: [] } };
}

/** @param what `memory`: MiB that the process has grown by; `event`: ms until the ten that match have been looked at */
export async function ours({ what }) {
  const [
    { memoryKv },
    { watches },
    { systemClock },
    { silent },
    { memoryRegistry },
    { cached },
    engineOf,
    teller,
    lookoutOf,
    store,
    { sharedAbort },
  ] = await Promise.all(
    [
      "platform/kv/memory",
      "watches/watches",
      "core/clock",
      "core/log",
      "core/registry/memory",
      "core/registry/cache",
      "watches/engine",
      "watches/teller",
      "watches/lookout",
      "watches/store",
      "core/abort",
    ].map((name) => import(`../dist/src/${name}.js`)),
  );
  setFlagsFromString("--expose-gc");
  const gc = runInNewContext("gc");
  const used = () => {
    for (let times = 0; times < 4; times++) gc();
    const { heapUsed, external } = process.memoryUsage();
    return (heapUsed + external) / 2 ** 20;
  };
  const client = { request: async () => ({ status: "ok" }) };
  const houseOn = (kv) => ({
    ...{ kv, clock: systemClock, log: silent, hears: () => true, may: () => true, mayStill: () => true },
    performer: { say: async () => {} },
    board: { live: () => true, edits: () => true, put: async () => "1" },
  });
  const begin = async (kv) => {
    const registry = cached(memoryRegistry()());
    await Promise.all([kv.start(), registry.start()]);
    for (let at = 0; at < SERVICES; at++) await registry.register(recordOf(at, 5));
    return registry;
  };
  const fill = async (kv) => {
    const now = Date.now();
    for (let at = 0; at < COUNT; at++) {
      const watch = watchOf(at, now);
      await kv.put(`watch.${watch.id}`, JSON.stringify(watch));
    }
  };
  if (what === "memory") {
    return async () => {
      const kv = memoryKv();
      const registry = await begin(kv);
      const before = used();
      await fill(kv);
      const extension = watches({ registry, client })(houseOn(kv));
      await extension.start();
      // All nodes have been asked by then.
      await sleep(6000);
      const grown = used() - before;
      await extension.stop();
      await Promise.all([kv.stop(), registry.stop()]);
      return grown;
    };
  }
  return async () => {
    const kv = memoryKv();
    const registry = await begin(kv);
    await fill(kv);
    const house = houseOn(kv);
    const watchStore = store.createWatchStore(kv);
    let seen = () => {};
    let engine;
    const lookout = lookoutOf.createLookout({
      ...{ registry, client, clock: systemClock, log: silent },
      onFacts: (service, facts, probed) => {
        engine.onFacts(service, facts, probed);
        seen(service);
      },
    });
    const init = {
      house,
      store: watchStore,
      teller: teller.createTeller(house, watchStore),
      lookout,
      leads: () => true,
    };
    engine = engineOf.createEngine(init);
    const ended = sharedAbort();
    const running = Promise.all([lookout.run(ended.signal), engine.run(ended.signal)]);
    while (engine.size < COUNT) await sleep(50);
    await sleep(1000);
    // The median of many: what else the machine does is no part of it.
    const all = [];
    for (let at = 0; at < 200; at++) {
      const service = nameOf(at);
      const reached = new Promise((resolve) => {
        seen = (name) => name === service && resolve(performance.now());
      });
      const began = performance.now();
      await registry.register({ ...recordOf(at, 6) });
      all.push((await reached) - began);
      await sleep(1);
    }
    ended.abort();
    await running;
    await Promise.all([kv.stop(), registry.stop()]);
    return all.sort((a, b) => a - b)[100];
  };
}

export async function run() {
  const memory = await contest(import.meta.url, { ours: { what: "memory" } });
  const event = await contest(import.meta.url, { ours: { what: "event" } });
  return [
    row({ what: "10,000 watches, with a store in memory", ours: memory.ours, unit: mib, atMost: 100 }),
    row({ what: "from a registration to the ten of 10,000 watches that match", ours: event.ours, unit: ms, atMost: 2 }),
  ];
}
