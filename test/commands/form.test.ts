import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { builtin, smallTalk } from "../../src/commands/builtin.ts";
import { createCatalog } from "../../src/commands/catalog.ts";
import { type AnyCommand, defineCommand } from "../../src/commands/command.ts";
import { type Field, fields } from "../../src/commands/fields.ts";
import { formOf, lineOf } from "../../src/commands/form.ts";
import { helpCommand } from "../../src/commands/help.ts";
import { jobsCommands } from "../../src/commands/jobs.ts";
import { chatLine, withoutBlanks } from "../../src/commands/line.ts";
import { parse } from "../../src/commands/parse.ts";
import { pipedIn } from "../../src/commands/pipe/split.ts";
import { lookAlike } from "../../src/core/look-alike.ts";

const everyKind = defineCommand({
  name: "every kind",
  summary: "Has a field of every kind",
  input: z.object({
    where: z.string().describe("somewhere"),
    text: z.string().default("nothing"),
    count: z.number().int().default(3),
    how: z.enum(["soft", "loud"]).optional(),
    names: z.array(z.string()).optional(),
    facts: z.record(z.string(), z.string()).optional(),
    shout: z.boolean().optional(),
    polite: z.boolean().default(true),
  }),
  words: ["where", "text"],
  rest: "text",
  permission: "bot:talk",
  effect: "read",
  run: async (input) => input,
  view: () => ({ kind: "text", text: "" }),
});

const jobs = jobsCommands({ list: () => [], lost: () => [], cancel: () => false, seesAll: () => false });
const commands: readonly AnyCommand[] = [everyKind, ...builtin, ...smallTalk, ...jobs];
const catalog = createCatalog([...commands, helpCommand(() => catalog)]);

const read = (line: string) => {
  const match = catalog.match(chatLine(line));
  if (match === undefined) throw new Error(`no command in ${line}`);
  return { name: match.command.name, input: parse(match).input };
};

describe("the form of a command", () => {
  it("has a field for each argument, with its kind, hint, options and what it begins with", () => {
    expect(formOf(everyKind)).toEqual({
      command: "every kind",
      summary: "Has a field of every kind",
      fields: [
        { name: "where", kind: "line", required: true, hint: "somewhere" },
        { name: "text", kind: "lines", required: false, value: "nothing" },
        { name: "count", kind: "number", required: false, value: "3" },
        { name: "how", kind: "choice", required: false, options: ["soft", "loud"] },
        { name: "names", kind: "lines", required: false },
        { name: "facts", kind: "lines", required: false },
        { name: "shout", kind: "flag", required: false },
        { name: "polite", kind: "flag", required: false, value: "true" },
      ],
    });
  });

  it.each([
    [
      "call",
      { service: "greeter", endpoint: "Say.Hello", request: '{"name": "John"}' },
      'call greeter Say.Hello {"name": "John"}',
    ],
    ["call", { service: "a b", endpoint: "-x", timeout: "5" }, 'call --timeout 5 "a b" "-x" {}'],
    ["call", { service: "greeter", request: "{}" }, "call greeter"],
    ["echo", { text: "prod is down | top 1" }, 'echo "prod is down | top 1"'],
    ["echo", { text: "-a | b" }, 'echo -- "-a | b"'],
    ["echo", { text: "a|b" }, "echo a|b"],
    ["echo", { text: "--loud — is “this” on?" }, "echo -- --loud — is “this” on?"],
    [
      "every kind",
      { where: " here ", names: "a\n\nb c", facts: "k=v w", shout: "true" },
      'every kind --names a --names "b c" --facts "k=v w" --shout --polite=false here nothing',
    ],
    ["every kind", { where: `it's "so" far`, polite: "true" }, `every kind --polite 'it's "so" far' nothing`],
  ])("says in one line what was filled in for %s: %j", (name, values: Record<string, string>, line) => {
    expect(lineOf(catalog.commands.find((command) => command.name === name) as AnyCommand, values)).toBe(line);
  });

  it("says so when no quotes can stand around a word", () => {
    const where = `" ' \u201d \u2019 x`;
    expect(() => lineOf(everyKind, { where })).toThrow(/every kind of quotes/);
  });

  it("reads back as what was filled in, whatever it is (property, seeded)", () => {
    const filledIn = fc
      .constantFrom(...catalog.commands)
      .chain((command) =>
        fc.tuple(
          fc.constant(command),
          fc.record(Object.fromEntries(fields(command).map((field) => [field.name, valueFor(field)]))),
        ),
      );
    fc.assert(
      fc.property(filledIn, ([command, made]) => {
        const values = Object.fromEntries(Object.entries(made).filter(([, value]) => value !== undefined)) as Record<
          string,
          string
        >;
        const expected = command.input.safeParse(typed(command, values));
        const line = lineOf(command, values);
        // A name that looks like another is refused, however it came.
        const taken = lookAlike(withoutBlanks(values["service"] ?? "")) === undefined;
        // Nothing of it becomes a pipe.
        expect(pipedIn(chatLine(line))).toBeUndefined();
        if (expected.success && taken) expect(read(line)).toEqual({ name: command.name, input: expected.data });
        else expect(() => read(line)).toThrow();
      }),
      { seed: 20_260_101, numRuns: 500 },
    );
  });
});

