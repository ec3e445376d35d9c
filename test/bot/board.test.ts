import { PassThrough } from "node:stream";
import { describe, expect, it, vi } from "vitest";
import { drawCard } from "../../src/bot/card.ts";
import type { Board, Card } from "../../src/commands/board.ts";
import type { House } from "../../src/commands/house.ts";
import { MicroError } from "../../src/core/errors.ts";
import { render } from "../../src/inputs/discord/render.ts";
import type { Input } from "../../src/inputs/input.ts";
import { type MemoryInputInit, memoryInput } from "../../src/inputs/memory/memory.ts";
import { terminalInput } from "../../src/inputs/terminal/terminal.ts";
import { manualClock } from "../fakes/clock.ts";
import { botOn, textOf } from "./run-bot.ts";

/* Cards: messages that stay in a room and change. */

const settle = () => new Promise((resolve) => setImmediate(resolve));

async function setUp(init: MemoryInputInit = {}) {
  const clock = manualClock();
  const input = memoryInput({ clock, ...init });
  const { board, placeTo } = await boardOf([input], clock);
  const card = (words: Partial<Card> = {}): Card => ({
    key: "k",
    input: "memory",
    place: { room: "ops" },
    head: "InstanceDown",
    ...words,
  });
  return { clock, input, board, placeTo, card, texts: () => input.sent.map(textOf) };
}

async function boardOf(inputs: readonly Input[], clock = manualClock()): Promise<House> {
  const houses: House[] = [];
  await botOn(inputs, {
    clock,
    extensions: [
      (given) => {
        houses.push(given);
        return { commands: [] };
      },
    ],
  }).start();
  return houses[0] as House;
}

/** Until nothing more happens without the clock's going on. */
async function quiet() {
  for (let turn = 0; turn < 20; turn++) await settle();
}

