import { afterEach, describe, expect, it, vi } from "vitest";
import { ALERT_TABLES } from "../../../src/alerts/incidents/closed.ts";
import type { Input, InputConnection, OutgoingMessage } from "../../../src/inputs/input.ts";
import { type MemoryInput, memoryInput } from "../../../src/inputs/memory/memory.ts";
import { memoryDb } from "../../../src/platform/db/memory.ts";
import { memoryKv, memoryShelf } from "../../../src/platform/kv/memory.ts";
import { textOf } from "../../bot/run-bot.ts";
import { manualClock } from "../../fakes/clock.ts";
import { mortalKv } from "../../fakes/mortal-kv.ts";
import { alert, NOON, notification } from "./notifications.ts";
import { alertsRoom, box } from "./room.ts";

// Minutes go by in these.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

/* Alerts over processes that end at any moment, by a clock that goes when it is told to. */

const MINUTE = 60_000;
const FIRING = [alert({ labels: { service: "payments" } })];
const RESOLVED = [alert({ labels: { service: "payments" }, status: "resolved", endsAt: NOON + 5000 })];

let processes = 0;

/** What a network is to one process: what another one has said there it knows by where it stands, and by nothing else. */
function seenBy(input: MemoryInput): Input {
  const own = `process${++processes}/`;
  const mine = (message: OutgoingMessage): OutgoingMessage =>
    message.progress ? { ...message, progress: { ...message.progress, key: own + message.progress.key } } : message;
  return {
    ...input,
    connect: async (options) => {
      const connection = await input.connect(options);
      const send: InputConnection["send"] = (message, how) => connection.send(mine(message), how);
      return Object.assign(Object.create(connection), { send });
    },
  };
}

/** What the processes of one bot share, and the room that both speak in. */
function shared() {
  const clock = manualClock(NOON);
  return { clock, shelf: memoryShelf(), inbox: box(), db: memoryDb(ALERT_TABLES), input: memoryInput({ clock }) };
}

const dead: (() => void)[] = [];
afterEach(() => {
  for (const bury of dead.splice(0)) bury();
});

/** A process that may die, and then is cleared away. */
async function process(all: ReturnType<typeof shared>) {
  const { shelf, ...rest } = all;
  const kv = mortalKv(memoryKv({ shelf }));
  const room = await alertsRoom({ ...rest, kv, inputs: [seenBy(rest.input)] });
  dead.push(() => kv.dead && kv.bury());
  return { ...room, kv };
}

describe("a notification", () => {
  it("that is given twice, because its worker died before it was done, is one card", async () => {
    const all = shared();
    all.inbox.replay = true;
    const { pass, texts, one } = await process(all);
    all.inbox.put(notification(FIRING));
    await pass(5000);
    all.inbox.put(notification(RESOLVED));
    await pass(MINUTE);
    expect(texts().filter((text) => /^(FIRING|RESOLVED)/.test(text))).toEqual([expect.stringMatching(/^RESOLVED/)]);
    expect(await one()).toMatchObject({ fires: 1, status: "resolved" });
  });
});

describe("an inbox that fails", () => {
  it("is asked anew", async () => {
    const inbox = box();
    let failures = 2;
    const failing: typeof inbox = {
      put: inbox.put,
      replay: false,
      waiting: 0,
      take: (signal) => {
        if (failures-- > 0) throw new Error("broken");
        return inbox.take(signal);
      },
    };
    const { hear, pass, texts } = await alertsRoom({ inbox: failing });
    hear(FIRING);
    await pass(20_000);
    expect(texts()).toEqual([expect.stringMatching(/^FIRING/)]);
  });
});

describe("a process that is killed", () => {
  /* Each question that it asks the store is one moment at which it may die: before it was carried out, or after. */
  const moments = Array.from({ length: 7 }, (_, n) => n).flatMap((n) => [
    { n, when: "before" as const },
    { n, when: "after" as const },
  ]);

  it.each(moments)(
    "$when its write number $n has left all to the next one, which says it at most once more",
    async (moment) => {
      const all = shared();
      const first = await process(all);
      let writes = -1;
      first.kv.dieAt(moment.when, ({ what, key }) => {
        if (!key.startsWith("incident.") || what === "list" || what === "get") return false;
        writes += 1;
        return writes === moment.n;
      });
      all.inbox.put(notification(FIRING));
      await first.pass(10_000);
      all.inbox.put(notification(RESOLVED, { receivedAt: NOON + 5000 }));
      await first.pass(20_000);
      first.kv.die();
      const before = first.texts().filter((text) => /^(FIRING|RESOLVED)/.test(text)).length;
      const next = await process(all);
      await next.pass(2 * MINUTE);
      const cards = all.input.sent.map(textOf).filter((text) => /^(FIRING|RESOLVED)/.test(text));
      expect(all.inbox.waiting).toBe(0);
      expect((await next.one()).status).toBe("resolved");
      expect(cards.at(-1)).toMatch(/^RESOLVED/);
      // One card; or one more, which says so.
      expect(cards.length).toBeLessThanOrEqual(2);
      if (cards.length === 2) {
        expect(before).toBe(1);
        expect(cards[1]).toContain("may stand here twice");
      }
    },
  );
});

describe("a demonstration of an alert", () => {
  it("is taken back by the next process where the one that showed it was killed", async () => {
    const all = shared();
    const first = await process(all);
    first.input.say("alert demo");
    await first.pass(2000);
    first.kv.die();
    const next = await process(all);
    await next.pass(3 * MINUTE);
    expect((await next.one()).status).toBe("resolved");
  });
});

describe("two replicas", () => {
  it("say it once, and the other goes on when one is gone", async () => {
    const all = shared();
    const other = memoryInput({ clock: all.clock });
    const first = await process(all);
    const second = await process({ ...all, input: other });
    all.inbox.put(notification(FIRING));
    await first.pass(10_000);
    expect(first.texts()).toHaveLength(1);
    expect(second.texts()).toEqual([]);
    first.kv.die();
    await second.pass(15_000);
    all.inbox.put(notification(RESOLVED));
    await second.pass(30_000);
    expect(second.texts()).toEqual([expect.stringMatching(/^RESOLVED/), "resolved after 5s"]);
    expect(first.texts()).toHaveLength(1);
    expect(all.inbox.waiting).toBe(0);
  });

  it("see what people said to the one that does not show it", async () => {
    const all = shared();
    const other = memoryInput({ clock: all.clock });
    const first = await process(all);
    const second = await process({ ...all, input: other });
    all.inbox.put(notification(FIRING));
    await first.pass(10_000);
    const { id } = await first.one();
    expect(await second.ask(`ack ${id}`, "bob")).toContain(`bob acknowledged ${id}`);
    await first.pass(10_000);
    expect(first.texts()).toEqual([expect.stringContaining("bob acknowledged it")]);
  });

  it("hand over at once when one of them is stopped", async () => {
    const all = shared();
    const other = memoryInput({ clock: all.clock });
    const first = await process(all);
    const second = await process({ ...all, input: other });
    await first.stop();
    all.inbox.put(notification(FIRING));
    await second.pass(5000);
    expect(second.texts()).toHaveLength(1);
  });
});
