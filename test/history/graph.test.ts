import { afterAll, afterEach, describe, expect, it } from "vitest";
import { readPolicy } from "../../src/bot/policy.ts";
import { createCatalog } from "../../src/commands/catalog.ts";
import { chatLine } from "../../src/commands/line.ts";
import { parse } from "../../src/commands/parse.ts";
import { MicroError } from "../../src/core/errors.ts";
import { memoryRegistry } from "../../src/core/registry/memory.ts";
import type { Point } from "../../src/history/chart/chart.ts";
import { createPainter } from "../../src/history/chart/picture.ts";
import { type GraphInit, graphCommand } from "../../src/history/graph.ts";
import type { Graphed, GraphParts } from "../../src/history/graphed.ts";
import type { RangeQuery } from "../../src/history/prometheus/prometheus.ts";
import { DEFAULT_QUERIES, queriesWith, queryFor } from "../../src/history/prometheus/queries.ts";
import { createSamples, type Samples } from "../../src/history/samples.ts";
import { statsWithPicture } from "../../src/history/stats-picture.ts";
import { SAMPLE_TABLES } from "../../src/history/tables.ts";
import { memoryInput } from "../../src/inputs/memory/memory.ts";
import { memoryDb } from "../../src/platform/db/memory.ts";
import { botOn, textOf } from "../bot/run-bot.ts";
import { contextFor } from "../commands/context.ts";
import { cannedClient } from "../fakes/canned-client.ts";
import { manualClock } from "../fakes/clock.ts";
import { SERVICES } from "../golden/records.ts";

const MINUTE = 60_000;
const NOW = Date.UTC(2026, 10, 22, 3, 12);
const GREETER = "go.micro.srv.greeter";
const painter = createPainter();
afterAll(() => painter.stop());

const closing: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function sampled(nodes = ["a-1", "a-2"], service = GREETER): Promise<Samples> {
  const db = memoryDb(SAMPLE_TABLES);
  await db.start();
  closing.push(() => db.stop());
  const samples = createSamples({ db });
  for (let minute = 30; minute > 0; minute--) {
    const one = (id: string, at: number) =>
      [`${service}-${id}`, { latency: 10 * (at + 1) + minute, memory: 2 ** 25, threads: 7 }] as const;
    await samples.add(service, NOW - minute * MINUTE, new Map(nodes.map(one)));
  }
  return samples;
}
const partsOf = (parts: Partial<GraphParts>): GraphParts => ({
  zone: "UTC",
  noneBecause: () => "they are taken every minute, the next at 03:13",
  ...parts,
});
const graphing = (parts: Partial<GraphParts>, init: Partial<GraphInit> = {}) =>
  graphCommand({ parts: async () => partsOf(parts), ...init });
const context = (init = {}) => contextFor({ clock: manualClock(NOW), ...init });
/** Runs a line as a shell does. */
async function said(line: string, parts: Partial<GraphParts>, init: Partial<GraphInit> = {}, around = {}) {
  const command = graphing(parts, init);
  const match = createCatalog([command]).match(chatLine(line));
  if (match === undefined) throw new Error(`not matched: ${line}`);
  const { input } = parse(match);
  const result = (await command.run(input, context(around))) as Graphed;
  return { result, text: (command.view(result, input) as { text: string }).text, command, input };
}

