import { describe, expect, it, vi } from "vitest";
import { ALERT_TABLES } from "../../../src/alerts/incidents/closed.ts";
import { onCallCommands } from "../../../src/alerts/oncall/commands.ts";
import { createContacts } from "../../../src/alerts/oncall/contacts.ts";
import { digests } from "../../../src/alerts/oncall/digest.ts";
import { escalation } from "../../../src/alerts/oncall/escalate.ts";
import { createOverrides } from "../../../src/alerts/oncall/overrides.ts";
import { type QuietTime, readQuietTime } from "../../../src/alerts/oncall/quiet.ts";
import { rotationRota } from "../../../src/alerts/oncall/rotas.ts";
import { type Route, routeOf, type Step } from "../../../src/alerts/oncall/routing.ts";
import { createSchedules } from "../../../src/alerts/oncall/schedules.ts";
import { readTarget } from "../../../src/alerts/oncall/target.ts";
import { MicroError } from "../../../src/core/errors.ts";
import type { Input } from "../../../src/inputs/input.ts";
import { type MemoryInput, memoryInput } from "../../../src/inputs/memory/memory.ts";
import type { Db } from "../../../src/platform/db/db.ts";
import { memoryDb } from "../../../src/platform/db/memory.ts";
import type { Kv } from "../../../src/platform/kv/kv.ts";
import { memoryKv, memoryShelf } from "../../../src/platform/kv/memory.ts";
import { type ManualClock, manualClock } from "../../fakes/clock.ts";
import { alert, NOON } from "../incidents/notifications.ts";
import { alertsRoom, type Box, box } from "../incidents/room.ts";

// Hours go by in these.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const MINUTE = 60_000;
const step = (minutes: number, to: string): Step => ({ after: minutes * MINUTE, to: readTarget(to) as Step["to"] });
const STEPS = [step(10, "oncall"), step(20, "bob"), step(30, "room memory:all")];

interface NightInit {
  readonly routes?: readonly Partial<Route>[];
  /** A bot that was stopped. */
  readonly before?: {
    readonly clock: ManualClock;
    readonly input: MemoryInput;
    readonly kv: Kv;
    readonly db: Db;
    readonly inbox: Box;
  };
  readonly contacts?: Readonly<Record<string, readonly string[]>>;
  readonly at?: number;
  readonly clock?: ManualClock;
  /** Networks beside the one that `leave` takes away. */
  readonly others?: readonly Input[];
}

/** A bot that wakes people, and that can be started again with all that it knew. */
async function night(init: NightInit = {}) {
  const { before, contacts: known = { ann: ["memory:ann"], bob: ["memory:bob"] } } = init;
  const clock = before?.clock ?? init.clock ?? manualClock(init.at ?? NOON);
  // What was said stays there.
  const input = before?.input ?? memoryInput({ clock });
  let away = false;
  const refused = () => Promise.reject(new MicroError("unavailable", "away"));
  const below: Input = { ...input, connect: (options) => (away ? refused() : input.connect(options)) };
  const kv = before?.kv ?? memoryKv({ shelf: memoryShelf() });
  await kv.start();
  const rotation = {
    people: ["ann", "bob"],
    zone: "UTC",
    start: { year: 2025, month: 12, day: 29 },
    handover: 540,
    every: { days: 7 },
  };
  const overrides = createOverrides(kv, clock);
  const schedules = createSchedules(
    [{ name: "pay", zone: "UTC", rota: rotationRota(rotation), overrides: [] }],
    overrides,
  );
  const contacts = createContacts(known, { idsOf: () => [], names: () => [] });
  const routes = (init.routes ?? [{ escalate: STEPS }]).map((route) => ({ continue: false, ...route }));
  const quiet = { nights: { zone: "UTC", times: [readQuietTime("22:00-07:00") as QuietTime] } };
  const usual = [{ input: "memory", room: "ops" }];
  const routed = async ({
    severity,
    services = [],
    source,
    common,
  }: {
    severity: "critical" | "warning" | "info";
    services?: readonly string[] | undefined;
    source: string;
    common: Readonly<Record<string, string>>;
  }) => routeOf({ severity, services, owners: [], source, labels: common }, { routes, quiet, usual }, clock.now());
  const commands = onCallCommands({ schedules, overrides, contacts });
  const room = await alertsRoom({
    ...{ clock, input, inputs: [below, ...(init.others ?? [])], kv },
    db: before?.db ?? memoryDb(ALERT_TABLES),
    inbox: before?.inbox ?? box(),
    roomsFor: async (incident) => (await routed(incident)).rooms,
    beside: [escalation({ schedules, contacts, routed }), digests],
    bot: { extensions: [() => ({ commands })] },
  });
  const leave = () => {
    away = true;
    input.lose();
  };
  const comeBack = () => {
    away = false;
  };
  return { ...room, clock, kv, leave, comeBack };
}

