import { describe, expect, it, vi } from "vitest";
import { isFlapping } from "../../../src/alerts/incidents/incident.ts";
import { MicroError } from "../../../src/core/errors.ts";
import type { Input } from "../../../src/inputs/input.ts";
import { memoryInput } from "../../../src/inputs/memory/memory.ts";
import { manualClock } from "../../fakes/clock.ts";
import { alert, NOON } from "./notifications.ts";
import { alertsRoom } from "./room.ts";

// Minutes go by in these.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

/* One card for each incident, from the notification to the room, by a clock that goes when it is told to. */

const payments = { service: "payments", instance: "10.0.0.1:8080" };
const MINUTE = 60_000;

/** A room whose network can be taken away. */
async function roomBelow() {
  const clock = manualClock(NOON);
  const input = memoryInput({ clock });
  let away = false;
  const refused = () => Promise.reject(new MicroError("unavailable", "away"));
  const below: Input = { ...input, connect: (options) => (away ? refused() : input.connect(options)) };
  const room = await alertsRoom({ clock, input, inputs: [below] });
  const leave = () => {
    away = true;
    input.lose();
  };
  const comeBack = () => {
    away = false;
  };
  return { ...room, leave, comeBack };
}

describe("an incident", () => {
  it("becomes one card that is changed until it is resolved, with a word below it", async () => {
    const { inbox, hear, pass, texts, one } = await alertsRoom();
    hear([alert({ labels: payments })]);
    await pass(5000);
    const { id } = await one();
    expect(texts()).toEqual([
      expect.stringContaining(`FIRING critical: InstanceDown · go.micro.srv.payments · since 12:00 UTC (${id})`),
    ]);
    expect(texts()[0]).toContain("it does not answer");
    expect(texts()[0]).toContain(`ack ${id}`);
    hear([alert({ labels: payments, status: "resolved", endsAt: NOON + 5000 })]);
    await pass(10_000);
    const title = `InstanceDown · go.micro.srv.payments (${id})`;
    expect(texts()).toEqual([`RESOLVED after 5s: ${title}`, "resolved after 5s"]);
    expect(inbox.waiting).toBe(0);
  });

  it("is shown in each of its rooms, and in none that there is not", async () => {
    const names = ["ops", "team"];
    const { hear, pass, texts } = await alertsRoom({
      roomsFor: () => [
        ...names.map((room) => ({ input: "memory", room })),
        { input: "nowhere", room: "ops" },
        { input: "memory", room: "ops" },
      ],
    });
    hear([alert()]);
    await pass(5000);
    for (const room of names) expect(texts(room)).toHaveLength(1);
  });

  it("tells one that names nothing that is known", async () => {
    const { hear, pass, texts, one } = await alertsRoom();
    hear([alert({ labels: { service: "nobody" } })]);
    await pass(5000);
    expect(texts()).toEqual([expect.stringContaining("names no service that I know")]);
    expect((await one()).services).toEqual([]);
  });

  it("is told of though its end comes first, when its network was away", async () => {
    const { leave, comeBack, hear, pass, texts } = await roomBelow();
    leave();
    hear([alert({ labels: payments })]);
    await pass(MINUTE);
    hear([alert({ labels: payments, status: "resolved", endsAt: NOON + MINUTE })]);
    await pass(11 * MINUTE);
    expect(texts()).toEqual([]);
    comeBack();
    await pass(2 * MINUTE);
    expect(texts()).toHaveLength(1);
    expect(texts()[0]).toMatch(/^RESOLVED after 1m: .*\ntold 1\dm late: chat was away$/s);
  });

  it("that never fired, as far as anybody heard, is not told", async () => {
    const { hear, pass, texts, incidents } = await alertsRoom();
    hear([alert({ status: "resolved", endsAt: NOON })]);
    await pass(5000);
    expect(texts()).toEqual([]);
    await pass(20 * MINUTE);
    expect(await incidents()).toEqual([]);
  });

  it("waits where chat is away, and is put oldest first, once, with its age", async () => {
    const { leave, comeBack, hear, pass, texts } = await roomBelow();
    leave();
    for (const group of ["first", "second", "third"]) {
      hear([alert({ name: group })], { group });
      await pass(MINUTE);
    }
    comeBack();
    await pass(3 * MINUTE);
    const heads = texts().map((text) => text.split("\n").slice(0, 2).join(" "));
    expect(heads).toEqual([
      expect.stringMatching(/^FIRING critical: first .* told \dm late: chat was away$/),
      expect.stringMatching(/^FIRING critical: second .* told \dm late: chat was away$/),
      expect.stringMatching(/^FIRING critical: third .*$/),
    ]);
  });

  it("is said again when its network was too fast for that, and only once where it is not", async () => {
    const { input, hear, pass, texts, one } = await alertsRoom();
    input.failSends(new MicroError("exhausted", "slow down", { details: { retryAfterMs: 4000 } }), 3);
    hear([alert()]);
    await pass(30_000);
    expect(texts()).toHaveLength(1);
    expect(texts()[0]).not.toContain("twice");
    expect((await one()).cards[0]).not.toHaveProperty("twice");
  });

  it("says that it may stand there twice where nobody knows", async () => {
    const { input, hear, pass, texts } = await alertsRoom();
    input.failSends(new MicroError("timeout", "no answer"));
    hear([alert()]);
    await pass(30_000);
    expect(texts()).toEqual([expect.stringContaining("may stand here twice")]);
  });

  it("that its network will not have is not said again and again", async () => {
    const { input, hear, pass, ask, one, texts } = await alertsRoom();
    input.failSends(new MicroError("invalid_argument", "there is no such room"));
    hear([alert()]);
    await pass(MINUTE);
    expect((await one()).cards[0]).toMatchObject({ refused: "there is no such room" });
    hear([alert({ fingerprint: "f2" })]);
    await pass(MINUTE);
    expect(texts()).toEqual([]);
    expect(await ask(`alert show ${(await one()).id}`)).toContain("not shown in ops: there is no such room");
  });

  it("is said anew where nothing can be changed, and only when its first line is another", async () => {
    const clock = manualClock(NOON);
    const input = memoryInput({ clock, limits: { edits: false } });
    const { hear, pass, texts, ask, one } = await alertsRoom({ clock, input });
    hear([alert()]);
    await pass(5000);
    const { id } = await one();
    await ask(`ack ${id}`);
    hear([alert({ fingerprint: "f2" })]);
    await pass(MINUTE);
    expect(texts()).toHaveLength(1);
    hear([alert({ status: "resolved" }), alert({ status: "resolved", fingerprint: "f2" })]);
    await pass(MINUTE);
    expect(texts()).toEqual([expect.stringContaining("FIRING"), expect.stringMatching(/^RESOLVED/)]);
  });
});

