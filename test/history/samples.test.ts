import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { MicroError } from "../../src/core/errors.ts";
import { silent } from "../../src/core/log.ts";
import { memoryRegistry } from "../../src/core/registry/memory.ts";
import type { ServiceRecord } from "../../src/core/registry/registry.ts";
import type { Sample } from "../../src/history/chunk.ts";
import { createSampler } from "../../src/history/sampler.ts";
import { createSamples } from "../../src/history/samples.ts";
import { SAMPLE_TABLES } from "../../src/history/tables.ts";
import type { Db } from "../../src/platform/db/db.ts";
import { memoryDb } from "../../src/platform/db/memory.ts";
import { sqliteDb } from "../../src/platform/db/sqlite.ts";
import { cannedClient } from "../fakes/canned-client.ts";
import { manualClock } from "../fakes/clock.ts";

const MINUTE = 60_000;
const DAY = 86_400_000;
const START = Date.UTC(2026, 10, 22, 3, 0);

const closing: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});
async function started(db: Db): Promise<Db> {
  await db.start();
  closing.push(() => db.stop());
  return db;
}
const folder = () => {
  const path = mkdtempSync(join(tmpdir(), "micro-samples-"));
  closing.push(() => rmSync(path, { recursive: true, force: true }));
  return path;
};
const one = (value: number): ReadonlyMap<string, Sample> => new Map([["a", { latency: value }]]);

