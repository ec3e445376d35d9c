import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import packages from "../../package.json" with { type: "json" };
import { memoryRegistry } from "../../src/core/registry/memory.ts";
import { createService, defineEndpoint } from "../../src/core/service.ts";
import { type Run, stateOf } from "../../src/runbooks/run.ts";
import { COUNTING, durableBot } from "./durable-bot.ts";

const RUNBOOK = `
summary: Count each write
steps:
  - { id: look, run: 'call ${COUNTING} Count.Look {}', idempotent: true }
  - { id: a, run: 'call ${COUNTING} Count.Add {"step":"a"}', rollback: 'call ${COUNTING} Count.Add {"step":"back-a"}' }
  - { id: ready, wait: { until: health ${COUNTING} is ok, every: 100ms, atMost: 20s } }
  - { id: b, when: steps.a.result.n is 1, run: 'call ${COUNTING} Count.Add {"step":"b"}' }
  - { id: c, run: 'call ${COUNTING} Count.Add {"step":"c"}' }
`;

/** Ends at c, so that a is taken back. */
const FAILING = RUNBOOK.replace('{"step":"c"}', '{"step":"fail"}');

const add = defineEndpoint({
  service: COUNTING,
  name: "Count.Add",
  input: z.object({ step: z.string() }),
  output: z.object({ n: z.number(), step: z.string() }),
});
const look = defineEndpoint({ service: COUNTING, name: "Count.Look", input: z.object({}), output: z.object({}) });

/** Counts what each run wrote: a service for each, so that they do not get mixed up. */
async function counting() {
  const counts = new Map<string, number>();
  let kill:
    | { readonly step: string; readonly when: "arrived" | "counted"; readonly child: () => ChildProcess }
    | undefined;
  const service = createService({ name: COUNTING, registry: memoryRegistry()(), address: "127.0.0.1:0" });
  const die = async (when: "arrived" | "counted", step: string) => {
    if (kill?.when !== when || kill.step !== step) return false;
    const child = kill.child();
    kill = undefined;
    child.kill("SIGKILL");
    await once(child, "exit");
    return true;
  };
  service.handle(look, () => ({}));
  service.handle(add, async ({ step }) => {
    // Its caller is gone before anything was done; a service that hears of that does nothing.
    if (await die("arrived", step)) throw new Error("nobody is there");
    if (step === "fail") throw new Error("it cannot be done");
    const n = (counts.get(step) ?? 0) + 1;
    counts.set(step, n);
    await die("counted", step);
    return { n, step };
  });
  await service.start();
  const [{ nodes } = { nodes: [] }] = await service.registry.get(COUNTING);
  return {
    counts,
    address: nodes[0]?.address ?? "",
    killAt: (step: string, when: "arrived" | "counted", child: () => ChildProcess) => {
      kill = { step, when, child };
    },
    stop: () => service.stop(),
  };
}

const root = resolve(import.meta.dirname, "../..");
// Where its packages are found.
const cache = join(root, "node_modules", ".cache", `micro-durable-${process.pid}`);
const bundle = join(cache, "child.mjs");
const folders = mkdtempSync(join(tmpdir(), "micro-durable-"));
let made = 0;

beforeAll(async () => {
  mkdirSync(cache, { recursive: true });
  await build({
    entryPoints: [join(import.meta.dirname, "durable-child.ts")],
    outfile: bundle,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    // Loading these from their own files takes longer than all else that a process does here.
    external: Object.keys(packages.dependencies).filter(
      (name) => !["zod", "yaml", "fastest-levenshtein"].includes(name),
    ),
    banner: { js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);' },
    logLevel: "error",
  });
}, 60_000);
afterAll(() => {
  rmSync(cache, { recursive: true, force: true });
  rmSync(folders, { recursive: true, force: true });
});

/** Begins a run in a process that is killed at the point, or by the service, and then goes on with it here. */
async function killed(text: string, point: string, byService?: { step: string; when: "arrived" | "counted" }) {
  const folder = join(folders, String(++made));
  mkdirSync(folder);
  writeFileSync(join(folder, "count.yaml"), text);
  const service = await counting();
  let child: ChildProcess;
  if (byService) service.killAt(byService.step, byService.when, () => child);
  child = spawn(process.execPath, [bundle, folder, service.address, point], { stdio: ["ignore", "ignore", "inherit"] });
  const giveUp = setTimeout(() => child.kill("SIGTERM"), 15_000);
  const [, signal] = (await once(child, "exit")) as [number | null, string | null];
  clearTimeout(giveUp);
  const points = existsSync(join(folder, "points"))
    ? readFileSync(join(folder, "points"), "utf8").trim().split("\n")
    : [];
  const before = new Map(service.counts);
  const bot = await durableBot({ folder, address: service.address });
  const read = async (): Promise<Run | undefined> => {
    const [open] = await bot.kv.list("runbook.run.");
    if (open) return JSON.parse(open.value) as Run;
    const { records } = await bot.db.search("runs", { limit: 1 });
    return records[0] && (JSON.parse(records[0].value) as Run);
  };
  const until = async (so: (run: Run) => boolean): Promise<Run> => {
    const limit = performance.now() + 20_000;
    for (;;) {
      const run = await read();
      if (run && so(run)) return run;
      if (performance.now() > limit) {
        const said = bot.input.sent.map(({ parts }) => parts.map((part) => part.text).join(" ")).join("\n");
        throw new Error(`killed at ${point}: ${JSON.stringify(run?.records)}\n${said}`);
      }
      await new Promise((resolve_) => setTimeout(resolve_, 20));
    }
  };
  let run = await until((one) => one.endedAt !== undefined || stateOf(one).startsWith("unknown"));
  const unknown = run.endedAt === undefined ? run.records.find(({ state }) => state === "unknown") : undefined;
  if (unknown) {
    // Nothing goes on by itself.
    await new Promise((resolve_) => setTimeout(resolve_, 300));
    expect(service.counts).toEqual(before);
    const key = unknown.phase === "rollback" ? `back-${unknown.step}` : unknown.step;
    const wasDone = (service.counts.get(key) ?? 0) > 0;
    bot.input.say(
      `runbook resume ${run.id} --as ${key === "c" && text === FAILING ? "failed" : wasDone ? "done" : "again"}`,
      { id: "resume" },
    );
    run = await until((one) => one.endedAt !== undefined);
  }
  await bot.stop();
  await service.stop();
  return { run, unknown, counts: Object.fromEntries(service.counts), signal, points };
}

