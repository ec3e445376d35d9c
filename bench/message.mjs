// A whole message: heard, understood, allowed, run, drawn, said. Ours remembers it, keeps an audit record, limits its
// sender and keeps its room in order on the way.
import { closeSync, fsyncSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as turn, setTimeout as wait } from "node:timers/promises";
import { contest, ms, nsPerCall, percentile, row } from "./rounds.mjs";

const namesOf = (length) => Array.from({ length }, (_, i) => `go.micro.srv.thing${String(i).padStart(3, "0")}`);
const SERVICES = namesOf(100);

async function createRegistry(names = SERVICES, nodes = 1) {
  const [{ cached }, { memoryRegistry }] = await Promise.all([
    import("../dist/src/core/registry/cache.js"),
    import("../dist/src/core/registry/memory.js"),
  ]);
  const services = names.map((name) => ({
    name,
    version: "1",
    metadata: {},
    endpoints: [],
    nodes: Array.from({ length: nodes }, (_, at) => ({ id: `${name}-${at}`, address: "127.0.0.1:1", metadata: {} })),
  }));
  const registry = cached(memoryRegistry({ services })());
  await registry.start();
  return registry;
}

/** @param journal `memory`, or `sqlite` as the program has it, with the audit in a file, too */
async function createOurs({ journal, names, nodes }) {
  const [bot, { sqliteKv }, { sqliteAudit }, { systemClock }, builtin, { createChat }] = await Promise.all([
    import("../dist/src/bot/bot.js"),
    import("../dist/src/platform/kv/sqlite.js"),
    import("../dist/src/bot/audit/sqlite.js"),
    import("../dist/src/core/clock.js"),
    import("../dist/src/commands/builtin.js"),
    import("./chat.mjs"),
  ]);
  const registry = await createRegistry(names, nodes);
  const folder = mkdtempSync(join(tmpdir(), "bench-message-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  const chat = createChat({ replays: journal === "sqlite" });
  const store = journal === "sqlite" ? sqliteKv({ path: join(folder, "store.sqlite") }) : undefined;
  await store?.start();
  const audit = store && (await sqliteAudit(join(folder, "audit.sqlite"), { clock: systemClock, replica: "bench" }));
  const running = bot.createBot({
    inputs: [chat.input],
    commands: [...builtin.builtin, ...builtin.smallTalk],
    registry,
    client: undefined,
    limit: "none",
    ...(store && { store, auditLog: audit }),
  });
  await running.start();
  return chat;
}

export async function ours(config) {
  const chat = await createOurs(config);
  const work = async () => {
    const answered = new Promise((resolve) => {
      chat.said = resolve;
    });
    chat.say("micro list services");
    const { parts } = await answered;
    if (!parts[0].text.endsWith(SERVICES.at(-1))) throw new Error(`not the services: ${parts[0].text}`);
  };
  await nsPerCall(work, 2000);
  return () => nsPerCall(work, 400);
}

export async function hubot() {
  const { createRobot } = await import("./hubot.mjs");
  let said = "";
  const { robot, message } = await createRobot((text) => {
    said = text;
  });
  for (let i = 0; i < 100; i++) {
    // Ours is neither the first nor the last that is asked.
    if (i === 50) robot.respond(/list services$/i, async (res) => res.send([...SERVICES].sort().join("\n")));
    else robot.respond(new RegExp(`thing${i} (\\S+)$`, "i"), async () => {});
  }
  const work = async () => {
    said = "";
    await robot.receive(message("micro list services"));
    if (!said.endsWith(SERVICES.at(-1))) throw new Error(`not the services: ${said}`);
  };
  await nsPerCall(work, 2000);
  return () => nsPerCall(work, 400);
}

/** Messages that come when they come, 1,000 a second, from 20 rooms; how long the slowest hundredth waits (ms). */
export async function steady(config) {
  const chat = await createOurs(config);
  return async () => {
    const count = 3000;
    const due = new Map();
    const waits = [];
    const all = new Promise((resolve) => {
      // Answers keep their order within a room.
      chat.said = ({ place }) => {
        waits.push(performance.now() - due.get(place.room).shift());
        if (waits.length === count) resolve();
      };
    });
    const began = performance.now();
    for (let i = 0; i < count; ) {
      // A message's time begins when it was due, whatever kept us from saying it.
      for (const now = performance.now(); i < count && began + i <= now; i++) {
        const room = `room${i % 20}`;
        if (!due.has(room)) due.set(room, []);
        due.get(room).push(began + i);
        chat.say("micro list services", { room, from: `person${i % 50}` });
      }
      await turn(); // no timer is fine enough
    }
    await all;
    return percentile(waits, 0.99);
  };
}

export const oursWithStore = ours;

/** How long the slowest hundredth of `list services` takes (ms) where there are 1,000 of 3 nodes each. */
export async function many() {
  const chat = await createOurs({ journal: "memory", names: namesOf(1000), nodes: 3 });
  const work = () => {
    const answered = new Promise((resolve) => {
      chat.said = resolve;
    });
    chat.say("micro list services");
    return answered;
  };
  await nsPerCall(work, 1000);
  return async () => {
    const waits = [];
    for (let i = 0; i < 200; i++) {
      const began = performance.now();
      await work();
      waits.push(performance.now() - began);
    }
    return percentile(waits, 0.99);
  };
}

/**
 * What all layers add to a command (ms): what half of the messages wait no longer for, one after the other, less what the
 * same command takes half of the times when it is only read, run, drawn and said.
 */
export async function added(config) {
  const [chat, bare] = [await createOurs(config), await createBare()];
  const say = async () => {
    const answered = new Promise((resolve) => {
      chat.said = resolve;
    });
    chat.say("micro list services");
    await answered;
  };
  await nsPerCall(say, 3000);
  await nsPerCall(bare, 1000);
  return async () => {
    const [all, alone] = [[], []];
    for (let i = 0; i < 100; i++) {
      // That it is done is written down a little later, which is not what somebody waits for.
      await wait(30);
      for (const [work, waits] of [
        [bare, alone],
        [say, all],
      ]) {
        const began = performance.now();
        await work();
        waits.push(performance.now() - began);
      }
    }
    return percentile(all, 0.5) - percentile(alone, 0.5);
  };
}

/** The same command over the same services, without a bot. */
async function createBare() {
  const [{ createCatalog }, { chatLine }, { parse }, { builtin }, { renderAnswer }, { createChat }, registry] =
    await Promise.all([
      import("../dist/src/commands/catalog.js"),
      import("../dist/src/commands/line.js"),
      import("../dist/src/commands/parse.js"),
      import("../dist/src/commands/builtin.js"),
      import("../dist/src/bot/render.js"),
      import("./chat.mjs"),
      createRegistry(),
    ]);
  const catalog = createCatalog(builtin);
  const chat = createChat();
  const connection = await chat.input.connect();
  const clock = { now: Date.now };
  return async () => {
    const match = catalog.match(chatLine("list services"));
    const { input, output } = parse(match);
    const result = await match.command.run(input, { registry, clock, signal: new AbortController().signal });
    const answer = { view: match.command.view(result, input), result, output };
    await connection.send(renderAnswer(answer, { room: "room" }, chat.input.limits));
  };
}

/** What the disk takes to keep a few hundred bytes (ms). */
export async function sync() {
  const folder = mkdtempSync(join(tmpdir(), "bench-sync-"));
  const file = openSync(join(folder, "file"), "a");
  process.once("exit", () => {
    closeSync(file);
    rmSync(folder, { recursive: true, force: true });
  });
  const line = Buffer.alloc(400, "x");
  return async () => {
    const waits = [];
    for (let i = 0; i < 100; i++) {
      // A disk that has rested takes longer.
      await wait(30);
      const began = performance.now();
      writeSync(file, line);
      fsyncSync(file);
      waits.push(performance.now() - began);
    }
    return percentile(waits, 0.5);
  };
}

export async function run() {
  const peers = { ours: { journal: "memory" }, oursWithStore: { journal: "sqlite" }, hubot: {} };
  const { ours, oursWithStore, hubot: peer } = await contest(import.meta.url, peers);
  const { steady: p99 } = await contest(import.meta.url, { steady: { journal: "memory" } });
  const { steady: p99WithStore } = await contest(import.meta.url, { steady: { journal: "sqlite" } });
  const { many: listed } = await contest(import.meta.url, { many: {} });
  const { added: kept } = await contest(import.meta.url, { added: { journal: "sqlite" } });
  const { added: unkept } = await contest(import.meta.url, { added: { journal: "memory" } });
  const { sync: alone } = await contest(import.meta.url, { sync: {} });
  const hubot = { peer, peerName: "Hubot, 100 listeners", atLeast: 1 };
  return [
    row({ what: "list services of 100, one message after the other", ours, ...hubot }),
    row({ what: "the same with journal and audit on the disk", ours: oursWithStore, ...hubot }),
    row({ what: "the same at 1,000 messages a second, p99", ours: p99, unit: ms, atMost: 2 }),
    row({ what: "that with journal and audit on the disk", ours: p99WithStore, unit: ms }),
    row({ what: "list services of 1,000, 3 nodes each, p99", ours: listed, unit: ms, atMost: 20 }),
    row({
      what: "what all layers add to a command, p50, with journal and audit on the disk",
      ours: kept,
      unit: ms,
      atMost: 1.5,
    }),
    row({ what: "the same with both in memory", ours: unkept, unit: ms, atMost: 0.2 }),
    row({ what: "a sync of 400 bytes alone, for comparison", ours: alone, unit: ms }),
  ];
}
