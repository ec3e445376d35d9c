import { describe, expect, it } from "vitest";
import { builtin, smallTalk } from "../../src/commands/builtin.ts";
import { createCatalog } from "../../src/commands/catalog.ts";
import type { AnyCommand } from "../../src/commands/command.ts";
import { fields } from "../../src/commands/fields.ts";
import { helpCommand } from "../../src/commands/help.ts";
import { jobsCommands } from "../../src/commands/jobs.ts";
import { chatLine } from "../../src/commands/line.ts";
import { type Linking, linkCommands } from "../../src/commands/link.ts";
import { parse } from "../../src/commands/parse.ts";
import { type PolicyDesk, policyQuestions } from "../../src/commands/policy.ts";

const all: readonly AnyCommand[] = [
  ...builtin,
  ...smallTalk,
  helpCommand(() => catalog),
  ...policyQuestions({} as PolicyDesk),
  ...linkCommands({} as Linking),
  ...jobsCommands({ list: () => [], lost: () => [], cancel: () => false, seesAll: () => false }),
];
const catalog = createCatalog(all);

describe.each(all.map((command) => [command.name, command] as const))("%s", (_name, command) => {
  it("has an example, and each of them parses into it", () => {
    expect(command.examples ?? [], "the definition wants `examples`").not.toEqual([]);
    for (const example of command.examples ?? []) {
      const match = catalog.match(chatLine(example));
      expect(match?.command, example).toBe(command);
      if (match) expect(() => parse(match), example).not.toThrow();
    }
  });

  it("says what it is in one line, and describes each of its fields", () => {
    expect(command.summary, "a summary has a capital and no full stop").toMatch(/^[A-Z].*[^.]$/);
    for (const field of fields(command)) {
      if (command.name !== "echo") expect(field.description, `field ${field.name} wants .describe("…")`).not.toBe("");
    }
  });
});
