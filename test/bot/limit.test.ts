import { afterEach, describe, expect, it } from "vitest";
import type { BotInit } from "../../src/bot/bot.ts";
import { type LimitInit, UNLIMITED } from "../../src/bot/limits/limits.ts";
import { readRate } from "../../src/bot/limits/rate.ts";
import { readPolicy } from "../../src/bot/policy.ts";
import type { AuditRecord } from "../../src/commands/audit-record.ts";
import { type MemoryInput, type MemoryInputInit, memoryInput } from "../../src/inputs/memory/memory.ts";
import { type ManualClock, manualClock } from "../fakes/clock.ts";
import { botOn, telling, textOf } from "./run-bot.ts";

const rate = (text: string) => readRate(text) as Exclude<ReturnType<typeof readRate>, "none">;
const REFUSED = /so it was not done/;
const CLOSING = /not heard; say again what still matters/;

let clock: ManualClock;
const inputs: MemoryInput[] = [];
afterEach(() => inputs.splice(0));

/** A bot on a memory input, limited by nothing but what the test says. */
async function botWith(limit: LimitInit, init: Partial<BotInit> = {}, of: MemoryInputInit = {}) {
  clock = manualClock();
  const input = memoryInput({ clock, ...of });
  const policy = readPolicy("members: ['test:*', 'bot:talk']\nguests: ['test:*', 'bot:talk']", "test");
  const bot = botOn([input], { clock, policy, ...init, limit: { ...UNLIMITED, ...limit } });
  await bot.start();
  const said = (what: RegExp, room?: string) =>
    input.sent.filter((one) => what.test(textOf(one)) && (room === undefined || one.place.room === room)).length;
  return { input, bot, said, pongs: () => said(/^pong$/) };
}

/** Says so much at once, and waits until all that was said was taken and dealt with. */
async function flood(input: MemoryInput, count: number, options: Parameters<MemoryInput["say"]>[1] = {}) {
  for (let at = 0; at < count; at++) input.say("ping", options);
  const last = input.say("nothing to the bot", { addressed: false, room: "elsewhere" });
  await expect.poll(() => input.taken.includes(last.id), { timeout: 10_000 }).toBe(true);
  for (let turn = 0; turn < 20; turn++) await clock.advance(0);
}

describe("limits: a flooder (item 7)", () => {
  it("is told once, in a whisper, and not heard until the time is over; then one word says how much that was", async () => {
    const { input, said, pongs } = await botWith({ person: rate("3/10s") });
    await flood(input, 20);
    expect([pongs(), said(REFUSED), said(CLOSING)]).toEqual([3, 1, 0]);
    expect(input.sent.find((one) => REFUSED.test(textOf(one)))).toMatchObject({ whisper: true, failed: true });
    expect(said(/more than 3 commands in 10s from you, so it was not done; I do not listen to that for 10s/)).toBe(1);
    await clock.advance(10_001);
    expect(said(/^16 more of yours were not heard/)).toBe(1);
    expect(input.sent.at(-1)).toMatchObject({ whisper: true });
    await flood(input, 1);
    expect([pongs(), input.sent.length]).toEqual([4, 6]);
  });

  it("who stops after the first refusal gets no word more", async () => {
    const { input } = await botWith({ person: rate("3/10s") });
    await flood(input, 4);
    await clock.advance(60_000);
    expect(input.sent).toHaveLength(4);
  });

  it("who goes on for ever is told no more than once in that time", async () => {
    const { input, said } = await botWith({ person: rate("3/10s") });
    for (let window = 0; window < 6; window++) {
      await flood(input, 30);
      await clock.advance(10_001);
    }
    expect(said(REFUSED)).toBe(1);
    expect(said(CLOSING)).toBeGreaterThan(2);
    expect(said(CLOSING)).toBeLessThanOrEqual(6);
  });

  it("is audited where they are told; of the rest the number, so that a flood washes nothing else away", async () => {
    const records: AuditRecord[] = [];
    const { input } = await botWith({ person: rate("3/10s") }, { audit: (record) => records.push(record) });
    await flood(input, 10);
    expect(records.map(({ outcome }) => outcome)).toEqual(["ok", "ok", "ok", "exhausted"]);
    await clock.advance(10_001);
    await flood(input, 1);
    expect(records.at(-1)).toMatchObject({ outcome: "ok", ignored: 6 });
  });

  it("does not keep others from being heard, in that room or elsewhere", async () => {
    const { input, said } = await botWith({ person: rate("3/10s") });
    await flood(input, 50);
    const before = said(/^pong$/);
    await flood(input, 2, { from: "bob" });
    await flood(input, 1, { from: "cid", room: "other" });
    expect(said(/^pong$/)).toBe(before + 3);
  });

  it("is one on all networks where they are one person", async () => {
    clock = manualClock();
    const [one, two] = [memoryInput({ clock, name: "one" }), memoryInput({ clock, name: "two" })];
    const policy = readPolicy("members: ['bot:talk']\npeople: { ann: ['one:ann', 'two:ann'] }", "test");
    await botOn([one, two], { clock, policy, limit: { ...UNLIMITED, person: rate("4/10s") } }).start();
    await flood(one, 3);
    await flood(two, 3);
    const pongs = [...one.sent, ...two.sent].filter((said) => textOf(said) === "pong");
    expect(pongs).toHaveLength(4);
  });
});