describe("samples", () => {
  it("are found by time, rounded to what can be seen", async () => {
    const samples = createSamples({ db: await started(memoryDb(SAMPLE_TABLES)) });
    const sample = { latency: 12.3456, memory: 34_567_890, threads: 12, gc: 0.5, requests: 1234.5, errors: 0 };
    await samples.add("p", START, new Map([["a", sample]]));
    const read = async (measure: keyof typeof sample) =>
      (await samples.of("p", measure, { from: START - MINUTE, to: START })).get("a");
    expect(await read("latency")).toEqual([[START, 12.3456]]);
    const again = createSamples({ db: await filled(sample) });
    const kept = await Promise.all(
      (["latency", "memory", "requests", "errors"] as const).map(
        async (measure) => (await again.of("p", measure, { from: START, to: START })).get("a")?.[0]?.[1],
      ),
    );
    expect(kept).toEqual([12.3, 33_760 * 1024, 1230, 0]);
  });
  const filled = async (sample: Sample) => {
    const db = await started(memoryDb(SAMPLE_TABLES));
    await createSamples({ db }).add("p", START, new Map([["a", sample]]));
    return db;
  };

  it("have a gap where a node said nothing, and where nobody asked", async () => {
    const samples = createSamples({ db: await started(memoryDb(SAMPLE_TABLES)) });
    for (const minute of [0, 1, 2, 3]) {
      await samples.add(
        "p",
        START + minute * MINUTE,
        new Map([
          ["a", { latency: 1 }],
          ["b", minute === 1 ? {} : { latency: 2 }],
        ]),
      );
    }
    await samples.add("p", START + 30 * MINUTE, one(3));
    const found = await samples.of("p", "latency", { from: START, to: START + DAY });
    const minutes = (id: string) => found.get(id)?.map(([at, value]) => [(at - START) / MINUTE, value]);
    expect(minutes("a")).toEqual([
      [0, 1],
      [1, 1],
      [2, 1],
      [3, 1],
      [4, null],
      [30, 3],
    ]);
    expect(minutes("b")).toEqual([
      [0, 2],
      [1, null],
      [2, 2],
      [3, 2],
      [4, null],
      [30, null],
    ]);
  });

  it("are there after a restart within the same quarter of an hour, and none is written twice", async () => {
    const path = join(folder(), "records.db");
    const tables = SAMPLE_TABLES;
    const db = sqliteDb({ path, tables });
    await db.start();
    await createSamples({ db }).add("p", START, one(1));
    await db.stop();
    const later = createSamples({ db: await started(sqliteDb({ path, tables })) });
    await later.add("p", START, one(9));
    await later.add("p", START + MINUTE, one(2));
    const reader = createSamples({ db: await started(sqliteDb({ path, tables, readonly: true })) });
    for (const samples of [later, reader]) {
      const found = await samples.of("p", "latency", { from: START, to: START + MINUTE });
      expect(found.get("a")).toEqual([
        [START, 1],
        [START + MINUTE, 2],
      ]);
      expect(await samples.services()).toEqual(["p"]);
    }
    await expect(reader.add("p", START + 2 * MINUTE, one(1))).rejects.toMatchObject({ code: "unavailable" });
  });

  it("are those of a day, in as many records however long it goes on", async () => {
    const db = await started(memoryDb(SAMPLE_TABLES));
    const samples = createSamples({ db });
    for (let at = 0; at <= 3 * DAY; at += 5 * MINUTE) await samples.add("p", START + at, one(at / DAY));
    const to = START + 3 * DAY;
    const found = (await samples.of("p", "latency", { from: 0, to })).get("a") ?? [];
    expect(found[0]?.[0]).toBe(to - DAY);
    expect(found).toHaveLength(289);
    expect((await db.search("samples", { limit: 1000 })).records).toHaveLength(97 + 1);
  });

  it("forget a service that has been gone for a day", async () => {
    const db = await started(memoryDb(SAMPLE_TABLES));
    const samples = createSamples({ db });
    await samples.add("gone", START, one(1));
    for (let at = 0; at <= 26 * 60 * MINUTE; at += 30 * MINUTE) await samples.add("p", START + at, one(1));
    expect(await samples.services()).toEqual(["p"]);
    expect((await samples.of("gone", "latency", { from: START, to: START + 1 })).size).toBe(0);
  });

  it("are taken for broken one record at a time", async () => {
    const db = await started(memoryDb(SAMPLE_TABLES));
    const samples = createSamples({ db });
    await samples.add("p", START, one(1));
    await samples.add("p", START + 15 * MINUTE, one(2));
    const [first] = (await db.search("samples", { limit: 10 })).records.filter(({ at }) => at === START && true);
    for (const { id, at } of (await db.search("samples", { limit: 10 })).records) {
      if (at === START && id !== "services") await db.put("samples", { id, at, facts: {}, value: "{" });
    }
    expect(first).toBeDefined();
    const found = await createSamples({ db }).of("p", "latency", { from: START, to: START + DAY });
    expect(found.get("a")).toEqual([[START + 15 * MINUTE, 2]]);
  });

  it("of a quarter of an hour of ten nodes take less than 5 KB", async () => {
    const path = join(folder(), "records.db");
    const db = await started(sqliteDb({ path, tables: SAMPLE_TABLES }));
    const samples = createSamples({ db });
    const nodes = (at: number) =>
      new Map(
        Array.from({ length: 10 }, (_, node) => {
          const wave = Math.abs(Math.sin(at * 7 + node * 3));
          const sample = {
            latency: 1 + wave * 20,
            memory: 4e7 + wave * 1e7,
            threads: 20 + Math.round(wave * 9),
            gc: wave,
          };
          return [`go.micro.srv.payments-${node}f1c2d3e-1111-2222-3333-44445555666${node}`, sample] as const;
        }),
      );
    for (let minute = 0; minute < 15; minute++) await samples.add("p", START + minute * MINUTE, nodes(minute));
    const [record] = (await db.search("samples", { limit: 10 })).records.filter(({ id }) => id !== "services");
    expect(record?.value.length).toBeLessThan(5000);
    expect(statSync(path).size).toBeLessThan(200_000);
  });
});