describe("a run whose process is killed", () => {
  const WRITES = ["a", "b", "c"];

  it("passes the points at which it is to be killed", async () => {
    const whole = await killed(RUNBOOK, "never");
    expect(whole.signal).toBeNull();
    const own = ["look", "a", "ready", "b", "c"];
    for (const step of own) expect(whole.points).toContain(`begun ${step} steps`);
    expect(whole.points).toContain("ending");
    const failed = await killed(FAILING, "never");
    expect(failed.counts).toEqual({ a: 1, b: 1, "back-a": 1 });
    expect(failed.points).toContain("performed a rollback");
  }, 60_000);

  it("goes on at every boundary of a step, each write done once", async () => {
    const points = [
      "before begun look steps",
      // What is written is the same from the end of one step to the beginning of the next.
      ...["look", ...WRITES].map((step) => `done ${step} steps`),
      "before begun b steps",
      "begun ready steps",
      "ending",
    ];
    await together(points, async (point) => {
      const { run, unknown, counts, signal } = await killed(RUNBOOK, point);
      expect({ point, signal }).toEqual({ point, signal: "SIGKILL" });
      expect({ point, unknown }).toEqual({ point, unknown: undefined });
      expect({ point, outcome: run.outcome, counts }).toEqual({ point, outcome: "done", counts: { a: 1, b: 1, c: 1 } });
    });
  }, 120_000);

  it("stops at a write that had begun and asks, whether it was done or not, and never repeats one that was", async () => {
    const cases = WRITES.flatMap((step) => [
      { step, point: `begun ${step} steps` },
      { step, point: "never", byService: { step, when: "arrived" as const } },
      { step, point: "never", byService: { step, when: "counted" as const } },
      { step, point: `performed ${step} steps` },
    ]);
    await together(cases, async ({ step, point, byService }) => {
      const what = JSON.stringify({ point, byService });
      const { run, unknown, counts, signal } = await killed(RUNBOOK, point, byService);
      expect({ what, signal }).toEqual({ what, signal: "SIGKILL" });
      expect({ what, unknown: unknown?.step, state: unknown?.state }).toEqual({
        what,
        unknown: step,
        state: "unknown",
      });
      // What its result would have been nobody knows, so what hangs on it is left out, or not.
      const hangs = step === "a" && run.records.some(({ state }) => state === "skipped");
      expect({ what, counts }).toEqual({ what, counts: { a: 1, ...(!hangs && { b: 1 }), c: 1 } });
    });
  }, 120_000);

  it("takes back once what is to be taken back, wherever it is killed", async () => {
    const cases = [
      { point: "before begun a rollback", asks: false },
      { point: "failed c steps", asks: false },
      { point: "done a rollback", asks: false },
      { point: "begun a rollback", asks: true },
      { point: "performed a rollback", asks: true },
      { point: "never", asks: true, byService: { step: "back-a", when: "counted" as const } },
      { point: "begun c steps", asks: true },
    ];
    await together(cases, async ({ point, asks, byService }) => {
      const { run, unknown, counts } = await killed(FAILING, point, byService);
      expect({ point, asks: unknown !== undefined }).toEqual({ point, asks });
      expect({ point, outcome: run.outcome, counts }).toEqual({
        point,
        outcome: "failed",
        counts: { a: 1, b: 1, "back-a": 1 },
      });
    });
  }, 120_000);
});

/** Some at a time: a process takes most of its time to start. */
async function together<T>(all: readonly T[], work: (one: T) => Promise<void>): Promise<void> {
  const left = [...all];
  const failures: unknown[] = [];
  const worker = async () => {
    for (let one = left.shift(); one !== undefined; one = left.shift()) {
      await work(one).catch((error: unknown) => failures.push(error));
    }
  };
  await Promise.all([worker(), worker(), worker()]);
  if (failures.length > 0) throw failures[0];
}
