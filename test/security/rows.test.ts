import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ROWS } from "./rows.ts";

/* Every class of `chat.md §6` has its proofs. */

/** The classes that files of tests prove, each as often as it has a proof; what documents say is proven without taking code away. */
function provenIn(texts: readonly string[]): readonly string[] {
  const proofs = /^\s*(?:proven\(\s*"([^"]+)"|it\("(Docs say, code does not) \(chat\.md §6\))/gm;
  return texts.flatMap((text) => [...text.matchAll(proofs)].map(([, row, docs]) => (row ?? docs) as string));
}

const sources = readdirSync(import.meta.dirname)
  .filter((name) => name.endsWith(".test.ts"))
  .map((name) => readFileSync(join(import.meta.dirname, name), "utf8"));

describe("the classes of chat.md §6", () => {
  it.each(ROWS)("%s: has a proof that fails without its guard", (row) => {
    expect(provenIn(sources)).toContain(row);
  });

  it("a class without one is seen", () => {
    const fewer = sources.filter((text) => !text.includes('"Unfurl exfiltration"'));
    expect(provenIn(fewer)).not.toContain("Unfurl exfiltration");
  });
});