describe("a card", () => {
  it("is said once and then changed where it stands", async () => {
    const { board, card, texts, input } = await setUp();
    const at = await board.put(card());
    expect(at).not.toBe("");
    expect(await board.put(card({ head: "InstanceDown, acknowledged by ann", at }))).toBe(at);
    expect(texts()).toEqual(["InstanceDown, acknowledged by ann"]);
    expect(input.sends).toBe(2);
  });

  it("is changed by another process, which knows only where it stands", async () => {
    const { board, card, texts, input, clock } = await setUp();
    const at = await board.put(card());
    const { board: other } = await boardOf([input], clock);
    expect(await other.put(card({ key: "another", head: "resolved", at, last: true }))).toBe(at);
    expect(texts()).toEqual(["resolved"]);
    expect(board.edits("memory")).toBe(true);
  });

  it("is not said again when it says the same", async () => {
    const { board, card, input } = await setUp();
    const at = await board.put(card({ views: [{ kind: "text", text: "3 nodes" }] }));
    expect(await board.put(card({ at, views: [{ kind: "text", text: "3 nodes" }] }))).toBe(at);
    expect(input.sends).toBe(1);
    await board.put(card({ at, views: [{ kind: "text", text: "2 nodes" }] }));
    expect(input.sends).toBe(2);
  });

  it("is forgotten when it is changed no more, so that its key can be another's", async () => {
    const { board, card, texts } = await setUp();
    const at = await board.put(card());
    await board.put(card({ at, head: "resolved", last: true }));
    const next = await board.put(card());
    expect(next === at).toBe(false);
    expect(texts()).toEqual(["resolved", "InstanceDown"]);
    await board.put(card({ at: next, last: true }));
    await board.put(card());
    expect(texts()).toEqual(["resolved", "InstanceDown", "InstanceDown"]);
  });

  it("is said anew when somebody has deleted it, and stands elsewhere then", async () => {
    const { board, card, input, texts } = await setUp();
    const at = await board.put(card());
    input.remove(input.sent[0]!);
    const next = await board.put(card({ at, head: "still down" }));
    expect(next === at).toBe(false);
    expect(texts()).toEqual(["still down"]);
    expect(await board.put(card({ at, head: "up", last: true }))).toBe(next);
    expect(texts()).toEqual(["up"]);
  });

  it("offers what can be picked, and says it where nothing can be pressed", async () => {
    const choices = [{ label: "Silence 1h", line: "silence a1 1h" }];
    const pressed = await setUp({ limits: { buttons: true } });
    await pressed.board.put(pressed.card({ choices }));
    expect(pressed.input.sent[0]?.choices).toEqual(choices);
    expect(pressed.texts()).toEqual(["InstanceDown"]);
    const typed = await setUp();
    await typed.board.put(typed.card({ choices }));
    expect(typed.texts()).toEqual(["InstanceDown\nSilence 1h: silence a1 1h"]);
  });

  it.each([true, false])("keeps its head and what can be picked, however long it is (buttons: %s)", async (buttons) => {
    const { board, card, input, texts } = await setUp({ limits: { textLength: 600, buttons } });
    const lines = Array.from({ length: 500 }, (_, at) => `greeter-${at} *does not* <answer>`);
    const views = [{ kind: "list", items: lines } as const, { kind: "text", text: "x".repeat(5000) } as const];
    const choices = [{ label: "Silence 1h", line: "silence a1 1h" }];
    await board.put(card({ head: "InstanceDown\nsince 3 min", views, choices }));
    const [said] = texts();
    expect(said?.length).toBeLessThanOrEqual(600);
    expect(said).toMatch(/^InstanceDown\nsince 3 min\n/);
    expect(said).toContain("greeter-0 ");
    if (buttons) expect(input.sent[0]?.choices).toEqual(choices);
    else expect(said).toMatch(/\nSilence 1h: silence a1 1h$/);
    expect(input.sent[0]?.file).toBeUndefined();
  });

  it("leaves room for what its network puts before its own markup", () => {
    const items = Array.from({ length: 500 }, (_, at) => `${at}: ${"*_~".repeat(33)}`);
    const limits = { textLength: 1800, files: true, edits: true, buttons: true, pictures: true };
    const views = [{ kind: "text", text: items.join("\n") } as const];
    const { parts } = drawCard({ place: { room: "r" }, head: "Instance_Down", views }, limits);
    const said = render(parts);
    expect(said.length).toBeLessThanOrEqual(2000);
    expect(said.length).toBeGreaterThan(500);
    expect(said).toMatch(/does not fit here$/);
  });

  it("is cut even if it is all head", async () => {
    const { board, card, texts } = await setUp({ limits: { textLength: 300 } });
    const choices = Array.from({ length: 25 }, (_, at) => ({ label: `Do ${at}`, line: `do something ${at}` }));
    await board.put(card({ head: "<&>".repeat(1000), choices }));
    expect(texts()[0]?.length).toBeLessThanOrEqual(300);
    expect(texts()[0]).toContain("\nDo 0: do something 0\n");
    // No half of a line, which would say something else.
    expect(texts()[0]).toMatch(/\nDo (\d+): do something \1$/);
  });

  it("is said anew only for a new head where nothing can be changed, also by another process", async () => {
    const { board, card, input, texts, clock } = await setUp({ limits: { edits: false } });
    const at = await board.put(card({ views: [{ kind: "text", text: "3 nodes" }] }));
    expect(await board.put(card({ at, views: [{ kind: "text", text: "2 nodes" }] }))).toBe(at);
    const { board: other } = await boardOf([input], clock);
    await other.put(card({ at, views: [{ kind: "text", text: "1 node" }] }));
    expect(texts()).toEqual(["InstanceDown\n3 nodes"]);
    await other.put(card({ at, head: "InstanceDown, resolved", last: true }));
    expect(texts()).toEqual(["InstanceDown\n3 nodes", "InstanceDown, resolved"]);
    expect(other.edits("memory")).toBe(false);
  });

  it("stands in a terminal once, and below that when its head has changed", async () => {
    const [typed, shown] = [new PassThrough(), new PassThrough()];
    let drawn = "";
    shown.on("data", (chunk) => (drawn += String(chunk)));
    const input = terminalInput({ input: typed, output: shown, user: "ann" })();
    const { board, placeIn } = await boardOf([input]);
    const card = { key: "k", name: "a1", input: "terminal", place: placeIn("terminal", "here")!, head: "InstanceDown" };
    const choices = [{ label: "Silence 1h", line: "silence a1 1h" }];
    const nodes = (text: string) => [{ kind: "text", text }] as const;
    let at = await board.put({ ...card, views: nodes("3 nodes"), choices });
    at = await board.put({ ...card, views: nodes("2 nodes"), choices, at });
    await board.under({ ...card, at }, "ann looks at it");
    await board.put({ ...card, head: "InstanceDown, resolved", at, last: true });
    const text = "InstanceDown\n3 nodes\nSilence 1h: silence a1 1h\na1: ann looks at it\nInstanceDown, resolved\n";
    await vi.waitFor(() => expect(drawn).toBe(text));
  });

  it("is refused where nobody is, and while its network is away; then it was certainly not said", async () => {
    const { board, card, input } = await setUp();
    await expect(board.put(card({ input: "nowhere" }))).rejects.toMatchObject({ code: "invalid_argument" });
    expect(board.live("memory")).toBe(true);
    expect(board.live("nowhere")).toBe(false);
    input.failConnects(new MicroError("unavailable", "gone"), 1000);
    input.lose();
    await quiet();
    expect(board.live("memory")).toBe(false);
    const away = { code: "unavailable", details: { unsaid: true } };
    await expect(board.put(card())).rejects.toMatchObject(away);
    await expect(board.under(card(), "words")).rejects.toMatchObject(away);
    expect(input.sends).toBe(0);
  });

  it("tells of a refusal for good, and of one that nobody knows the end of", async () => {
    const { board, card, input, texts } = await setUp();
    input.failSends(new MicroError("invalid_argument", "no such room"));
    await expect(board.put(card())).rejects.toMatchObject({ code: "invalid_argument" });
    input.failSends(new MicroError("unavailable", "reset"));
    const failed = await board.put(card()).catch((error: unknown) => error);
    expect(failed).toMatchObject({ code: "unavailable" });
    expect((failed as MicroError).details["unsaid"]).toBeUndefined();
    await board.put(card());
    expect(texts()).toEqual(["InstanceDown"]);
  });
});