const piece = fc.oneof(
  fc.constantFrom(
    '"',
    "'",
    "“",
    "”",
    "‘",
    "’",
    "„",
    " ",
    "\u00a0",
    "-",
    "--",
    "—",
    "=",
    "|",
    " | ",
    "{",
    "}",
    "\\",
    "\n",
    "a",
    "json",
  ),
  fc.string({ unit: "grapheme", maxLength: 4 }),
);
const text = fc
  .array(piece, { minLength: 1, maxLength: 8 })
  .map((pieces) => withoutBlanks(pieces.join("")))
  // There is a quote left to put around it, and no word after the name that is part of another name.
  .filter((made) => made !== "" && !/^(services?|for|laws|of|robotics)$/.test(made))
  .filter(
    (made) =>
      ['"', "'"].some((quote) => !new RegExp(`${quote}\\s`).test(made)) &&
      !/[\p{Cc}\u200b-\u200d\u2060\ufeff]/u.test(made.replaceAll("\n", "")),
  );
const json = fc.json({ maxDepth: 2 }).filter((made) => /^[{[]/.test(made));
/** JSON with something behind it is two things in a line, in quotes it is JSON. */
const rest = fc.oneof(
  text.filter((made) => !/^[{[]/.test(made) && !/^["'“”„‘]/.test(made)),
  json,
);

function valueFor(field: Field): fc.Arbitrary<string | undefined> {
  const value = (() => {
    if (field.choices.length > 0) return fc.constantFrom(...field.choices, "neither");
    if (field.place === "rest") return rest;
    switch (field.type) {
      case "boolean":
        return fc.constant("true");
      case "integer":
      case "number":
        return fc.oneof(
          fc.integer().map(String),
          fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
          fc.constant("many"),
        );
      case "list":
        return fc
          .array(
            text.filter((made) => !made.includes("\n")),
            { minLength: 1, maxLength: 3 },
          )
          .map((all) => all.join("\n"));
      case "pairs":
        return fc
          .dictionary(
            fc.stringMatching(/^[a-z][a-z-]{0,5}$/),
            text.filter((made) => !made.includes("\n")),
            { minKeys: 1, maxKeys: 3 },
          )
          .map((all) =>
            Object.entries(all)
              .map(([key, one]) => `${key}=${one}`)
              .join("\n"),
          );
      default:
        return text;
    }
  })();
  return fc.option(value, { nil: undefined, freq: field.required ? 20 : 2 });
}

/** What was filled in, as the schema takes it; no word comes after one that is missing. */
function typed(command: AnyCommand, values: Readonly<Record<string, string>>): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  let missing = false;
  for (const field of fields(command)) {
    const { name, place, default: usual } = field;
    const value = values[name];
    if (place !== "option") missing ||= value === undefined && usual === undefined;
    if (field.type === "boolean" && usual === true) out[name] = value === "true";
    else if (value !== undefined && (place === "option" || !missing)) out[name] = typedOne(field, value);
  }
  return out;
}

function typedOne({ type }: Field, value: string): unknown {
  const pairs = () => value.split("\n").map((line) => [line.split("=")[0], line.split("=").slice(1).join("=")]);
  if (type === "boolean") return true;
  if (type === "integer" || type === "number") return Number.isNaN(Number(value)) ? value : Number(value);
  if (type === "list") return value.split("\n");
  return type === "pairs" ? Object.fromEntries(pairs()) : value;
}
