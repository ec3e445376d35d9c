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
const catalog = createCatalog([restart]);

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
  ])("crosses out secret fields where they stand, and shows the rest: %s", (line, text) => {
    expect(told(chatLine(line), catalog, createRedactor()).text).toBe(text);
  });

  it("does so with what a shell has split, and names every value", () => {
    const line = argvLine(["restart", "service", "pay", "--pin=a b", "--pin", "c d"]);
    const { text, secrets } = told(line, catalog, createRedactor());
    expect(text).toBe("restart service pay --pin=[secret] --pin [secret]");
    expect([...secrets].sort()).toEqual(["a b", "c d"]);
  });
});
