// What a step of a runbook costs beside its command: two durable records in SQLite, one before and one after it; beside it
// what the disk's sync alone takes.
import { fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** As many as a runbook has; what is written with each step grows with them. */
const STEPS = 10;
const RUNS = 5;
const ROUNDS = 5;
const TARGET_MS = 5;

export async function run() {
  const [{ createEngine }, { RUNBOOK_TABLES }, { readRunbook }, { sqliteKv }, { sqliteDb }, catalog, clock] =
    await Promise.all([
      import("../dist/src/runbooks/engine.js"),
      import("../dist/src/runbooks/runs.js"),
      import("../dist/src/runbooks/read.js"),
      import("../dist/src/platform/kv/sqlite.js"),
      import("../dist/src/platform/db/sqlite.js"),
      everything(),
      import("../dist/src/core/clock.js"),
    ]);
  const folder = mkdtempSync(join(tmpdir(), "micro-bench-"));
  const kv = sqliteKv({ path: join(folder, "kv.db") });
  const db = sqliteDb({ path: join(folder, "records.db"), tables: RUNBOOK_TABLES });
  await Promise.all([kv.start(), db.start()]);
  const performer = {
    perform: async (line) => ({
      command: "publish",
      input: {},
      result: {},
      view: { kind: "text", text: line },
      effect: "write",
    }),
    say: async () => {},
  };
  const engine = createEngine({ kv, db, performer, catalog: () => catalog, clock: clock.systemClock });
  await engine.start();
  const steps = Array.from({ length: STEPS }, (_, n) => `  - { run: 'publish bench {"n":${n}}' }`).join("\n");
  const book = readRunbook(`summary: bench\nsteps:\n${steps}\n`, "bench", "bench.yaml");
  const step = [];
  const sync = [];
  for (let round = 0; round < ROUNDS; round++) {
    const began = performance.now();
    for (let n = 0; n < RUNS; n++) await whole(engine, book);
    step.push((performance.now() - began) / STEPS / RUNS);
    sync.push(await syncs(join(folder, "sync")));
  }
  await engine.stop();
  await Promise.all([kv.stop(), db.stop()]);
  rmSync(folder, { recursive: true, force: true });
  const [ours, alone] = [median(step), median(sync)];
  return [
    {
      what: "a step of a run of ten, with its two records",
      ours: `${ours.toFixed(2)} ms`,
      peer: `${(2 * alone).toFixed(2)} ms`,
      peerName: "two syncs of 4 KiB alone",
      ratio: ours / (2 * alone),
      ratios: step.map((ms, at) => ms / (2 * sync[at])),
      target: `< ${TARGET_MS} ms`,
      met: ours < TARGET_MS,
    },
  ];
}

/** A run from its beginning to where it is written that it has ended. */
async function whole(engine, book) {
  const behalf = { input: "memory", place: { room: "r" }, from: { id: "ann", name: "Ann", guest: false } };
  let off = () => {};
  const ended = new Promise((resolve) => {
    off = engine.runs.onChange((run) => run.endedAt !== undefined && resolve());
  });
  await engine.begin(book, {}, { caller: "memory:ann", person: "ann", behalf });
  await ended;
  off();
}

async function everything() {
  const [{ createCatalog }, { builtin }] = await Promise.all([
    import("../dist/src/commands/catalog.js"),
    import("../dist/src/commands/builtin.js"),
  ]);
  return createCatalog(builtin);
}

/** Milliseconds of one. */
async function syncs(path) {
  const file = openSync(path, "a");
  const page = Buffer.alloc(4096, 1);
  const began = performance.now();
  for (let n = 0; n < STEPS; n++) {
    writeSync(file, page);
    fdatasyncSync(file);
  }
  return (performance.now() - began) / STEPS;
}

function median(all) {
  return [...all].sort((a, b) => a - b)[all.length >> 1];
}