describe("limits: a room that is full", () => {
  it("still hears what stops things and a word on a request, and does not count them", async () => {
    const { command, runs } = telling("change", { effect: "write" });
    const policy = readPolicy("members: ['*:*']", "test");
    const { input, said, pongs } = await botWith(
      { person: rate("30/10s"), room: rate("100/10s") },
      { commands: [command], policy },
    );
    const hear = async (text: string, from: string) => {
      const before = input.sent.length;
      input.say(text, { from });
      await expect.poll(() => input.sent.length).toBeGreaterThan(before);
      return textOf(input.sent.at(-1));
    };
    expect(await hear("change it", "admin")).toMatch(/^this changes things/);
    for (const from of ["a", "b", "c", "d"]) await flood(input, 30, { from });
    expect(pongs()).toBe(99);
    expect(said(/more than 100 commands in 10s in this room/)).toBeGreaterThan(0);
    expect(await hear("no", "admin")).toBe("not done: change it");
    expect(await hear("jobs", "admin")).not.toMatch(REFUSED);
    expect(await hear("cancel 000000", "admin")).not.toMatch(REFUSED);
    expect(await hear("pause writes", "admin")).toMatch(/paused/);
    expect(await hear("resume writes", "admin")).toMatch(/writes/);
    expect(runs).toEqual([]);
    // Nor does what is urgent fill it.
    await clock.advance(60_000);
    for (const from of ["e", "f", "g", "h"]) for (let at = 0; at < 29; at++) input.say("jobs", { from });
    await flood(input, 1, { from: "admin" });
    expect(pongs()).toBe(100);
  });

  it("is no way round the limit of a person", async () => {
    const { input, said } = await botWith({ person: rate("3/10s"), room: rate("100/10s") });
    for (let at = 0; at < 20; at++) input.say("help");
    await flood(input, 0);
    expect(said(REFUSED)).toBe(1);
  });
});

describe("limits: refusals are no way to make the bot talk", () => {
  it("a crowd of strangers in one room gets a few words, and the rest in a sum", async () => {
    const { input, said } = await botWith({ guest: rate("1/10s") });
    for (let stranger = 0; stranger < 60; stranger++) {
      for (let time = 0; time < 3; time++) input.say("ping", { from: { id: `s${stranger}`, guest: true } });
    }
    await flood(input, 0);
    expect(said(REFUSED)).toBeLessThanOrEqual(3);
    await clock.advance(60_000);
    expect(said(REFUSED) + said(CLOSING)).toBeLessThanOrEqual(9);
    const counted = input.sent.flatMap((one) => /^(\d+) more of/.exec(textOf(one))?.[1] ?? []).map(Number);
    expect(counted.reduce((sum, one) => sum + one, 0) + said(REFUSED)).toBe(120);
  });

  it("those whom nobody can tell apart are one in each room, and not one over all rooms", async () => {
    const { input, said } = await botWith({ guest: rate("2/10s") });
    await flood(input, 10, { from: { id: undefined, guest: true }, room: "a" });
    await flood(input, 2, { from: { id: undefined, guest: true }, room: "b" });
    expect([said(/^pong$/, "a"), said(/^pong$/, "b")]).toEqual([2, 2]);
  });

  it("many rooms at once do not use up what the network lets us say", async () => {
    const { input, said } = await botWith({ person: rate("1/10s") });
    for (let room = 0; room < 100; room++) {
      for (let time = 0; time < 3; time++) input.say("ping", { from: `p${room}`, room: `r${room}` });
    }
    await flood(input, 0);
    await expect.poll(() => said(/^pong$/)).toBe(100);
    expect(said(REFUSED)).toBeLessThanOrEqual(15);
    await clock.advance(60_000);
    expect(said(REFUSED) + said(CLOSING)).toBeLessThanOrEqual(50);
  });

  it("strangers can use up half of what a room may say, and no more", async () => {
    const { input, said } = await botWith({ room: rate("10/10s") });
    for (let stranger = 0; stranger < 30; stranger++) input.say("ping", { from: { id: `s${stranger}`, guest: true } });
    await flood(input, 0);
    expect(said(/^pong$/)).toBe(5);
    await flood(input, 3);
    expect(said(/^pong$/)).toBe(8);
  });

  it("what is left to be told is told when the bot leaves", async () => {
    const { input, bot, said } = await botWith({ person: rate("3/10s") });
    await flood(input, 10);
    await bot.stop();
    expect(said(/^6 more of yours were not heard/)).toBe(1);
  });

  it("a pipe waits for an answer to each line, and gets one", async () => {
    const piped = memoryInput();
    const input = { ...piped, everyLine: true as const };
    await botOn([input], { limit: { ...UNLIMITED, person: rate("3/10s") } }).start();
    for (let line = 0; line < 10; line++) piped.say("ping");
    await expect.poll(() => piped.sent.length).toBe(10);
    expect(piped.sent.filter((one) => /from you, so it was not done; say it again in/.test(textOf(one)))).toHaveLength(
      7,
    );
  });
});

