import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";
import { describe, expect, it } from "vitest";

const SRC = resolve(import.meta.dirname, "../src");

/** Which folder may import which, beside itself. `*`: everything. A path names one file. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  core: [],
  platform: ["core"],
  inputs: ["core"],
  commands: ["core", "platform/kv/kv.ts", "platform/kv/keys.ts"],
  bot: [
    "core",
    "commands",
    "inputs/input.ts",
    "plugins/listening.ts",
    "plugins/plugins.ts",
    "platform/kv/kv.ts",
    "platform/kv/keys.ts",
    "platform/kv/memory.ts",
    "platform/lease.ts",
    "platform/observer.ts",
  ],
  plugins: ["core", "commands", "inputs/input.ts", "platform/kv/kv.ts", "platform/kv/keys.ts"],
  runbooks: ["core", "commands", "platform/kv/kv.ts", "platform/kv/keys.ts", "platform/db/db.ts", "platform/lease.ts"],
  testing: ["core", "commands", "bot", "inputs", "platform", "plugins"],
  schedules: ["core", "commands", "platform/kv/kv.ts", "platform/kv/keys.ts"],
  alerts: [
    "core",
    "commands",
    "platform/kv/kv.ts",
    "platform/kv/keys.ts",
    "platform/db/db.ts",
    "platform/leading.ts",
    "platform/lease.ts",
  ],
  history: ["core", "commands", "platform/db/db.ts"],
  watches: [
    "core",
    "commands",
    "alerts/alert.ts",
    "platform/kv/kv.ts",
    "platform/kv/keys.ts",
    "platform/leading.ts",
    "platform/lease.ts",
  ],
  app: ["*"],
  "main.ts": ["app"],
  "index.ts": [
    "core",
    "platform",
    "commands",
    "inputs",
    "bot",
    "plugins",
    "runbooks",
    "schedules",
    "alerts",
    "history",
    "watches",
  ],
};

/** Who may talk to the process around us. */
const PROCESS = ["app", "main.ts"];

const files = readdirSync(SRC, { recursive: true, encoding: "utf8" })
  .filter((file) => file.endsWith(".ts"))
  .map((file) => file.split(sep).join("/"));
const folderOf = (file: string) => file.split("/")[0] as string;
const textOf = (file: string) => readFileSync(join(SRC, file), "utf8");

/** Files of ours that a file imports, in any of the spellings there are. */
function imports(file: string): readonly string[] {
  const found = textOf(file).matchAll(/(?:from|import)\s*\(?\s*"(\.[^"]+)"/g);
  return [...found].map(([, path]) =>
    relative(SRC, resolve(SRC, dirname(file), path as string))
      .split(sep)
      .join("/"),
  );
}

describe("the house", () => {
  it("has rooms that the table knows", () => {
    expect(files.length).toBeGreaterThan(50);
    expect([...new Set(files.map(folderOf))].filter((folder) => !(folder in MAY_IMPORT))).toEqual([]);
  });

  it("imports only what the table allows", () => {
    const wrong = files.flatMap((file) => {
      const own = folderOf(file);
      const allowed = MAY_IMPORT[own] ?? [];
      return imports(file)
        .filter((to) => {
          const room = folderOf(to);
          return room !== own && !allowed.includes("*") && !allowed.includes(room) && !allowed.includes(to);
        })
        .map((to) => `src/${file} imports src/${to}, which ${own} may not`);
    });
    expect(wrong).toEqual([]);
  });

  it("talks to the process in app and main.ts only", () => {
    const wrong = files
      .filter((file) => !PROCESS.includes(folderOf(file)))
      .filter((file) =>
        /\bprocess\.(env|argv|exit|exitCode|on|once|stdin|stdout|stderr)\b|\bconsole\./.test(code(file)),
      );
    expect(wrong).toEqual([]);
  });

  it("has no drawer for odds and ends", () => {
    expect(files.filter((file) => /(^|\/)(utils?|helpers?|common|misc|types)(\/|\.ts$)/.test(file))).toEqual([]);
  });

  it("has no barrel but the library's front door", () => {
    const barrels = files.filter((file) => file.endsWith("/index.ts"));
    expect(barrels).toEqual([]);
  });
});

/** Without comments, which may name what code may not. */
function code(file: string): string {
  return textOf(file)
    .replace(/\/\*.*?\*\//gs, "")
    .replace(/(^|\s)\/\/.*$/gm, "");
}
