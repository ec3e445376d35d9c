import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ROWS } from "./rows.ts";

/* What `docs/security.md` says is held by the tests that it names. */

const root = join(import.meta.dirname, "../..");
const text = readFileSync(join(root, "docs/security.md"), "utf8");

/** Tests that a document names, as `file`: "words of the title", and that are not there. */
function missing(document: string): readonly string[] {
  const cited = [...document.matchAll(/`(test\/[^`]+\.ts)`: "([^"]+)"/g)];
  return cited
    .filter(([, file = "", title = ""]) => {
      const path = join(root, file);
      return !existsSync(path) || !readFileSync(path, "utf8").replaceAll("\\", "").includes(title);
    })
    .map(([, file, title]) => `${file}: ${title}`);
}

/** Rows of the tables of promises that name no test. */
function unproven(document: string): readonly string[] {
  const [, promises = ""] = document.split("## What is promised");
  const [tables = ""] = promises.split("## What is not promised");
  const rows = tables.split("\n").filter((line) => line.startsWith("| ") && !line.startsWith("| promise"));
  return rows.filter((row) => !/`test\/[^`]+\.ts`: "[^"]+"/.test(row));
}

describe("docs/security.md", () => {
  it("Docs say, code does not (chat.md §6): every promise names a test, and every test that it names is there", () => {
    expect(unproven(text)).toEqual([]);
    expect(missing(text)).toEqual([]);
  });

  it("Docs say, code does not (chat.md §6): a promise without a test, and a test that nobody wrote, are seen", () => {
    expect(missing('| x | `test/security/rows.ts`: "nobody wrote this one" |')).toHaveLength(1);
    expect(missing('| x | `test/security/none.test.ts`: "x" |')).toHaveLength(1);
    expect(unproven("## What is promised\n| all is well | |\n")).toHaveLength(1);
  });

  it("Docs say, code does not (chat.md §6): speaks of every class", () => {
    expect(ROWS.filter((row) => !text.includes(row))).toEqual([]);
  });
});
