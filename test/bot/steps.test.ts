import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { LAYERS, STEPS, type Stepped } from "../../src/bot/steps.ts";
import { memoryInput } from "../../src/inputs/memory/memory.ts";
import { botOn, telling } from "./run-bot.ts";

/* The steps that a message takes, as the harness of `test/faults` has processes die at them. */

const told: string[] = [];
const listen = (message: unknown) => void told.push((message as Stepped).step);
afterEach(() => {
  unsubscribe("micro:step", listen);
  told.length = 0;
});

describe("the steps of a message", () => {
  it("are told, all of them, in the order of the layers and back", async () => {
    const input = memoryInput();
    await botOn([input], { commands: [telling("look").command] }).start();
    subscribe("micro:step", listen);
    input.say("look here");
    await input.next();
    await expect.poll(() => told.at(-1)).toBe("< told");
    expect([...new Set(told)].sort()).toEqual([...STEPS].sort());
    const into = told.filter((step) => step.startsWith("> ")).map((step) => step.slice(2));
    const out = told.filter((step) => step.startsWith("< ")).map((step) => step.slice(2));
    expect(out).toEqual(into.toReversed());
    // What is written down comes before everything that has an effect.
    expect(into.indexOf("once")).toBeLessThan(into.indexOf("answer"));
    expect(told.indexOf("> begin")).toBeLessThan(told.indexOf("running"));
  });

  it("stand in docs/architecture.md, one row each", async () => {
    const page = await readFile(join(import.meta.dirname, "../../docs/architecture.md"), "utf8");
    const table = page.slice(page.indexOf("| layer | does |"), page.indexOf("A message's network is asked"));
    expect([...table.matchAll(/^ +\| `([^`]+)` \|/gm)].map(([, name]) => name)).toEqual([...LAYERS]);
  });

  it("are nobody's business while nobody listens", async () => {
    const input = memoryInput();
    await botOn([input], { commands: [telling("look").command] }).start();
    input.say("look here");
    await input.next();
    expect(told).toEqual([]);
  });
});