describe("an alert that nobody acknowledges", () => {
  it("wakes who is on call, then the next, then a room, each once, and its card says whom", async () => {
    const { hear, pass, texts, one } = await night();
    hear([alert()]);
    await pass(9 * MINUTE);
    expect(texts("@ann")).toEqual([]);
    await pass(2 * MINUTE);
    const { id } = await one();
    expect(texts("@ann")).toEqual([
      expect.stringContaining("You are told as ann (on call for pay): nobody has acknowledged it for 10m"),
    ]);
    expect(texts("@ann")[0]).toContain(`ack ${id}`);
    await pass(20 * MINUTE);
    expect(texts("@ann")).toHaveLength(1);
    expect(texts("@bob")).toHaveLength(1);
    expect(texts("all")).toEqual([expect.stringContaining("Nobody has acknowledged it for 30m")]);
    await pass(60 * MINUTE);
    expect([...texts("@ann"), ...texts("@bob"), ...texts("all")]).toHaveLength(3);
    expect(texts("ops")[0]).toContain("escalation told ann (on call for pay) directly in memory");
  });

  it("wakes nobody more once it is acknowledged", async () => {
    const { hear, pass, texts, one, ask } = await night();
    hear([alert()]);
    await pass(11 * MINUTE);
    await ask(`ack ${(await one()).id}`);
    await pass(60 * MINUTE);
    expect(texts("@ann")).toHaveLength(1);
    expect([...texts("@bob"), ...texts("all")]).toEqual([]);
  });

  it("wakes people anew when it fires again after it was over, whoever had acknowledged it", async () => {
    const { hear, pass, texts, one, clock, ask } = await night();
    hear([alert()]);
    await pass(11 * MINUTE);
    expect(texts("@ann")).toHaveLength(1);
    await ask(`ack ${(await one()).id}`);
    hear([alert({ status: "resolved" })]);
    await pass(2 * MINUTE);
    hear([alert({ startsAt: clock.now() })]);
    await pass(9 * MINUTE);
    expect(texts()[0]).toContain("it fires again, and nobody has it: ann had");
    expect(texts("@ann")).toHaveLength(1);
    await pass(2 * MINUTE);
    expect(texts("@ann")).toHaveLength(2);
    await pass(10 * MINUTE);
    expect(texts("@bob")).toHaveLength(1);
  });

  it("goes on where it was after a restart, and says nothing twice", async () => {
    const first = await night();
    first.hear([alert()]);
    await first.pass(11 * MINUTE);
    expect(first.texts("@ann")).toHaveLength(1);
    await first.stop();
    const second = await night({ before: first });
    await second.pass(20 * MINUTE);
    expect(second.texts("@ann")).toHaveLength(1);
    expect(second.texts("@bob")).toHaveLength(1);
    expect(second.texts("all")).toHaveLength(1);
  });

  it("is said again, saying so, when the bot died while it said it", async () => {
    const first = await night();
    first.hear([alert()]);
    await first.pass(5 * MINUTE);
    await first.stop();
    const [entry] = await first.kv.list("incident.");
    const incident = JSON.parse(entry?.value ?? "");
    const begun = { ...incident, escalated: [{ step: 0, at: first.clock.now(), to: "ann" }] };
    await first.kv.put(entry?.key ?? "", JSON.stringify(begun));
    const second = await night({ before: first });
    await second.pass(10 * MINUTE);
    expect(second.texts("@ann")).toEqual([expect.stringContaining("you may have it twice")]);
  });

  it("waits while chat is away, and loses no step", async () => {
    const { hear, pass, texts, leave, comeBack } = await night();
    hear([alert()]);
    await pass(MINUTE);
    leave();
    await pass(25 * MINUTE);
    expect([...texts("@ann"), ...texts("@bob")]).toEqual([]);
    comeBack();
    await pass(3 * MINUTE);
    expect(texts("@ann")).toHaveLength(1);
    expect(texts("@bob")).toHaveLength(1);
  });

  it("wakes who is next on another network while the one before cannot be reached", async () => {
    const clock = manualClock(NOON);
    const other = memoryInput({ clock, name: "other" });
    const contacts = { ann: ["memory:ann"], bob: ["other:bob"] };
    const { hear, pass, texts, leave, comeBack } = await night({ clock, others: [other], contacts });
    const bobs = () => other.sent.filter(({ place }) => place.room === "@bob");
    hear([alert()]);
    await pass(MINUTE);
    leave();
    await pass(15 * MINUTE);
    expect(bobs()).toEqual([]);
    await pass(6 * MINUTE);
    expect(bobs()).toHaveLength(1);
    comeBack();
    await pass(30 * MINUTE);
    expect(bobs()).toHaveLength(1);
    expect(texts("@ann")).toHaveLength(1);
    expect(texts("all")).toHaveLength(1);
  });

  it("wakes people of other incidents while a network does not say whether it has woken somebody", async () => {
    const clock = manualClock(NOON);
    const silent = memoryInput({ clock, name: "silent" });
    const mute: Input = {
      ...silent,
      connect: async (options) => ({ ...(await silent.connect(options)), send: () => new Promise(() => {}) }),
    };
    const routes = [{ match: { labels: { team: "a" } }, escalate: [step(10, "ann")] }, { escalate: [step(10, "bob")] }];
    const contacts = { ann: ["silent:ann"], bob: ["memory:bob"] };
    const { hear, pass, texts } = await night({ clock, others: [mute], routes, contacts });
    hear([alert({ labels: { team: "a" } })], { group: "a" });
    await pass(MINUTE);
    hear([alert({ fingerprint: "f2" })], { group: "b" });
    await pass(12 * MINUTE);
    expect(texts("@bob")).toHaveLength(1);
  });

  it("is told in its room, with the name, where somebody cannot be reached", async () => {
    const { hear, pass, texts } = await night({ contacts: { bob: ["elsewhere:bob"] } });
    hear([alert()]);
    await pass(12 * MINUTE);
    expect(texts("ops").at(-1)).toContain(
      "Ann (on call for pay): nobody has acknowledged it for 10m. I cannot write to them myself",
    );
    await pass(10 * MINUTE);
    expect(texts("ops").at(-1)).toContain("Bob: nobody has acknowledged it for 20m");
  });

  it("wakes who stands in", async () => {
    const { hear, pass, texts, ask } = await night();
    const now = await ask("oncall");
    for (const said of ["who is on call", "on call", "who is on call pay"]) expect(await ask(said)).toBe(now);
    expect(await ask("oncall override pay eve for 8h")).toContain("I know nobody called eve");
    expect(await ask("oncall override pay bob for ever")).toContain("for how long?");
    expect(await ask("oncall override pya bob for 8h")).toContain("did you mean pay?");
    expect(await ask("oncall override pay bob for 8h")).toContain("yes");
    expect(await ask("yes")).toContain("bob has pay until Thu 2026-01-01 20:00");
    hear([alert()]);
    await pass(11 * MINUTE);
    expect(texts("@ann")).toEqual([]);
    expect(texts("@bob")).toHaveLength(1);
    expect(await ask("oncall")).toMatch(
      /^bob is on call for pay \(instead for ann, by .*\), until Thu 2026-01-01 20:00 GMT|UTC/,
    );
  });
});

