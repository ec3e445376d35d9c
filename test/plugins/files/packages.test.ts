import { describe, expect, it } from "vitest";
import { systemClock } from "../../../src/core/clock.ts";
import { silent } from "../../../src/core/log.ts";
import { commandPackages } from "../../../src/plugins/files/packages.ts";
import { contextFor } from "../../commands/context.ts";
import { folderOf, modules, offersOf, saying, supplies } from "./folder.ts";

const source = (names: readonly string[], cwd: string) =>
  commandPackages({ names, cwd, modules, supplies, log: silent });
const plain = (name: string) => saying(name, name).replace(": Promise<{ text: string }>", "");

describe("packages of commands", () => {
  it("are those that are listed, in any of the shapes that packages have", async () => {
    const { path } = await folderOf({
      "node_modules/old/package.json": '{"name":"old","main":"lib/main"}',
      "node_modules/old/lib/main.js": plain("old"),
      "node_modules/@team/new/package.json": JSON.stringify({
        type: "module",
        exports: { ".": { types: "./x.d.ts", import: "./dist/index.js" } },
      }),
      "node_modules/@team/new/dist/index.js": `import "./other.js";\n${plain("new")}`,
      "node_modules/@team/new/dist/other.js": "export const x = 1;",
      "node_modules/unlisted/package.json": '{"name":"unlisted"}',
      "node_modules/unlisted/index.js": "throw new Error('nobody asked for it')",
    });
    const { last } = await offersOf(source(["old", "@team/new"], path));
    expect(last().broken).toEqual([]);
    expect(last().commands.map(({ command, from }) => [command.name, from])).toEqual([
      ["old", "old"],
      ["new", "@team/new"],
    ]);
    expect(await last().commands[1]?.command.run({}, contextFor({ clock: systemClock }))).toEqual({ text: "new" });
  });

  it("are told where they are not there, or export no command", async () => {
    const { path } = await folderOf({
      "node_modules/empty/package.json": "{}",
      "node_modules/empty/index.js": "export const a = 1;",
    });
    const { last } = await offersOf(source(["none", "empty"], path));
    expect(last()).toEqual({
      commands: [],
      broken: [
        { from: "none", why: "it is not installed: npm install none" },
        { from: "empty", why: expect.stringMatching(/^it exports no command/) },
      ],
    });
  });

  it.each(["../x", "/etc/x", "a/b", "A", ""])("are names and no paths (%j)", (name) => {
    expect(() => source([name], "/")).toThrow("is no name of an npm package");
  });
});
