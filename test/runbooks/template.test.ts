import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { builtin, smallTalk } from "../../src/commands/builtin.ts";
import { createCatalog } from "../../src/commands/catalog.ts";
import { defineCommand } from "../../src/commands/command.ts";
import { chatLine } from "../../src/commands/line.ts";
import { parse } from "../../src/commands/parse.ts";
import { pipedIn } from "../../src/commands/pipe/split.ts";
import { fill, flawOf, readTemplate, understand } from "../../src/runbooks/template.ts";

const scale = defineCommand({
  name: "scale",
  summary: "Scale",
  input: z.object({
    service: z.string(),
    count: z.number().int(),
    zone: z.enum(["a", "b"]).default("a"),
    force: z.boolean().default(false),
    label: z.array(z.string()).optional(),
    meta: z.record(z.string(), z.string()).optional(),
  }),
  words: ["service", "count"],
  permission: "test:scale",
  effect: "write",
  run: async () => ({}),
  view: () => ({ kind: "text", text: "" }),
});
const getAll = { ...scale, name: "scale all", aliases: [], words: [] };
const catalog = createCatalog([...builtin, ...smallTalk, scale, getAll]);

/** What the command is given when the value stands in the hole. */
function filled(text: string, value: unknown) {
  const line = fill(readTemplate(text), () => value, catalog);
  const match = catalog.match(chatLine(line));
  if (match === undefined) throw new Error(`no command: ${line}`);
  return { command: match.command.name, input: parse(match).input };
}

const NASTY = [
  "--force",
  "-f",
  "--count 9",
  "a --force",
  'a" --force "',
  "a' --force '",
  "a\u201d --force",
  "a\n--force",
  '{"a":1} --force',
  "${steps.a.result.x}",
  "; deregister service x",
  "prod is down | top 1",
  "|",
  "all",
  "a\u00a0--force",
  "\u2014force",
  '","admin":true,"x":"',
  "\\",
  '\\"',
  "zq0qz",
];