describe("quiet hours", () => {
  const at = Date.UTC(2026, 0, 2, 6);
  const routes = [{ quiet: "nights", escalate: [step(10, "ann")] }];
  const warning = (name: string, init = {}) =>
    alert({ fingerprint: name, name, severity: "warning", startsAt: at, ...init });

  it("hold what can wait, and say it in one message when they end", async () => {
    const { hear, pass, texts, incidents } = await night({ at, routes });
    for (const name of ["DiskLow", "QueueLong"]) hear([warning(name)], { group: name });
    hear([warning("Down", { severity: "critical" })], { group: "Down" });
    await pass(5 * MINUTE);
    expect(texts("ops")).toEqual([expect.stringContaining("FIRING critical: Down")]);
    hear([warning("DiskLow", { status: "resolved", endsAt: at + 4 * MINUTE })], { group: "DiskLow" });
    await pass(20 * MINUTE);
    // It is over, and waits to be told all the same.
    expect(texts("ops")).toHaveLength(1);
    expect(await incidents()).toHaveLength(3);
    await pass(36 * MINUTE);
    const [, digest] = texts("ops");
    expect(digest).toContain("Quiet hours ended at 07:00 UTC; meanwhile 2 alerts came:");
    expect(digest).toMatch(/RESOLVED after \dm: DiskLow/);
    expect(digest).toContain("FIRING warning: QueueLong");
    expect(digest).not.toContain("Down");
    expect(texts("ops")).toHaveLength(2);
    await pass(20 * MINUTE);
    // Nobody was woken by it in the night; then its time counts from the morning.
    expect(texts("@ann").filter((text) => text.includes("QueueLong"))).toHaveLength(1);
    expect((await incidents()).map(({ group }) => group).toSorted()).toEqual(["Down", "QueueLong"]);
    hear([warning("QueueLong", { status: "resolved", endsAt: at + 80 * MINUTE })], { group: "QueueLong" });
    await pass(MINUTE);
    expect(texts("ops")).toHaveLength(2);
    expect(texts("ops")[1]).toContain("RESOLVED");
  });

  it("are over at once for what becomes critical", async () => {
    const { hear, pass, texts } = await night({ at, routes });
    hear([warning("DiskLow")]);
    await pass(5 * MINUTE);
    expect(texts("ops")).toEqual([]);
    hear([warning("DiskLow", { fingerprint: "f2", severity: "critical" })]);
    await pass(MINUTE);
    expect(texts("ops")).toEqual([expect.stringContaining("FIRING critical: DiskLow")]);
  });

  it("say their digest once over a restart", async () => {
    const first = await night({ at, routes });
    first.hear([warning("DiskLow")]);
    await first.pass(5 * MINUTE);
    await first.stop();
    await first.clock.advance(60 * MINUTE);
    const second = await night({ before: first, routes });
    await second.pass(MINUTE);
    expect(second.texts("ops")).toEqual([expect.stringContaining("meanwhile one alert came")]);
    await second.stop();
    const third = await night({ before: first, routes });
    await third.pass(MINUTE);
    expect(third.texts("ops")).toHaveLength(1);
  });
});