describe("an incident that goes back and forth", () => {
  it("stays one card, which is changed once a minute and counts", async () => {
    const { input, hear, pass, said, texts, one } = await alertsRoom();
    const edits: number[] = [];
    let before = "";
    for (let turn = 0; turn < 24; turn++) {
      const startsAt = NOON + turn * 20_000;
      hear([alert({ startsAt })]);
      await pass(10_000);
      hear([alert({ startsAt, status: "resolved", endsAt: startsAt + 10_000 })]);
      await pass(10_000);
      const now = texts()[0] ?? "";
      if (now !== before) edits.push(turn);
      before = now;
    }
    expect(isFlapping(await one(), NOON + 24 * 20_000)).toBe(true);
    expect(texts().filter((text) => /^(FIRING|RESOLVED)/.test(text))).toHaveLength(1);
    expect(texts()[0]).toMatch(/flapping: it fired \d\d times/);
    // Eight minutes and forty-eight turns.
    expect(edits.length).toBeLessThanOrEqual(11);
    expect(input.sends).toBeLessThanOrEqual(11 * 2);
    expect(said().length).toBeLessThanOrEqual(11);
    await pass(30 * MINUTE);
    expect(texts()[0]).toMatch(/^RESOLVED/);
  });
});

describe("a storm of a thousand alerts in a minute", () => {
  it("is one post for each group, and none is lost", async () => {
    const { hear, pass, said, incidents, inbox, input } = await alertsRoom();
    const first = new Map<string, number>();
    for (let n = 0; n < 1000; n++) {
      const group = `group${n % 50}`;
      const known = first.get(group) ?? 0;
      first.set(group, known + 1);
      hear([alert({ name: `Storm${n % 50}`, fingerprint: `alert${n}`, startsAt: NOON + n })], { group });
      if (n % 20 === 19) await pass(1200);
    }
    await pass(3 * MINUTE);
    const all = await incidents();
    expect(all).toHaveLength(50);
    expect(all.flatMap(({ states }) => Object.keys(states))).toHaveLength(1000);
    expect(inbox.waiting).toBe(0);
    expect(said()).toHaveLength(50);
    for (const message of said()) expect(message.parts.map(({ text }) => text).join("\n")).toContain("20 firing");
    // Posts, and changes at the pace of the room: one a second.
    expect(input.sends).toBeLessThanOrEqual(60 + 3 * 60);
  });
});

describe("what an incident names", () => {
  it("is asked how it is, and again no oftener than every 30 s; only what people see changes the card", async () => {
    let asked = 0;
    let bad = false;
    const clock = manualClock(NOON);
    const { hear, pass, texts, input } = await alertsRoom({
      clock,
      examine: async (service) => {
        asked += 1;
        const node = { id: `${service}-1`, address: "10.0.0.1:8080", version: `1.${asked}`, since: NOON, before: true };
        const ok = { ...node, ok: true, status: "ok", latencyMs: asked };
        return {
          examination: {
            service,
            at: clock.now(),
            withinMs: 3000,
            nodes: [bad ? { ...node, version: "1", ok: false, status: "", cause: "timeout" } : { ...ok, version: "1" }],
            bad: bad ? 1 : 0,
            causes: [],
            versions: [],
            gone: [],
            depends: [],
          },
        };
      },
    });
    hear([alert({ labels: payments })]);
    await pass(5000);
    expect(texts()).toEqual([expect.stringContaining("go.micro.srv.payments is well")]);
    const sends = input.sends;
    await pass(5 * MINUTE);
    expect(input.sends).toBe(sends);
    expect(asked).toBeGreaterThan(5);
    expect(asked).toBeLessThanOrEqual(11);
    bad = true;
    await pass(MINUTE);
    expect(texts()[0]).toContain("timeout");
    expect(texts()).toHaveLength(1);
  });

  it("does not hold up the card for long", async () => {
    const { hear, pass, texts } = await alertsRoom({ examine: () => new Promise(() => {}) });
    hear([alert({ labels: payments })]);
    await pass(1000);
    expect(texts()).toEqual([]);
    await pass(4000);
    expect(texts()).toHaveLength(1);
  });
});
