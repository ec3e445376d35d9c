// Finding services: the choice of a node and the list of names, and what keeping up with a large Consul costs.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { contest, ms, nsPerCall, row } from "./rounds.mjs";

const SIZE = 10_000;
const NODES = 3;
const ENDPOINTS = ["Say.Hello", "Say.Bye", "Debug.Health", "Debug.Stats"];

const NAMES = Array.from({ length: SIZE }, (_, i) => `go.micro.srv.thing${i}`);
/** All of them, in an order that has nothing to do with the one in which they came; the same for everybody. */
const WALK = NAMES.map((_, step) => NAMES[(step * 7919) % SIZE]);

async function createOurs() {
  const [{ cached }, { memoryRegistry }, { defaultSelector }] = await Promise.all([
    import("../dist/src/core/registry/cache.js"),
    import("../dist/src/core/registry/memory.js"),
    import("../dist/src/core/selector/default.js"),
  ]);
  const services = NAMES.map((name) => ({
    name,
    version: "1",
    metadata: {},
    endpoints: ENDPOINTS.map((endpoint) => ({ name: endpoint, metadata: {} })),
    nodes: Array.from({ length: NODES }, (_, n) => ({
      id: `${name}-${n}`,
      address: `127.0.0.1:${n + 1}`,
      metadata: { protocol: "mucp" },
    })),
  }));
  const registry = cached(memoryRegistry({ services })());
  await registry.start();
  return { registry, selector: defaultSelector()({ registry }) };
}

export async function chooseOurs() {
  const { selector } = await createOurs();
  const work = (i) => selector.select(WALK[i % SIZE]);
  if ((await work(0)).address === undefined) throw new Error("no node was chosen");
  await nsPerCall(work, 1000);
  return () => nsPerCall(work);
}

export async function listOurs() {
  const { registry } = await createOurs();
  const work = () => registry.list();
  if ((await work()).length !== SIZE) throw new Error("the list is not whole");
  await nsPerCall(work, 1000);
  return () => nsPerCall(work);
}

/** Its registry as it stands after three other nodes have told what they have. */
async function createMoleculer() {
  const { ServiceBroker } = await import("moleculer");
  const broker = new ServiceBroker({ logger: false, registry: { strategy: "Random" } });
  await broker.start();
  const services = NAMES.map((name) => ({
    name,
    fullName: name,
    settings: {},
    metadata: {},
    actions: Object.fromEntries(ENDPOINTS.map((endpoint) => [`${name}.${endpoint}`, { name: `${name}.${endpoint}` }])),
    events: {},
  }));
  for (let node = 0; node < NODES; node++) {
    broker.registry.processNodeInfo({ sender: `node-${node}`, instanceID: `${node}`, ver: "4", seq: 1, services });
  }
  return broker.registry;
}

export async function chooseMoleculer() {
  const registry = await createMoleculer();
  const actions = WALK.map((name) => `${name}.Say.Hello`);
  const work = (i) => registry.getActionEndpoints(actions[i % SIZE]).next();
  if (work(0).node.id === undefined) throw new Error("no node was chosen");
  await nsPerCall(work, 1000);
  return () => nsPerCall(work);
}

export async function listMoleculer() {
  const registry = await createMoleculer();
  const work = () => registry.services.list({});
  if (work().length < SIZE) throw new Error("the list is not whole");
  await nsPerCall(work, 1000);
  return () => nsPerCall(work);
}

/**
 * What Consul answers for 10,000 services of one node each, 7 tags and 1.3 KB of hex each, no two with the same endpoints:
 * the list of all, and for each its health.
 */
async function writeAnswers(folder) {
  const { encodeTags } = await import("../dist/src/core/registry/consul-tags.js");
  const list = {};
  const health = NAMES.map((name, i) => {
    const value = (type) => ({
      name: type,
      type,
      values: ["name", "greeting", `thing${i}`].map((field) => ({ name: field, type: "string", values: [] })),
    });
    const node = { id: `${name}-1`, address: `10.0.0.1:${10_000 + i}`, metadata: METADATA };
    const endpoints = ENDPOINTS.slice(0, 2).map((endpoint) => ({
      name: endpoint,
      request: value("Request"),
      response: value("Response"),
      metadata: {},
    }));
    const tags = encodeTags({ name, version: `1.0.${i}`, metadata: {}, endpoints, nodes: [node] }, node);
    list[name] = tags;
    const check = { Node: "machine", Output: "", Notes: "", Definition: {}, CreateIndex: 9, ModifyIndex: 9 };
    const answer = [
      {
        Node: { ID: "6a1c", Node: "machine", Address: "10.0.0.1", Datacenter: "dc1", Meta: {}, CreateIndex: 5 },
        Service: { ID: node.id, Service: name, Tags: tags, Address: "10.0.0.1", Meta: {}, Port: 10_000 + i },
        Checks: [
          { ...check, CheckID: "serfHealth", Name: "Serf Health Status", Status: "passing", ServiceID: "" },
          {
            ...check,
            CheckID: `service:${node.id}`,
            Name: `Service '${name}' check`,
            Status: "passing",
            ServiceID: node.id,
          },
        ],
      },
    ];
    return JSON.stringify(answer);
  });
  writeFileSync(join(folder, "list"), JSON.stringify(list));
  writeFileSync(join(folder, "health"), `${health.join("\n")}\n`);
}