describe("graph", () => {
  it("shows the nodes' courses in a shell, by the name's end, with words in their order", async () => {
    const { text, result } = await said("graph greeter latency 30m", { samples: await sampled() });
    const lines = text.split("\n");
    expect(lines[0]).toBe(`${GREETER}: latency`);
    expect(lines[1]).toMatch(/^a-1 +[▁-█]{30} {2}min 11 ms {2}max 40 ms {2}now 11 ms$/);
    expect(lines[2]).toMatch(/^a-2 +[▁-█]{30} {2}min 21 ms {2}max 50 ms {2}now 21 ms$/);
    expect(JSON.parse(JSON.stringify(result))).toEqual(result);
  });

  it("takes only the nodes that are asked for, and says which there are", async () => {
    const samples = await sampled();
    const { result } = await said("graph greeter memory --node a-2", { samples });
    expect(result.chart.series.map(({ name }) => name)).toEqual(["a-2"]);
    expect(result.chart.unit).toBe("bytes");
    await expect(said("graph greeter --node b-7", { samples })).rejects.toMatchObject({
      code: "not_found",
      message: expect.stringContaining(`there are ${GREETER}-a-1, ${GREETER}-a-2`),
    });
  });

  it("draws the eight greatest of twelve", async () => {
    const samples = await sampled(Array.from({ length: 12 }, (_, at) => `n${String(at).padStart(2, "0")}`));
    const { result } = await said("graph greeter", { samples });
    expect(result.chart.series.map(({ name }) => name)).toEqual([
      "n04",
      "n05",
      "n06",
      "n07",
      "n08",
      "n09",
      "n10",
      "n11",
    ]);
    expect(result.chart.title).toBe(`${GREETER}: latency (the 8 greatest of 12)`);
  });

  it("knows a service that has gone", async () => {
    const { text } = await said("graph payments", { samples: await sampled(["x"], "go.micro.srv.payments") });
    expect(text).toContain("go.micro.srv.payments: latency");
  });

  it("says when there will be samples", async () => {
    const samples = createSamples({ db: memoryDb(SAMPLE_TABLES) });
    const none = { ...samples, of: async () => new Map(), services: async () => [] };
    await expect(said("graph greeter", { samples: none })).rejects.toMatchObject({
      code: "not_found",
      message: `no samples of ${GREETER} yet: they are taken every minute, the next at 03:13`,
    });
    await expect(said("graph nobody", { samples: none })).rejects.toMatchObject({
      message: expect.stringContaining("no service nobody is registered"),
    });
  });

  it.each([
    ["graph", "which service"],
    ["graph greeter latency 3", "no time to look back to; say 30m, 6h, 2d"],
    ["graph greeter latency 1y", "no time to look back to; say 30m, 6h, 2d"],
    ["graph greeter latency 5w", "a graph does not go back 5w: from 1m to 31d"],
    ["graph greeter latency 10s", "from 1m to 31d"],
    ["graph greeter luck", "latency"],
    ["graph greeter --query up", "not both"],
    ["graph --query up", "--prometheus_address"],
  ])("refuses %s", async (line, words) => {
    const samples = await sampled();
    await expect(said(line, { samples })).rejects.toMatchObject({
      code: "invalid_argument",
      message: expect.stringContaining(words),
    });
  });

  it.each([
    ["1d", NOW - 1440 * MINUTE],
    ["1w", NOW - 10_080 * MINUTE],
    ["2026-11-20", new Date(2026, 10, 20).getTime()],
  ])("goes back as people say it: %s", async (back, from) => {
    const { result } = await said(`graph greeter latency ${back}`, { samples: await sampled() });
    expect(result.chart).toMatchObject({ from, to: NOW });
  });

  it("marks the versions that came", async () => {
    const change = { service: GREETER, kind: "version", version: "1.4.0" } as const;
    const lately = async () => [
      { ...change, at: NOW - MINUTE, version: "1.3.0", words: "version 1.3.0 is gone, with node a" },
      { ...change, at: NOW - 2 * MINUTE, words: "version 1.4.0 came with node b" },
    ];
    const { result } = await said("graph greeter", { samples: await sampled(), changes: { lately } });
    expect(result.chart.marks).toEqual([{ at: NOW - 2 * MINUTE, words: "1.4.0" }]);
  });

  it("closes what it has read from, and writes a file in a shell", async () => {
    const closed: string[] = [];
    const saved: string[] = [];
    const { text } = await said(
      "graph greeter --file out.png",
      { samples: await sampled(), close: async () => void closed.push("closed") },
      { save: async (path) => void saved.push(path) },
    );
    expect(text).toContain("drawn in out.png");
    expect([saved, closed]).toEqual([["out.png"], ["closed"]]);
    await said("graph nobody", { close: async () => void closed.push("again") }).catch(() => {});
    expect(closed).toEqual(["closed", "again"]);
  });

  it("makes rows for pipes", async () => {
    const { command, result } = await said("graph greeter", { samples: await sampled() });
    expect(command.records?.rows(result)).toEqual([
      { name: "a-1", min: 11, max: 40, now: 11 },
      { name: "a-2", min: 21, max: 50, now: 21 },
    ]);
  });
});

