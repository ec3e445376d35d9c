import { describe, expect, it } from "vitest";
import { createDisplay } from "../../../src/alerts/incidents/display.ts";
import type { Incident } from "../../../src/alerts/incidents/incident.ts";
import { merge } from "../../../src/alerts/incidents/merge.ts";
import { createIncidentStore, incidentKey } from "../../../src/alerts/incidents/store.ts";
import { MicroError } from "../../../src/core/errors.ts";
import { silent } from "../../../src/core/log.ts";
import { memoryKv, memoryShelf } from "../../../src/platform/kv/memory.ts";
import { manualClock } from "../../fakes/clock.ts";
import { alert, NOON, notification } from "./notifications.ts";

/* A process that was stopped in the middle of showing a card, and goes on after another has taken over. */

const PLACE = { input: "memory", room: "ops", place: { room: "ops" } };
const FIRST: Incident = { ...merge(undefined, notification([alert()]), NOON, "a7f3"), cards: [PLACE] };
const KEY = incidentKey(FIRST);

/** Two that both believe that it is their turn; the board of each says where a card stands when it is told to. */
async function two() {
  const clock = manualClock(NOON);
  const shelf = memoryShelf();
  const leaving = new AbortController();
  const one = async () => {
    const kv = memoryKv({ shelf });
    await kv.start();
    const store = createIncidentStore({ kv, clock, log: silent });
    const self = { puts: 0, put: async (): Promise<string> => "" };
    const put = () => {
      self.puts += 1;
      return self.put();
    };
    const board = { live: () => true, edits: () => true, put, under: async () => {} };
    const offers = () => ({ can: () => false });
    const display = createDisplay({
      ...{ store, board, clock, log: silent, offers },
      ...{ findings: () => [], leads: () => true },
    });
    return { self, store, display, kv };
  };
  const [early, late] = [await one(), await one()];
  await early.store.alter(KEY, () => FIRST);
  await late.store.list();
  const going: Promise<void>[] = [];
  return {
    ...{ early, late, clock },
    show: async ({ display }: typeof early) => {
      going.push(display.run(leaving.signal));
      display.mark(KEY);
      await clock.advance(100);
    },
    card: async () => (JSON.parse((await late.kv.get(KEY))?.value ?? "") as Incident).cards[0],
    end: async () => {
      leaving.abort();
      await clock.advance(5000);
      await Promise.all(going);
      await early.kv.stop();
      await late.kv.stop();
    },
  };
}

function gate() {
  let open = (_at: string) => {};
  let refuse = (_error: MicroError) => {};
  const opened = new Promise<string>((resolve, reject) => {
    open = resolve;
    refuse = reject;
  });
  return { opened, open, refuse };
}

describe("a card that another has said meanwhile", () => {
  it("stays where the other has put it, when the first one is heard late", async () => {
    const { early, late, clock, show, card, end } = await two();
    const slow = gate();
    early.self.put = () => slow.opened;
    late.self.put = async () => "other";
    await show(early);
    await clock.advance(1000);
    await show(late);
    expect(await card()).toMatchObject({ at: "other", twice: true });
    slow.open("first");
    await clock.advance(1000);
    expect(await card()).toMatchObject({ at: "other", twice: true });
    await end();
  });

  it("is begun still, when the first one was refused", async () => {
    const { early, late, clock, show, card, end } = await two();
    const [first, second] = [gate(), gate()];
    early.self.put = () => first.opened;
    late.self.put = () => second.opened;
    await show(early);
    await clock.advance(1000);
    await show(late);
    first.refuse(new MicroError("exhausted", "too fast"));
    await clock.advance(500);
    expect(await card()).toMatchObject({ begunAt: NOON + 1100, twice: true });
    second.open("other");
    await clock.advance(100);
    expect(await card()).toMatchObject({ at: "other", twice: true });
    await end();
  });

  it("is not said again by who has not seen that yet", async () => {
    const { early, late, show, card, end } = await two();
    early.self.put = async () => "first";
    await show(early);
    await show(late);
    expect(await card()).toMatchObject({ at: "first" });
    expect(await card()).not.toHaveProperty("twice");
    expect(late.self.puts).toBe(0);
    await end();
  });
});
