import { describe, expect, it } from "vitest";
import { z } from "zod";
import { createCatalog } from "../../src/commands/catalog.ts";
import { defineCommand } from "../../src/commands/command.ts";
import { argvLine, chatLine } from "../../src/commands/line.ts";
import { told } from "../../src/commands/told.ts";
import { createRedactor } from "../../src/core/redact.ts";

const restart = defineCommand({
  name: "restart service",
  summary: "Restart a service",
  input: z.object({
    service: z.string(),
    nodes: z.coerce.number().default(1),
    pin: z.string().optional(),
    key: z.array(z.string()).default([]),
    note: z.string().optional(),
  }),
  words: ["service", "note"],
  rest: "note",
  secrets: ["pin", "key", "note"],
  permission: "test:restart",
  effect: "write",
  run: async () => ({}),
  view: () => ({ kind: "text", text: "" }),
});
const later = defineCommand({
  name: "later",
  summary: "Say a line later",
  input: z.object({ what: z.string() }),
  words: ["what"],
  rest: "what",
  takesLine: true,
  permission: "test:later",
  effect: "write",
  run: async () => ({}),
  view: () => ({ kind: "text", text: "" }),
});
const catalog = createCatalog([restart, later]);

describe("told", () => {
  it.each([
    ["restart service pay --pin 1 --nodes 11", "restart service pay --pin [secret] --nodes 11"],
    ["restart service --pin=a pay --nodes 3", "restart service --pin=[secret] pay --nodes 3"],
    ["restart service pay --pin 'a b' --nodes 3", "restart service pay --pin '[secret]' --nodes 3"],
    ["restart service \u2014pin=s pass", "restart service \u2014pin=[secret] pass"],
    ["restart service pay --pin 12 --pin=34", "restart service pay --pin [secret] --pin=[secret]"],
    ["restart service pay --key 12 --key 34", "restart service pay --key [secret] --key [secret]"],
    ['restart service pay {"pin": 12} --nodes 3', "restart service pay [secret] --nodes 3"],
    ["restart service pay it is so", "restart service pay [secret]"],
    ["restart service tiger-7 --pin tiger-7", "restart service [secret] --pin [secret]"],
    ["restart service pay --nodes 3", "restart service pay --nodes 3"],
    ["restart service pay --pin 12 --nodes x", "restart service \u2026"],
    ['later 10m "restart service pay --pin 1" in #a1', 'later 10m "restart service pay --pin [secret]" in #a1'],
    [
      'later "0 9 * * 1" "restart service pay --pin 12 | top 3"',
      'later "0 9 * * 1" "restart service pay --pin [secret] | top 3"',
    ],
    [
      "later 9:00 \u201crestart service pay --key 'a b'\u201d",
      "later 9:00 \u201crestart service pay --key '[secret]'\u201d",
    ],
    ["later 10m restart service pay --pin 12", "later 10m restart service pay --pin [secret]"],
    ["later 10m later 'restart service pay --pin 12'", "later 10m later 'restart service pay --pin [secret]'"],
    [
      `later 10m "later 5m 'restart service pay --pin 12'"`,
      `later 10m "later 5m 'restart service pay --pin [secret]'"`,
    ],
    ['later 10m "restart service pay --nodes 3"', 'later 10m "restart service pay --nodes 3"'],
  ])("crosses out secret fields where they stand, and shows the rest: %s", (line, text) => {
    expect(told(chatLine(line), catalog, createRedactor()).text).toBe(text);
  });

  it("names the values in a line within a line, too", () => {
    const { secrets } = told(chatLine('later 10m "restart service pay --pin 12"'), catalog, createRedactor());
    expect(secrets).toEqual(["12"]);
  });

  it("does so with what a shell has split, and names every value", () => {
    const line = argvLine(["restart", "service", "pay", "--pin=a b", "--pin", "c d"]);
    const { text, secrets } = told(line, catalog, createRedactor());
    expect(text).toBe("restart service pay --pin=[secret] --pin [secret]");
    expect([...secrets].sort()).toEqual(["a b", "c d"]);
  });
});
