import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { createInbox, type DurableInbox } from "../../../src/alerts/inbox.ts";
import { monitorMessages, type StatsMessage, TOPICS } from "../../../src/alerts/monitor/messages.ts";
import { createMonitor } from "../../../src/alerts/monitor/monitor.ts";
import { createStates } from "../../../src/alerts/monitor/states.ts";
import type { BrokerEvent } from "../../../src/core/broker/broker.ts";
import { memoryBroker } from "../../../src/core/broker/memory.ts";
import type { Kv } from "../../../src/platform/kv/kv.ts";
import { memoryKv, memoryShelf } from "../../../src/platform/kv/memory.ts";
import { manualClock } from "../../fakes/clock.ts";
import { waitingIn } from "../receive/posting.ts";

/** As go-platform's monitor published them (`platform.md §1.8`), in their order. */
const recorded: readonly BrokerEvent[] = readFileSync(
  join(import.meta.dirname, "../../fixtures/alerts/monitor.jsonl"),
  "utf8",
)
  .trim()
  .split("\n")
  .map((line) => {
    const { topic, header, body_base64 } = JSON.parse(line);
    const names = Object.entries(header as Record<string, string>).map(([name, value]) => [name.toLowerCase(), value]);
    return { topic, header: Object.fromEntries(names), body: Buffer.from(body_base64, "base64") };
  });
const of = (topic: string) => recorded.filter((event) => event.topic === topic);

const opened: { stop(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of opened.splice(0).reverse()) await one.stop();
});

describe("messages of the monitor topics", () => {
  const messages = monitorMessages();

  it("are read as they were recorded", () => {
    expect(of(TOPICS.healthcheck).map((event) => messages.check(event))).toMatchObject([
      {
        service: "go-server",
        version: "1.0.0",
        node: expect.stringMatching(/^[0-9a-f-]{36}$/),
        check: "go.micro.healthcheck.pong",
        description: "This is a pong healthcheck that fails",
        status: "error",
        error: "Unknown exception",
        intervalMs: 1000,
      },
      { check: "go.micro.healthcheck.ping", status: "ok", error: "" },
      { check: "go.micro.healthcheck.pong", status: "error" },
    ]);
    expect(of(TOPICS.status).map((event) => messages.status(event).status)).toEqual(["started", "running", "running"]);
    const [stats] = of(TOPICS.stats).map((event) => messages.stats(event)) as [StatsMessage];
    expect(stats.goroutines).toBeGreaterThan(0);
    expect(stats.maxRss).toBeGreaterThan(1000);
    expect(stats.endpoints.map(({ name }) => name)).toEqual(["Foo.Bar", "Baz.Bar", "Bar.Man"]);
    expect(stats.endpoints[0]?.success.mean).toBeGreaterThan(0);
  });

  it("are refused when they are none", () => {
    const event = (body: string | Uint8Array, type = "") => ({
      topic: TOPICS.healthcheck,
      header: { "content-type": type },
      body: Buffer.from(body),
    });
    for (const broken of [
      event(Buffer.from([0x3a, 0xff])),
      event(""),
      event("{", "application/json"),
      event("[]", "application/json"),
    ]) {
      expect(() => messages.check(broken)).toThrow(expect.objectContaining({ code: "invalid_argument" }));
    }
    const json = event('{"id":"c","service":{"name":"a"},"status":2}', "application/json");
    expect(messages.check(json)).toMatchObject({ service: "a", check: "c", status: "error", intervalMs: 60_000 });
  });
});

