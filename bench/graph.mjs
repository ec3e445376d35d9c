// A day's samples of ten nodes, a minute apart, from SQLite to a PNG; and what a day of 500 such services takes on the disk.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const NODES = 10;
const MINUTE = 60_000;
const DAY = 1440;
const ROUNDS = 5;
const TARGET_MS = 300;
const START = Date.UTC(2026, 10, 22);

export async function run() {
  const [{ createSamples }, { SAMPLE_TABLES }, { chartOfLines }, { createPainter }, { sqliteDb }, { memoryDb }] =
    await Promise.all(
      [
        "history/samples",
        "history/tables",
        "history/lines",
        "history/chart/picture",
        "platform/db/sqlite",
        "platform/db/memory",
      ].map((name) => import(`../dist/src/${name}.js`)),
    );
  const folder = mkdtempSync(join(tmpdir(), "micro-bench-"));
  const path = join(folder, "records.db");
  const db = sqliteDb({ path, tables: SAMPLE_TABLES });
  const memory = memoryDb(SAMPLE_TABLES);
  await Promise.all([db.start(), memory.start()]);
  const painter = createPainter();
  try {
    // Filled in memory, since a sync for each of 1440 minutes would be what is waited for, and copied.
    const filling = createSamples({ db: memory });
    for (let minute = 0; minute < DAY; minute++) {
      await filling.add("go.micro.srv.payments", START + minute * MINUTE, nodesAt(minute));
    }
    const { records } = await memory.search("samples", { limit: 1000 });
    for (const record of records) await db.put("samples", record);
    const bytes = records.reduce((all, { value }) => all + value.length, 0);
    const writing = createSamples({ db });
    const writes = [];
    for (let minute = DAY; minute < DAY + 15; minute++) {
      const began = performance.now();
      await writing.add("go.micro.srv.payments", START + minute * MINUTE, nodesAt(minute));
      writes.push(performance.now() - began);
    }
    const span = { from: START, to: START + DAY * MINUTE };
    const whole = [];
    const reads = [];
    // The first has the thread begin, which loads what draws.
    for (let round = 0; round <= ROUNDS; round++) {
      const began = performance.now();
      painter.ready();
      const lines = await createSamples({ db }).of("go.micro.srv.payments", "latency", span);
      reads.push(performance.now() - began);
      const chart = chartOfLines({ of: "payments", title: "latency", unit: "ms", lines, zone: "UTC", ...span });
      await painter.draw(chart);
      whole.push(performance.now() - began);
    }
    const [first, ...warm] = whole;
    return [
      line("a day's samples of ten nodes from the file to the picture", warm, TARGET_MS),
      line("the first, with what draws loaded", [first], TARGET_MS),
      line("of it to read them", reads),
      line("to write a minute of a service", writes),
      plain("a day of one service of ten nodes", kb(bytes)),
      plain("of 500 such services", `${Math.round((bytes * 500) / 2 ** 20)} MB`),
    ];
  } finally {
    await painter.stop();
    await Promise.all([db.stop(), memory.stop()]);
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Busy nodes: no two numbers are the same. */
function nodesAt(minute) {
  return new Map(
    Array.from({ length: NODES }, (_, node) => {
      const noise = Math.abs(Math.sin(minute * 12.9898 + node * 78.233) * 43758.5453) % 1;
      const sample = {
        latency: 2 + noise * 40,
        memory: 4e7 + noise * 3e7,
        threads: 20 + Math.floor(noise * 20),
        gc: noise * 9,
        requests: noise * 900,
        errors: noise < 0.9 ? 0 : noise,
      };
      return [`go.micro.srv.payments-${String(node).repeat(8)}-1111-2222-3333-444455556666`, sample];
    }),
  );
}

function line(what, all, target) {
  const ours = all.toSorted((a, b) => a - b)[all.length >> 1];
  const told = target === undefined ? {} : { target: `< ${target} ms`, met: ours < target };
  return { ...plain(what, `${ours.toFixed(1)} ms`), ...told };
}

function plain(what, ours) {
  return { what, ours, peer: "", peerName: "", ratio: 0, ratios: [], ratioText: "", target: "" };
}

function kb(bytes) {
  return `${Math.round(bytes / 1024)} KB`;
}