describe("limits: rooms, commands and services", () => {
  it("a room: for all in it together, told to each once", async () => {
    const { input, said } = await botWith({ room: rate("4/10s") });
    await flood(input, 3);
    await flood(input, 3, { from: "bob" });
    await flood(input, 1, { from: "cid", room: "other" });
    expect(said(/^pong$/)).toBe(5);
    expect(said(/more than 4 commands in 10s in this room/)).toBe(1);
    await flood(input, 2);
    expect(said(/more than 4 commands in 10s in this room/)).toBe(2);
  });

  it("a command: for everybody everywhere, and no other command", async () => {
    const { command, runs } = telling("dig");
    const { input, said } = await botWith({ command: rate("2/10s") }, { commands: [command] });
    for (const [from, room] of [
      ["ann", "a"],
      ["bob", "b"],
      ["cid", "c"],
    ] as const) {
      input.say("dig", { from, room });
    }
    await flood(input, 2, { from: "cid", room: "c" });
    expect(runs).toHaveLength(2);
    expect(said(/more than 2 commands in 10s for `dig`/, "c")).toBe(1);
    expect(said(/^pong$/, "c")).toBe(2);
  });

  it("a service: whatever is done to it, and no other service", async () => {
    const dig = telling("dig", { target: ({ what }: { what: string }) => what });
    const fill = telling("fill", { target: ({ what }: { what: string }) => what });
    const { input, said } = await botWith({ target: rate("2/10s") }, { commands: [dig.command, fill.command] });
    for (const line of ["dig well", "fill well", "dig well", "fill pond"]) input.say(line);
    await flood(input, 0);
    expect([dig.runs, fill.runs]).toEqual([["well"], ["well", "pond"]]);
    expect(said(/more than 2 commands in 10s for well/)).toBe(1);
  });

  it("a write counts when it is asked about, and its yes no more", async () => {
    const { command, runs } = telling("dig", { effect: "write" });
    const { input, said } = await botWith({ command: rate("1/1h") }, { commands: [command] });
    input.say("dig here");
    await flood(input, 0);
    input.say("yes");
    await flood(input, 0);
    expect(runs).toEqual(["here"]);
    input.say("dig there");
    await flood(input, 0);
    expect(runs).toEqual(["here"]);
    expect(said(/more than 1 commands? in 1h/)).toBe(1);
  });

  it("who may not run it uses up nothing", async () => {
    const { command, runs } = telling("dig", { effect: "write", permission: "deep:dig", confirm: false });
    const policy = readPolicy("roles: { diggers: { members: ['memory:ann'], grants: ['deep:dig'] } }", "test");
    const { input } = await botWith({ command: rate("1/10s") }, { commands: [command], policy });
    for (let time = 0; time < 5; time++) input.say("dig", { from: "bob" });
    await flood(input, 0);
    input.say("dig here");
    await flood(input, 0);
    expect(runs).toEqual(["here"]);
  });
});