describe("states", () => {
  const spoken = { service: "a", version: "1", node: "a-1", at: 0, intervalMs: 10_000 };
  const failing = { ...spoken, check: "db", description: "asks it", status: "error", error: "no route" } as const;
  const fine = { ...failing, status: "ok", error: "" } as const;
  const facts = (all: ReturnType<ReturnType<typeof createStates>["look"]>) =>
    all.map(({ group, alert }) => [group, alert.name, alert.status]);

  it("fire at the second failure, in a row, and end with what is fine", () => {
    const states = createStates();
    expect(states.check(failing, 1000)).toEqual([]);
    expect(states.check(fine, 2000)).toEqual([]);
    expect(states.check(failing, 3000)).toEqual([]);
    const [told] = states.check(failing, 13_000);
    expect(told).toMatchObject({
      group: "check/a/db",
      alert: { name: "db", summary: "no route", description: "asks it", labels: { service: "a", node: "a-1" } },
    });
    // The same again, in the same words.
    expect(states.check(failing, 23_000)).toEqual([told]);
    expect(states.check({ ...fine, status: "unknown" }, 33_000)).toEqual([]);
    expect(states.check(fine, 43_000)).toMatchObject([{ alert: { status: "resolved", endsAt: 43_000 } }]);
    expect(states.check(fine, 53_000)).toEqual([]);
  });

  it("tell who stops or falls silent, and who is back or stands in", () => {
    const states = createStates();
    states.status({ ...spoken, status: "running" }, 0);
    states.status({ ...spoken, node: "a-2", status: "running" }, 0);
    expect(states.look(24_999)).toEqual([]);
    states.status({ ...spoken, node: "a-2", status: "running" }, 20_000);
    expect(states.look(25_000)).toMatchObject([
      { group: "stale/a", alert: { name: "Stale", summary: "a has said nothing for 25 s, and did every 10 s" } },
    ]);
    expect(states.look(30_000)).toEqual([]);
    expect(facts(states.status({ ...spoken, status: "running" }, 31_000))).toEqual([["stale/a", "Stale", "resolved"]]);
    expect(facts(states.status({ ...spoken, status: "stopped" }, 32_000))).toEqual([["stale/a", "Stale", "firing"]]);
    expect(states.status({ ...spoken, status: "stopped" }, 33_000)).toEqual([]);
    expect(facts(states.status({ ...spoken, node: "a-3", status: "started" }, 34_000))).toEqual([
      ["stale/a", "Stale", "resolved"],
    ]);
  });

  it("give up what has been away for an hour", () => {
    const states = createStates();
    states.status({ ...spoken, status: "running" }, 0);
    expect(facts(states.look(30_000))).toEqual([["stale/a", "Stale", "firing"]]);
    expect(states.look(3_500_000)).toEqual([]);
    expect(facts(states.look(3_600_000))).toEqual([["stale/a", "Stale", "resolved"]]);
    expect(states.look(3_700_000)).toEqual([]);
  });
});

describe("a monitor", () => {
  const onKv = async (kv: Kv, clock = manualClock(Date.UTC(2026, 10, 22))) => {
    await kv.start();
    const inbox = createInbox({ kv, clock });
    await inbox.start();
    const broker = memoryBroker()();
    await broker.start();
    const stats: StatsMessage[] = [];
    const monitor = createMonitor({ broker, kv, inbox, clock, onStats: (one) => stats.push(one) });
    await monitor.start();
    const stop = async () => {
      await monitor.stop();
      await broker.stop();
      await inbox.stop();
      await kv.stop();
    };
    const hear = async (...events: readonly BrokerEvent[]) => {
      for (const { topic, ...message } of events) await broker.publish(topic, message);
      await clock.advance(10);
    };
    return { inbox, stats, clock, stop, hear };
  };
  const namesIn = async (inbox: DurableInbox) =>
    (await waitingIn(inbox)).map(({ alerts: [alert] }) => `${alert?.name} ${alert?.status}`);

  it("makes alerts of what was recorded, and hands on its numbers", async () => {
    const { inbox, stats, clock, hear, stop } = await onKv(memoryKv());
    opened.push({ stop });
    await clock.advance(10);
    await hear(...recorded);
    expect(await namesIn(inbox)).toEqual(["go.micro.healthcheck.pong firing"]);
    expect(stats).toHaveLength(of(TOPICS.stats).length);
    // One says nothing any more: 2.5 of its seconds.
    await clock.advance(2000);
    expect(inbox.waiting).toBe(1);
    await clock.advance(2000);
    expect(await namesIn(inbox)).toEqual(["go.micro.healthcheck.pong firing", "Stale firing"]);
  });

  it("knows after a restart what fired, so that its end is told; and passes over what is no message", async () => {
    const shelf = memoryShelf();
    const first = await onKv(memoryKv({ shelf }));
    await first.clock.advance(10);
    await first.hear(...recorded);
    await first.stop();
    const second = await onKv(memoryKv({ shelf }), first.clock);
    opened.push(second);
    await second.clock.advance(10);
    const json = { "content-type": "application/json" };
    const [failed] = of(TOPICS.healthcheck).map((event) => monitorMessages().check(event));
    const fine = { id: failed?.check, service: { name: "go-server", nodes: [{ id: failed?.node }] }, status: 1 };
    await second.hear(
      { topic: TOPICS.healthcheck, header: json, body: Buffer.from("nonsense") },
      { topic: TOPICS.healthcheck, header: json, body: Buffer.from(JSON.stringify(fine)) },
    );
    expect(await namesIn(second.inbox)).toEqual([
      "go.micro.healthcheck.pong firing",
      "go.micro.healthcheck.pong resolved",
    ]);
  });
});
