import { describe, expect, it } from "vitest";
import { z } from "zod";
import { createCatalog } from "../../src/commands/catalog.ts";
import { type AnyCommand, defineCommand } from "../../src/commands/command.ts";
import { chatLine } from "../../src/commands/line.ts";

function named(name: string, ...aliases: string[]): AnyCommand {
  return defineCommand({
    name,
    aliases,
    summary: name,
    input: z.object({}),
    permission: "a:b",
    effect: "read",
    run: async () => ({}),
    view: () => ({ kind: "text", text: "" }),
  });
}
const catalog = createCatalog(
  ["list services", "list", "get service", "call", "health", "the three laws"].map((name) => named(name)),
);
const match = (text: string) => catalog.match(chatLine(text));

describe("catalog", () => {
  it("takes the longest name that begins the line", () => {
    expect(match("list services now")).toMatchObject({ command: { name: "list services" }, from: 2 });
    expect(match("list nodes")).toMatchObject({ command: { name: "list" }, from: 1 });
    expect(match("List Services")?.command.name).toBe("list services");
  });
  it("never takes a part of a word, or a quoted word", () => {
    expect(match("callous")).toBeUndefined();
    expect(match('"call" x')).toBeUndefined();
    expect(match("get")).toBeUndefined();
  });
  it("refuses two commands of one name", () => {
    expect(() => createCatalog([named("a b"), named("c", "a b")])).toThrow('two commands are called "a b"');
  });
  it.each([
    ["lst services", "list services"],
    ["helth foo", "health"],
    ["get greeter", "get service"],
    ["cal x", "call"],
  ])("%s is nearest to %s", (text, name) => {
    expect(catalog.nearest(chatLine(text), 3).map((command) => command.name)[0]).toBe(name);
    expect(catalog.nearest(chatLine(text), 3)).toHaveLength(3);
  });
  it("offers the words that may come next", () => {
    expect(catalog.next([])).toEqual(["call", "get", "health", "list", "the"]);
    expect(catalog.next(["get"])).toEqual(["service"]);
  });
});
