import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ERROR_CODES } from "../src/core/errors.ts";

const root = join(import.meta.dirname, "..");
const readme = readFileSync(join(root, "README.md"), "utf8");

/* What the documents claim. */

describe("README", () => {
  it("has the tables that the code says (npm run docs writes them)", () => {
    const { status, stderr } = spawnSync(process.execPath, ["scripts/docs.mjs", "--check"], { cwd: root });
    expect(String(stderr), "the tables are read from dist/: `npm run docs` builds it and writes them").toBe("");
    expect(status).toBe(0);
  });

  it.each(Object.keys(ERROR_CODES))("explains %s", (code) => expect(readme).toContain(`\`${code}\``));

  it.each(["npm ci", "npm start", "npx micro list services"])("has the command %s", (command) => {
    expect(readme).toContain(command);
  });

  it("names files that exist", () => {
    for (const [, path] of readme.matchAll(/\]\((?!https?:)([^)#]+)\)/g)) {
      expect(() => readFileSync(join(root, path as string)), path).not.toThrow();
    }
  });
});
