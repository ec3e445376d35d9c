import { mkdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { silent } from "../../../src/core/log.ts";
import type { Offered } from "../../../src/plugins/plugins.ts";
import { contextFor } from "../../commands/context.ts";
import { folderOf, noted, offersOf, saying } from "./folder.ts";

const names = ({ commands }: Offered) => commands.map(({ command }) => command.name);

/** What a command says. */
async function said({ commands }: Offered, name: string): Promise<string> {
  const { command } = commands.find((one) => one.command.name === name) ?? {};
  const result = await command?.run({}, contextFor());
  const view = command?.view(result, {});
  return view?.kind === "text" ? view.text : "";
}

describe("files of commands", () => {
  it("are TypeScript without a build, and JavaScript", async () => {
    const plain = `const { defineCommand } = require("micro-chatops");
const { z } = require("zod");
exports.old = defineCommand({ name: "old", summary: "An old one", input: z.object({}), permission: "test:old",
  effect: "read", run: async () => ({}), view: () => ({ kind: "text", text: "old" }) });`;
    const folder = await folderOf({
      "hi.ts": saying("hi", "hello"),
      "old.js": plain,
      "ho.mjs": saying("ho", "ho").replace(": Promise<{ text: string }>", ""),
    });
    const offers = await offersOf(folder.source());
    expect(offers.last().broken).toEqual([]);
    expect(offers.last().commands.map(({ command, from }) => [command.name, from])).toEqual([
      ["hi", "commands/hi.ts"],
      ["ho", "commands/ho.mjs"],
      ["old", "commands/old.js"],
    ]);
    expect(await said(offers.last(), "hi")).toBe("hello");
    expect(await said(offers.last(), "old")).toBe("old");
  });

  it("get the bot's own zod and micro-chatops, whatever lies beside them", async () => {
    const folder = await folderOf({
      "node_modules/zod/package.json": '{"name":"zod","main":"index.js"}',
      "node_modules/zod/index.js": "throw new Error('another zod')",
      "hi.ts": saying("hi", "hello"),
    });
    const { last } = await offersOf(folder.source());
    expect(last().broken).toEqual([]);
  });

  it("may be several commands, with packages and files of their own", async () => {
    const folder = await folderOf({
      "node_modules/shout/package.json": '{"name":"shout","main":"index.js"}',
      "node_modules/shout/index.js": "exports.shout = (text) => text + '!'",
      "lib/words.ts": `import { shout } from "shout";\nexport const word: string = shout("lib");`,
      "two.ts": `import { word } from "./lib/words.ts";\n${saying("one", "x")}\n${saying("two", "y")
        .replace(/import.*\n/g, "")
        .replace("export default", "export const two =")}`.replace('text: "x"', "text: word"),
      "two.test.ts": "throw new Error('a test is no command')",
      "types.d.ts": "export {}",
    });
    const { last } = await offersOf(folder.source());
    expect(last().broken).toEqual([]);
    expect(names(last())).toEqual(["one", "two"]);
    expect(await said(last(), "one")).toBe("lib!");
  });

  it.each([
    ["a mistake in its text", "export default {", /^a\.ts:1:\d+: Expected identifier but found end of file/],
    ["an import that is not there", `import "./nowhere.ts"`, /^a\.ts:1:8: Could not resolve "\.\/nowhere\.ts"/],
    [
      "a package that is not there",
      `import "nowhere-at-all"; export default {}`,
      /^a\.ts:1:8: Cannot find module 'nowhere-at-all'$/,
    ],
    ["what it throws", "throw new Error('no luck')", /^a\.ts:1:7: no luck$/],
    ["first lines without an end", "for (;;) {}", /^its first lines took longer than 2000 ms/],
    ["no command", "export const a = 1", /^it exports no command: `export default defineCommand/],
    [
      "a field that there is not",
      saying("a", "x").replace("effect:", "efect:"),
      /^`a`: there is no field `efect`; did you mean `effect`\?; `a`: `effect` must be "read"/,
    ],
    ["no permission", saying("a", "x").replace(/permission.*\n/, ""), /^`a`: `permission` must be a text such as/],
    [
      "an example that is not understood",
      saying("a", "x").replace("effect:", "examples: ['a b'], effect:"),
      /^`a`: the example "a b" is not understood: a does not know what to do with "b"$/,
    ],
    [
      "a need that there is not",
      saying("a", "x").replace("effect:", "needs: ['everything'], effect:"),
      /^`a`: `needs\[0\]` can name client, registry/,
    ],
  ])("tell of %s", async (_what, text, why) => {
    const folder = await folderOf({ "a.ts": text });
    const { last } = await offersOf(folder.source());
    expect(last().commands).toEqual([]);
    expect(last().broken).toMatchObject([{ from: "commands/a.ts", why: expect.stringMatching(why) }]);
  });

  it("are loaded anew when they are saved, under 300 ms", async () => {
    const folder = await folderOf({ "hi.ts": saying("hi", "one") });
    // Only the system's hints are quick enough for that.
    const offers = await offersOf(folder.source({ everyMs: 60_000 }));
    const times: number[] = [];
    for (const text of ["two", "three", "four", "five", "six"]) {
      const since = performance.now();
      await folder.write("hi.ts", saying("hi", text));
      await offers.until((last) => last.commands.length > 0 && offers.count > times.length + 1);
      times.push(performance.now() - since);
      expect(await said(offers.last(), "hi")).toBe(text);
    }
    // The middle one: others may keep this machine busy.
    expect(times.sort((a, b) => a - b)[2]).toBeLessThan(300);
  });

  it("are loaded anew where the system tells of nothing, and when an editor puts another file in their place", async () => {
    const folder = await folderOf({ "hi.ts": saying("hi", "one") });
    const offers = await offersOf(folder.source({ everyMs: 20 }));
    await writeFile(join(folder.path, ".hi.ts.swp"), saying("hi", "two"));
    await rename(join(folder.path, ".hi.ts.swp"), join(folder.path, "hi.ts"));
    await offers.until(() => offers.count > 1);
    expect(await said(offers.last(), "hi")).toBe("two");
  });

  it("are loaded anew when what they import is saved, and come and go", async () => {
    const folder = await folderOf({
      "lib/word.ts": "export const word: string = 'one';",
      "hi.ts": `import { word } from "./lib/word.ts";\n${saying("hi", "x").replace('text: "x"', "text: word")}`,
    });
    const offers = await offersOf(folder.source({ everyMs: 60_000 }));
    await folder.write("lib/word.ts", "export const word: string = 'two';");
    await offers.until(() => offers.count > 1);
    expect(await said(offers.last(), "hi")).toBe("two");
    await folder.write("new.ts", saying("new", "x"));
    await offers.until((last) => names(last).includes("new"));
    await folder.remove("hi.ts");
    expect(names(await offers.until((last) => last.commands.length === 1))).toEqual(["new"]);
  });

  it("tell of each flaw by itself, with its place", async () => {
    const one = saying("a", "x").replace("effect:", "efect:").replace("summary:", "sumary:");
    const lib = saying("b", "x").replace("effect:", "examples: ['c d'], effect:");
    const folder = await folderOf({ "lib/b.ts": lib, "a.ts": `export { default as b } from "./lib/b.ts";\n${one}` });
    const { last } = await offersOf(folder.source());
    const flaws = last().broken?.[0]?.flaws ?? [];
    const places = flaws.map(({ file, line, column, why }) => `${file}:${line}:${column} ${why.slice(0, 40)}`);
    expect(places.sort()).toEqual([
      'a.ts:5:3 `a`: `effect` must be "read", or "write"',
      "a.ts:5:3 `a`: `summary` must be a text: one line ",
      "a.ts:6:3 `a`: there is no field `sumary`; did you",
      "a.ts:9:3 `a`: there is no field `efect`; did you ",
      'lib/b.ts:8:15 `b`: the example "c d" does not begin wi',
    ]);
  });

  it("throw with the lines of the file in their stack, also where nobody waits and in a thread", async () => {
    const failing = (name: string) =>
      saying(name, "x").replace(
        'async (): Promise<{ text: string }> => ({ text: "x" })',
        'async () => {\n    throw new TypeError("no");\n  }',
      );
    const folder = await folderOf({
      "lib/words.ts":
        "// Types take room.\ninterface Word {\n  readonly text: string;\n}\n\nexport function fail(word: Word): never {\n  throw new Error(word.text);\n}\n",
      "here.ts": failing("here"),
      "lib.ts": `import { fail } from "./lib/words.ts";\n${failing("far").replace('throw new TypeError("no")', 'fail({ text: "no" })')}`,
      "thread.ts": failing("aside").replace("effect:", "worker: true, effect:"),
    });
    const errors: Error[] = [];
    const places: unknown[] = [];
    const warn = (facts: object) => {
      const { err, at } = facts as { err: Error; at?: string };
      errors.push(err);
      places.push(at);
    };
    const source = folder.source({ log: { ...silent, warn } });
    const { last } = await offersOf(source);
    const stackOf = async (name: string) => {
      await said(last(), name).catch(() => {});
      return (errors.pop()?.stack ?? "").split("\n").slice(0, 3).join("\n");
    };
    expect(await stackOf("here")).toContain("commands/here.ts:10:11)");
    expect(await stackOf("far")).toMatch(/lib\/words\.ts:7:9\).*lib\.ts:11:5\)/s);
    expect(await stackOf("aside")).toContain("commands/thread.ts:10:11)");
    // A log on a screen has no stacks.
    expect(places).toEqual(["here.ts:10:11", "lib/words.ts:7:9", "thread.ts:10:11"]);
    const late = Object.assign(new Error("late"), { stack: `Error: late\n    at ${folder.path}/here.ts:1:1` });
    source.mend(late);
    expect(late.stack).toContain("here.ts:1:1");
  });

  it("stay in force as they were when the newest does not load, until one does", async () => {
    const folder = await folderOf({ "hi.ts": saying("hi", "one"), "ho.ts": saying("ho", "ho") });
    const log = noted();
    const offers = await offersOf(folder.source({ log, everyMs: 50 }));
    await folder.write("hi.ts", "export default {");
    const { broken } = await offers.until((last) => (last.broken ?? []).length > 0);
    expect(broken).toMatchObject([{ from: "commands/hi.ts", why: expect.stringMatching(/^hi\.ts:1:/), kept: true }]);
    expect(await said(offers.last(), "hi")).toBe("one");
    const [told] = broken ?? [];
    expect(log.lines).toContain(told?.why);

    await folder.write("hi.ts", `import "./later.ts";\n${saying("hi", "two")}`);
    await offers.until((last) => last.broken?.[0]?.why.includes("later.ts") === true);
    await folder.write("later.ts", saying("later", "x"));
    await offers.until((last) => last.broken?.length === 0);
    expect(await said(offers.last(), "hi")).toBe("two");
  });

  it("are not run again when they have failed, until they are saved", async () => {
    const house = globalThis as unknown as Record<string, number>;
    house["failedFirstLines"] = 0;
    const text = "globalThis.failedFirstLines++; throw new Error('no luck ' + Math.random());";
    const folder = await folderOf({ "a.ts": text, "hi.ts": saying("hi", "one") });
    const offers = await offersOf(folder.source({ everyMs: 10 }));
    // Each of them is there after another look.
    for (const name of ["b", "c", "d"]) {
      await folder.write(`${name}.ts`, saying(name, "x"));
      await offers.until((last) => names(last).includes(name));
    }
    expect(house["failedFirstLines"]).toBe(1);
    // What was well is doubted once.
    await folder.write("hi.ts", text);
    const { broken } = await offers.until((last) => last.broken?.length === 2);
    expect(broken?.[1]).toMatchObject({ from: "commands/hi.ts", kept: true });
    await folder.write("e.ts", saying("e", "x"));
    await offers.until((last) => names(last).includes("e"));
    expect(house["failedFirstLines"]).toBeLessThanOrEqual(4);
  });

  it("are loaded once a package that they want is installed", async () => {
    const folder = await folderOf({
      "a.ts": `import { word } from "@team/late";\n${saying("a", "x").replace('"x"', "word")}`,
    });
    const offers = await offersOf(folder.source({ everyMs: 20 }));
    expect(offers.last().broken?.[0]?.why).toBe("a.ts:1:22: Cannot find module '@team/late'");
    await folder.write("../node_modules/@team/late/index.js", "exports.word = 'late';");
    await folder.write("../node_modules/@team/late/package.json", '{ "main": "index.js" }');
    await offers.until((last) => last.broken?.length === 0);
    expect(await said(offers.last(), "a")).toBe("late");
  });

  it("tells of a folder that is none", async () => {
    const folder = await folderOf({ "a.ts": "" });
    const source = folder.source({ folder: join(folder.path, "a.ts") });
    await expect(source.start(() => {})).rejects.toThrow(/the folder of commands .*a\.ts cannot be read/);
    const missing = folder.source({ folder: join(folder.path, "none") });
    await expect(missing.start(() => {})).rejects.toThrow(/cannot be read: it is not there/);
  });

  it("leaves nothing behind", async () => {
    const folder = await folderOf({ "hi.ts": saying("hi", "one") });
    const source = folder.source();
    const offers = await offersOf(source);
    await source.stop();
    await source.stop();
    const { count } = offers;
    await folder.write("hi.ts", saying("hi", "two"));
    await mkdir(join(folder.path, "x"));
    expect(offers.count).toBe(count);
    expect(process.getActiveResourcesInfo().filter((kind) => /FSEvent|ProcessWrap/.test(kind))).toEqual([]);
  });
});