describe("the sampler", () => {
  const record = (name: string, ...ids: string[]): ServiceRecord => ({
    name,
    version: "1",
    metadata: {},
    endpoints: [],
    nodes: ids.map((id, at) => ({ id, address: `10.0.0.${at + 1}:1`, metadata: {} })),
  });
  const topic: ServiceRecord = { ...record("topic:x", "t-1") };

  async function sampling(answers: Record<string, string | MicroError>, services = [record("p", "p-1", "p-2"), topic]) {
    const clock = manualClock(START + 12_000);
    const registry = memoryRegistry({ services })();
    const db = await started(memoryDb(SAMPLE_TABLES));
    const samples = createSamples({ db });
    const client = cannedClient(answers);
    const sampler = createSampler({ registry, client, samples, clock, log: silent, everyMs: MINUTE });
    await sampler.start();
    closing.push(() => sampler.stop());
    const read = async (measure: Parameters<typeof samples.of>[1], id = "p-1") =>
      (await samples.of("p", measure, { from: START, to: START + DAY })).get(id);
    return { clock, client, sampler, read, answers, registry };
  }
  const minute = (at: number) => START + at * MINUTE;

  it("asks each node each minute, and keeps what one says while another fails", async () => {
    const answers = {
      "Debug.Stats": '{"memory":1024,"threads":5,"gc":1000000}',
      "10.0.0.2:1 Debug.Stats": new MicroError("unavailable", "gone"),
    };
    const { clock, client, sampler, read } = await sampling(answers);
    expect(sampler.nextAt()).toBe(minute(1));
    await clock.advance(48_000);
    await clock.advance(MINUTE);
    expect(client.asked.map(({ address }) => address).sort()).toEqual([
      "10.0.0.1:1",
      "10.0.0.1:1",
      "10.0.0.2:1",
      "10.0.0.2:1",
    ]);
    expect(await read("memory")).toEqual([
      [minute(1), 1024],
      [minute(2), 1024],
    ]);
    expect(await read("threads")).toEqual([
      [minute(1), 5],
      [minute(2), 5],
    ]);
    expect(await read("memory", "p-2")).toBeUndefined();
  });

  it("makes rates of counters, also over a restart of the node", async () => {
    const { clock, read, answers } = await sampling({
      "Debug.Stats": '{"memory":1,"gc":"1000000","requests":"600","errors":6}',
    });
    await clock.advance(48_000);
    answers["Debug.Stats"] = '{"memory":1,"gc":3000000,"requests":1200,"errors":6}';
    await clock.advance(MINUTE);
    answers["Debug.Stats"] = '{"memory":1,"gc":500000,"requests":60}';
    await clock.advance(MINUTE);
    expect(await read("gc")).toEqual([
      [minute(2), 2],
      [minute(3), 0.5],
    ]);
    expect(await read("requests")).toEqual([
      [minute(2), 10],
      [minute(3), 1],
    ]);
    expect(await read("errors")).toEqual([
      [minute(2), 0],
      [minute(3), 0],
    ]);
  });

  it("takes what is published where a node does not say it itself, once", async () => {
    const { clock, sampler, read } = await sampling({ "Debug.Stats": '{"memory":1024,"threads":5}' });
    sampler.hear({ service: "p", node: "p-1", sample: { memory: 9, requests: 7 } });
    await clock.advance(48_000);
    await clock.advance(MINUTE);
    expect(await read("requests")).toEqual([
      [minute(1), 7],
      [minute(2), null],
    ]);
    expect(await read("memory")).toEqual([
      [minute(1), 1024],
      [minute(2), 1024],
    ]);
  });

  it("begins many services one after the other", async () => {
    const many = Array.from({ length: 50 }, (_, at) => record(`s${String(at).padStart(2, "0")}`, `n${at}`));
    const { clock, client } = await sampling({ "Debug.Stats": '{"memory":1}' }, many);
    await clock.advance(48_000);
    expect(client.asked.length).toBeLessThan(3);
    for (let step = 0; step < 50; step++) await clock.advance(100);
    expect(client.asked).toHaveLength(50);
  });

  it("asks nobody once it has stopped", async () => {
    const { clock, client, sampler } = await sampling({ "Debug.Stats": "{}" });
    await sampler.stop();
    await clock.advance(10 * MINUTE);
    expect(client.asked).toEqual([]);
  });
});