/** The same as bytes, as they come from a socket. */
const readList = (folder) => readFileSync(join(folder, "list"));
function readHealth(folder) {
  const all = readFileSync(join(folder, "health"));
  let from = 0;
  return NAMES.map((name) => {
    const end = all.indexOf("\n", from);
    const bytes = all.subarray(from, end);
    from = end + 1;
    return [name, bytes];
  });
}

const METADATA = { broker: "http", registry: "consul", server: "rpc", transport: "http" };

/** The list of all services once more, nothing new in it: read and compared with what is known. */
export async function refreshList({ folder }) {
  const { readCatalogue } = await import("../dist/src/core/registry/consul-catalogue.js");
  const list = readList(folder);
  const known = await readCatalogue(list);
  const work = async () => {
    for (const [name, length] of await readCatalogue(list)) {
      if (known.get(name) !== length) throw new Error(`${name} is new`);
    }
  };
  await nsPerCall(work, 500);
  return () => nsPerCall(work);
}

export async function parseList({ folder }) {
  const list = readList(folder);
  const work = () => JSON.parse(list.toString());
  await nsPerCall(work, 500);
  return () => nsPerCall(work);
}

/** The health of all services once more, nothing new in it. */
export async function refreshHealth({ folder }) {
  const { createHealthDecoder, decodeCatalogue } = await import("../dist/src/core/registry/consul-health.js");
  const health = readHealth(folder);
  const decoder = createHealthDecoder();
  const first = await decodeCatalogue(health, decoder);
  if (first.get(NAMES[9])[0].endpoints.length !== 2) throw new Error("the health was not decoded");
  const work = () => decodeCatalogue(health, decoder);
  await nsPerCall(work, 500);
  return () => nsPerCall(work);
}

export async function parseHealth({ folder }) {
  const health = readHealth(folder);
  const work = () => {
    for (const [, bytes] of health) JSON.parse(bytes.toString());
  };
  await nsPerCall(work, 500);
  return () => nsPerCall(work);
}

/**
 * All of it for the first time: the longest (ms) that the event loop could not go round. Of a gap that other programs made,
 * only what we computed in it counts. A process each, or it is no first time.
 */
export async function firstDecode({ folder }) {
  const [{ readCatalogue }, { decodeCatalogue }] = await Promise.all([
    import("../dist/src/core/registry/consul-catalogue.js"),
    import("../dist/src/core/registry/consul-health.js"),
  ]);
  const list = readList(folder);
  const health = readHealth(folder);
  const now = () => {
    const { user, system } = process.cpuUsage();
    return { wall: performance.now(), cpu: (user + system) / 1000 };
  };
  return async () => {
    let longest = 0;
    let last = now();
    let over = false;
    const probe = () => {
      const at = now();
      longest = Math.max(longest, Math.min(at.wall - last.wall, at.cpu - last.cpu));
      last = at;
      if (!over) setImmediate(probe);
    };
    setImmediate(probe);
    await readCatalogue(list);
    await decodeCatalogue(health);
    over = true;
    probe();
    return longest;
  };
}

export async function run() {
  const { chooseOurs, chooseMoleculer } = await contest(import.meta.url, { chooseOurs: {}, chooseMoleculer: {} });
  const { listOurs, listMoleculer } = await contest(import.meta.url, { listOurs: {}, listMoleculer: {} });
  const folder = mkdtempSync(join(tmpdir(), "bench-registry-"));
  const firsts = [];
  let list;
  let health;
  try {
    await writeAnswers(folder);
    const config = { folder };
    list = await contest(import.meta.url, { refreshList: config, parseList: config });
    health = await contest(import.meta.url, { refreshHealth: config, parseHealth: config });
    for (let round = 0; round < 5; round++) {
      firsts.push(...(await contest(import.meta.url, { firstDecode: config }, 1)).firstDecode);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  const moleculer = { peerName: "moleculer" };
  const parse = { peerName: "JSON.parse of the same bytes", atMost: 1.6 };
  return [
    row({
      what: "choose a node, 10,000 services of 3 nodes",
      ours: chooseOurs,
      peer: chooseMoleculer,
      atLeast: 1.5,
      ...moleculer,
    }),
    row({ what: "list 10,000 services", ours: listOurs, peer: listMoleculer, atLeast: 1000, ...moleculer }),
    row({
      what: "Consul: 10,000 services listed again, unchanged",
      ours: list.refreshList,
      peer: list.parseList,
      ...parse,
    }),
    row({
      what: "Consul: their health again, unchanged",
      ours: health.refreshHealth,
      peer: health.parseHealth,
      ...parse,
    }),
    row({ what: "Consul: longest hold of the event loop, first time", ours: firsts, unit: ms, atMost: 20 }),
  ];
}