describe("graph with a Prometheus", () => {
  const line = (value: number): readonly Point[] => [[NOW - MINUTE, value]];
  const prometheus = (range: (query: RangeQuery) => Promise<ReadonlyMap<string, readonly Point[]>>) => ({
    where: "Prometheus at m:9090",
    queries: DEFAULT_QUERIES,
    range,
    close: async () => {},
    [Symbol.asyncDispose]: async () => {},
  });

  it("asks it first, by the service's name, and falls back on its own samples", async () => {
    const asked: RangeQuery[] = [];
    const some = prometheus(async (query) => {
      asked.push(query);
      return new Map([["m-1", line(5)]]);
    });
    const samples = await sampled();
    const { result } = await said("graph greeter latency", { samples, prometheus: some });
    expect(result.chart.series.map(({ name }) => name)).toEqual(["m-1"]);
    expect(asked[0]?.query).toContain(`micro_request_duration_seconds_sum{micro_name="${GREETER}"}[60s]`);
    expect(asked[0]?.stepMs).toBe(15_000);
    await said("graph greeter memory", { samples, prometheus: some });
    expect(asked).toHaveLength(1);
    const away = prometheus(async () => {
      throw new MicroError("unavailable", "Prometheus at m:9090 cannot be reached");
    });
    const fallen = await said("graph greeter", { samples, prometheus: away });
    expect(fallen.result.chart.series).toHaveLength(2);
    expect(fallen.text).toContain("Prometheus at m:9090 cannot be reached; these are my own samples");
    await expect(said("graph greeter", { prometheus: away })).rejects.toMatchObject({ code: "unavailable" });
  });

  it("draws a query of one's own for those who may", async () => {
    const some = prometheus(async ({ query }) => new Map([[query, line(5)]]));
    const { result } = await said('graph --query "rate(x[5m])" 6h', { prometheus: some });
    expect(result.chart).toMatchObject({ title: "rate(x[5m])", unit: "count" });
    expect(result.chart.to - result.chart.from).toBe(360 * MINUTE);
    const mayRun = ({ permission }: { readonly permission: string }) => permission !== "metrics:query";
    await expect(said("graph --query up", { prometheus: some }, {}, { mayRun })).rejects.toMatchObject({
      code: "permission_denied",
    });
    const none = prometheus(async () => new Map());
    await expect(said("graph --query up", { prometheus: none })).rejects.toMatchObject({ code: "not_found" });
  });

  it("keeps a name within its quotes, and knows its measures", () => {
    expect(queryFor('x{n="$service"}[$window]', 'a"} or up #$window', 90_000)).toBe('x{n="a\\"} or up #$window"}[90s]');
    expect(queriesWith({ latency: "", memory: "m" })).toMatchObject({ latency: "", memory: "m" });
    expect(() => queriesWith({ luck: "x" })).toThrow("there is no measure luck");
  });
});

describe("in chat", () => {
  async function chatting(pictures: boolean, policy = "members: ['service:*', 'registry:*', 'bot:talk']") {
    const input = memoryInput({ limits: { pictures } });
    const clock = manualClock(NOW);
    const samples = await sampled(["aa01"]);
    const registry = memoryRegistry({ services: SERVICES })();
    const client = cannedClient({ "Debug.Stats": '{"memory":1024,"threads":5}' });
    const graph = graphing({ samples }, { painter });
    const stats = statsWithPicture({ samples, painter, clock, zone: "UTC" });
    const bot = botOn([input], {
      commands: [graph, stats],
      registry,
      client,
      clock,
      policy: readPolicy(policy, "test"),
    });
    await bot.start();
    return { base: input };
  }

  it("posts a picture, with its course for who cannot see it", async () => {
    const { base } = await chatting(true);
    await base.say("micro graph greeter latency 1h");
    const message = await base.next();
    expect(textOf(message)).toContain(`${GREETER}: latency: now 11 ms, at most 40 ms`);
    expect(Buffer.from(message.file?.png?.subarray(1, 4) ?? []).toString()).toBe("PNG");
    expect(message.file).toMatchObject({ name: "latency.png", text: expect.stringMatching(/aa01 +[▁-█·]{40}/) });
  });

  it("says the course where there are no pictures", async () => {
    const { base } = await chatting(false);
    await base.say("micro graph greeter latency 1h");
    expect(textOf(await base.next())).toMatch(/aa01 +[▁-█·]{40} {2}min 11 ms/);
  });

  it("shows the last hour's memory beside stats, which stay as they are", async () => {
    const { base } = await chatting(true);
    await base.say(`micro stats ${GREETER}`);
    const message = await base.next();
    expect(textOf(message)).toContain("node");
    expect(message.file?.name).toBe("memory.png");
    await base.say("micro stats go.micro.srv.geo");
    expect((await base.next()).file).toBeUndefined();
  });

  it("takes the end of a name for stats, and finds its samples by the whole one", async () => {
    const { base } = await chatting(true);
    await base.say("micro stats greeter");
    const message = await base.next();
    expect(textOf(message)).toContain(`service  ${GREETER}`);
    expect(message.file?.name).toBe("memory.png");
  });

  it("refuses queries without the grant", async () => {
    const { base } = await chatting(true);
    await base.say("micro graph --query up");
    expect(textOf(await base.next())).toContain("metrics:query");
  });
});