describe("what belongs to a card", () => {
  it("goes into its thread, and into the room with its name before it where there is none", async () => {
    const { board, card, input } = await setUp();
    const at = await board.put(card());
    await board.under(card({ at, name: "a1" }), "ann has acknowledged it");
    await board.under(card({ key: "another", name: "a2" }), "it is said nowhere yet");
    await board.under(card({ key: "third" }), "nor this");
    expect(input.sent.slice(1).map((said) => [said.place["under"], textOf(said)])).toEqual([
      [at, "ann has acknowledged it"],
      [undefined, "a2: it is said nowhere yet"],
      [undefined, "third: nor this"],
    ]);
  });

  it("reaches a person, whose place is known by their id", async () => {
    const { board, card, input, placeTo } = await setUp();
    await board.put(card({ place: placeTo("memory", "ann")! }));
    expect(input.sent[0]?.place).toEqual({ room: "@ann" });
    expect(placeTo("nowhere", "ann")).toBeUndefined();
  });
});

describe("many cards", () => {
  const pace = { link: 50, room: 50 };
  const many = (board: Board, card: (words: Partial<Card>) => Card, count: number, rooms = 1) =>
    Array.from({ length: count }, (_, at) =>
      board.put(card({ key: `k${at}`, head: `alert ${at}`, place: { room: `room ${at % rooms}` } })),
    );

  it("come no faster than their network takes them, in any minute, and none is lost", async () => {
    const { board, card, clock, input } = await setUp({ pace });
    const asleep = clock.sleepers;
    const all = Promise.all(many(board, card, 200, 4));
    const sends: number[] = [];
    for (let second = 0; second < 400 && input.sends < 200; second++) {
      await quiet();
      sends.push(input.sends);
      await clock.advance(1000);
    }
    await all;
    expect(new Set(input.sent.map(textOf)).size).toBe(200);
    expect(sends[0]).toBe(10);
    for (let at = 60; at < sends.length; at++) expect(sends[at]! - sends[at - 60]!).toBeLessThanOrEqual(50);
    // And no slower: 50 at most in the first minute, 40 in each that follows.
    expect(sends.length).toBeLessThanOrEqual(300);
    expect(clock.sleepers).toBe(asleep);
  });

  it("take turns, room by room, and no room has more than its own share", async () => {
    const { board, card, clock, input } = await setUp({ pace: { link: 50, room: 20 } });
    const storm = Promise.allSettled(many(board, card, 100));
    const other = board.put(card({ key: "other", head: "elsewhere", place: { room: "elsewhere" } }));
    await quiet();
    // The storm's room has used up its burst, not the link's.
    expect(input.sent.map(textOf)).toEqual(["alert 0", "elsewhere", "alert 1", "alert 2", "alert 3"]);
    await other;
    await clock.advance(60_000);
    await quiet();
    expect(input.sends).toBeLessThanOrEqual(21);
    input.end();
    await storm;
  });

  it("say what is newest when their turn comes, and all who put it are told where it stands", async () => {
    const { board, card, clock, input, texts } = await setUp({ pace: { link: 5, room: 5 } });
    const at = await board.put(card());
    const waiting = [1, 2, 3].map((n) => board.put(card({ at, head: `InstanceDown, ${n} nodes` })));
    await quiet();
    expect(texts()).toEqual(["InstanceDown"]);
    await clock.advance(20_000);
    expect(await Promise.all(waiting)).toEqual([at, at, at]);
    expect(texts()).toEqual(["InstanceDown, 3 nodes"]);
    expect(input.sends).toBe(2);
  });

  it("are not said at all when they have become what they were while they waited", async () => {
    const { board, card, clock, input } = await setUp({ pace: { link: 5, room: 5 } });
    const at = await board.put(card());
    const flapping = [board.put(card({ at, head: "resolved" })), board.put(card({ at }))];
    await quiet();
    await clock.advance(20_000);
    expect(await Promise.all(flapping)).toEqual([at, at]);
    expect(input.sends).toBe(1);
  });

  it("say what is new before what changes", async () => {
    const { board, card, clock, texts } = await setUp({ pace: { link: 5, room: 5 } });
    const at = await board.put(card());
    const both = [board.put(card({ at, head: "changed" })), board.put(card({ key: "new", head: "another alert" }))];
    await clock.advance(20_000);
    await quiet();
    expect(texts()).toEqual(["InstanceDown", "another alert"]);
    await clock.advance(20_000);
    await Promise.all(both);
    expect(texts()).toEqual(["changed", "another alert"]);
  });

  it("leave their turn to others when nobody waits for them any more", async () => {
    const { board, card, clock, texts } = await setUp({ pace: { link: 5, room: 5 } });
    await board.put(card());
    const leaving = new AbortController();
    const error = (thrown: unknown) => thrown;
    const gone = board.put(card({ key: "gone", head: "gone" }), { signal: leaving.signal }).catch(error);
    const late = board.put(card({ key: "late", head: "late" }), { timeoutMs: 5 }).catch(error);
    const stays = board.put(card({ key: "stays", head: "stays" }));
    await quiet();
    leaving.abort();
    expect(await gone).toMatchObject({ code: "cancelled", details: { unsaid: true } });
    expect(await late).toMatchObject({ code: "timeout", details: { unsaid: true } });
    await clock.advance(20_000);
    await stays;
    expect(texts()).toEqual(["InstanceDown", "stays"]);
  });

  it("of which nobody waits any more while its network asks to wait is certainly not said, then or later", async () => {
    const { board, card, clock, input, texts } = await setUp();
    input.failSends(new MicroError("exhausted", "slower", { details: { retryAfterMs: 30_000 } }));
    const put = board.put(card({ last: true }), { timeoutMs: 50 });
    await expect(put).rejects.toMatchObject({ code: "timeout", details: { unsaid: true } });
    await clock.advance(60_000);
    expect(texts()).toEqual([]);
    await board.put(card({ head: "InstanceDown, once more", last: true }));
    expect(texts()).toEqual(["InstanceDown, once more"]);
  });

  it("wait as long as their network asks them to, each room for itself", async () => {
    const { board, card, clock, input, texts } = await setUp();
    input.failSends(new MicroError("exhausted", "slower", { details: { retryAfterMs: 30_000 } }));
    const held = board.put(card());
    await quiet();
    const elsewhere = board.put(card({ key: "b", head: "elsewhere", place: { room: "b" } }));
    const behind = board.put(card({ key: "c", head: "behind" }));
    await elsewhere;
    await clock.advance(29_000);
    await quiet();
    expect(texts()).toEqual(["elsewhere"]);
    await clock.advance(2000);
    await Promise.all([held, behind]);
    expect(texts().slice(1).sort()).toEqual(["InstanceDown", "behind"]);
  });

  it("are told when the link ends for good, and none of them waits on", async () => {
    const { board, card, clock, input } = await setUp({ pace: { link: 5, room: 5 } });
    const asleep = clock.sleepers;
    const all = many(board, card, 5);
    await quiet();
    expect(clock.sleepers).toBe(asleep + 1);
    input.end();
    const ended = await Promise.allSettled(all);
    expect(ended.map(({ status }) => status)).toEqual(["fulfilled", ...Array.from({ length: 4 }, () => "rejected")]);
    expect(clock.sleepers).toBe(asleep);
  });
});