describe("a command line with holes", () => {
  it("takes each value as what it stands for, quoted if it must be", () => {
    expect(filled("scale ${x} 3", "go.micro.srv.orders").input).toMatchObject({
      service: "go.micro.srv.orders",
      count: 3,
    });
    expect(filled("scale orders ${x} --force", 4).input).toMatchObject({ count: 4, force: true });
    expect(filled("scale orders 1 --zone=${x}", "b").input).toMatchObject({ zone: "b" });
    expect(filled("scale orders 1 --force=${x}", true).input).toMatchObject({ force: true });
    expect(filled("scale orders 1 --force=${x}", false).input).toMatchObject({ force: false });
    expect(filled("scale srv 1 --label a --label l-${x}", "eu 1").input).toMatchObject({ label: ["a", "l-eu 1"] });
    expect(filled("scale orders 1 --meta k=${x}", "a=b c").input).toMatchObject({ meta: { k: "a=b c" } });
    expect(filled("echo said: ${x}!", 'it\'s "so" -- ok').input).toEqual({ text: 'said: it\'s "so" -- ok!' });
    expect(
      filled('call orders Orders.Drain {"region":"${x}","n":${x},"l":[${x}]} --metadata a=b', 'e"u\u201d\n').input,
    ).toMatchObject({
      request: '{"region":"e\\"u\\u201d\\n","n":"e\\"u\\u201d\\n","l":["e\\"u\\u201d\\n"]}',
    });
    expect(filled('call orders Orders.Drain {"n":${x}}', { a: [1, null] }).input).toMatchObject({
      request: '{"n":{"a":[1,null]}}',
    });
    expect(fill(readTemplate("echo $${x} ${x}"), () => "y", catalog)).toBe("echo ${x} y");
  });

  it.each(NASTY)("lets no value become an option, a second word, JSON around it or another command: %j", (value) => {
    const lines = [
      "scale ${x} 3",
      "scale orders 1 --zone a --label ${x}",
      "scale orders 1 --meta k=${x}",
      'call orders Orders.Drain {"a":"${x}"}',
      "echo ${x}",
      "echo a ${x}",
      "scale orders 1 --force=${x}",
      "scale orders ${x}",
    ];
    for (const text of lines) {
      let got: ReturnType<typeof filled>;
      try {
        got = filled(text, value);
      } catch (error) {
        expect((error as { code?: string }).code).toBe("invalid_argument");
        continue;
      }
      const [name] = text.split(" ");
      expect(got.command).toBe(name);
      expect(got.input["force"] ?? false).toBe(false);
      const held = JSON.stringify(
        got.input["request"] === undefined ? got.input : JSON.parse(String(got.input["request"])),
      );
      expect(held).toContain(JSON.stringify(value).slice(1, -1));
    }
  });

  it("keeps its command and its other fields whatever is filled in", () => {
    const holds = (text: string, field: string) => (value: string) => {
      let got: ReturnType<typeof filled>;
      try {
        got = filled(text, value);
      } catch (error) {
        return (error as { code?: string }).code === "invalid_argument";
      }
      const { [field]: own, ...others } = got.input;
      const rest =
        field === "service"
          ? { count: 3, zone: "a", force: false }
          : { service: "o", count: 3, zone: "a", force: false };
      return got.command === "scale" && JSON.stringify(others) === JSON.stringify(rest) && [own].flat()[0] === value;
    };
    const nasty = fc
      .array(
        fc.constantFrom("--force", " ", '"', "'", "\u201c", "\u201d", "{", "}", "a", "=", "\n", "-", "all", "[", "\\"),
        { maxLength: 8 },
      )
      .map((parts) => parts.join(""));
    fc.assert(fc.property(nasty, holds("scale ${x} 3", "service")), { numRuns: 2000 });
    fc.assert(fc.property(nasty, holds("scale o 3 --label ${x}", "label")), { numRuns: 2000 });
    fc.assert(fc.property(fc.string({ unit: "grapheme" }), holds("scale ${x} 3", "service")), { numRuns: 1000 });
  });

  it("makes no pipe of what is filled in, and has none itself", () => {
    const line = fill(readTemplate("echo ${a}"), () => "prod is down | top 1", catalog);
    expect(pipedIn(chatLine(line))).toBeUndefined();
    expect(filled("echo ${a}", "prod is down | top 1").input).toMatchObject({ text: "prod is down | top 1" });
    expect(() => filled("echo ${a} | top 1", "x")).toThrow(/a step's line has no pipe/);
  });

  it("refuses a value that is missing, empty, or of the wrong kind", () => {
    for (const [text, value] of [
      ["echo ${x}", undefined],
      ["echo ${x}", null],
      ["scale ${x} 1", ""],
      ["scale o 1 --force=${x}", "yes"],
    ] as const) {
      expect(() => filled(text, value)).toThrow(/has no value|cannot be said/);
    }
  });

  it("knows what is wrong with a line before anything is filled in", () => {
    const flaw = (text: string) => {
      try {
        return flawOf(understand(readTemplate(text).marked, catalog));
      } catch (error) {
        return (error as Error).message;
      }
    };
    expect(flaw("scale orders ${n}")).toBeUndefined();
    expect(flaw("scale ${n}")).toBe("`scale` wants count");
    expect(flaw("scale orders many")).toMatch(/count/);
    expect(flaw("scale orders ${n} --zone c")).toMatch(/zone/);
    expect(flaw("scale orders ${n} --loud")).toBe("scale has no option --loud");
    expect(flaw("scale orders ${n} more")).toMatch(/does not know what to do with "more"/);
    expect(flaw("scal orders")).toMatch(/there is no command "scal"; the nearest are `scale`/);
    expect(flaw("${n} orders")).toMatch(/there is no command "\$\{…\}"/);
  });
});
