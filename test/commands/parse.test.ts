import { describe, expect, it } from "vitest";
import { z } from "zod";
import { createCatalog } from "../../src/commands/catalog.ts";
import { defineCommand } from "../../src/commands/command.ts";
import { fields, usage } from "../../src/commands/fields.ts";
import { lineOf } from "../../src/commands/form.ts";
import { argvLine, chatLine, type Line } from "../../src/commands/line.ts";
import { parse } from "../../src/commands/parse.ts";
import type { MicroError } from "../../src/core/errors.ts";

const ship = defineCommand({
  name: "ship it",
  aliases: ["send"],
  summary: "Ship something",
  input: z.object({
    what: z.string({ error: "ship what?" }).describe("a thing"),
    body: z.string().default("{}").describe("JSON"),
    limit: z.number().int().min(1).default(20),
    fast: z.boolean().default(false),
    tag: z.array(z.string()).optional(),
    metadata: z.record(z.string(), z.string()).optional(),
    size: z.enum(["small", "large"]).optional(),
  }),
  words: ["what", "body"],
  rest: "body",
  permission: "ship:it",
  effect: "write",
  run: async (input) => input,
  view: () => ({ kind: "text", text: "" }),
});
const catalog = createCatalog([ship]);

function parsed(line: Line) {
  const match = catalog.match(line);
  if (!match) throw new Error("no match");
  return parse(match);
}
const chat = (text: string) => parsed(chatLine(text));
const failure = (text: string): MicroError => {
  try {
    chat(text);
  } catch (error) {
    return error as MicroError;
  }
  throw new Error("expected an error");
};

describe("parse", () => {
  it("keeps an option in quotes that stands behind JSON with quotes", () => {
    expect(chat('ship it box {"a": "b"} --tag "x y"').input).toMatchObject({ body: '{"a": "b"}', tag: ["x y"] });
  });

  it("fills words, defaults and the rest", () => {
    expect(chat('ship it box {"a":  1}').input).toEqual({ what: "box", body: '{"a":  1}', limit: 20, fast: false });
  });

  it("takes options anywhere, also after the JSON, with one dash or two, with = or a blank", () => {
    expect(chat('send --limit=3 box -fast {"a":{"b":"-x --y"}} --tag a -tag b --metadata k=v=w').input).toEqual({
      what: "box",
      body: '{"a":{"b":"-x --y"}}',
      limit: 3,
      fast: true,
      tag: ["a", "b"],
      metadata: { k: "v=w" },
    });
  });

  it("takes JSON out of the quotes that a shell would have taken off", () => {
    expect(chat(`send box '{"a": "b c"}' --limit 3`).input).toMatchObject({ body: '{"a": "b c"}', limit: 3 });
    expect(chat(`send box '{"a": 1} and more'`).input["body"]).toBe(`'{"a": 1} and more'`);
    expect(chat(`send box "so to speak"`).input["body"]).toBe(`"so to speak"`);
  });

  it("leaves a rest that is no JSON alone, dashes and blanks included", () => {
    expect(chat("send box  some   text -- with --dashes ").input["body"]).toBe("some   text -- with --dashes");
  });

  it("understands arguments that a shell has split", () => {
    const { input, output } = parsed(argvLine(["send", "box", '{"a":', "1}", "-o", "json"]));
    expect(input["body"]).toBe('{"a": 1}');
    expect(output).toBe("json");
  });

  it("gives every command --output", () => {
    expect(chat("send box --output json").output).toBe("json");
    expect(failure("send box --output pdf").message).toContain("pdf");
  });

  it.each([
    ["send", "ship what?", undefined],
    ["send box --limt 3", "has no option --limt", [9, 15]],
    ["send box --limit many", '--limit wants <integer>, not "many"', [17, 21]],
    ["send box --limit 0", "--limit: too small", [17, 18]],
    ["send box --limit", "--limit wants a value: <integer>", [9, 16]],
    ["send box --size tiny", '--size wants <small|large>, not "tiny"', [16, 20]],
    ['send box {"a":1}junk', "right behind the JSON", [16, 17]],
    ["send box --metadata foo", '--metadata wants <key=value>, not "foo"', [20, 23]],
    ['send box {"a":1} junk', 'what to do with "junk"', [17, 21]],
    ['send box {"a":1} size=small', 'with "size=small": an option is said as --size=… ', [17, 27]],
  ])("points at the trouble in %s", (text, message, mark) => {
    const error = failure(text);
    expect(error.code).toBe("invalid_argument");
    expect(`${error.message} `).toContain(message);
    expect(error.details["usage"]).toBe(usage(ship));
    if (mark) expect(error.details["mark"]).toEqual({ start: mark[0], end: mark[1] });
  });
});

describe("options that are given many times", () => {
  const many = Array.from({ length: 40_000 }, (_, at) => at);

  it.each(["tag", "metadata"])("--%s is not slow, since it is read before anybody asks who may", (name) => {
    const began = performance.now();
    const { input } = chat(`send box ${many.map((at) => `--${name}=${at}=x`).join(" ")}`);
    expect(Object.keys(input[name] as object)).toHaveLength(many.length);
    expect(performance.now() - began).toBeLessThan(2000);
  });
});

describe("usage", () => {
  it("is read from the schema", () => {
    expect(usage(ship)).toBe(
      "ship it <what> [body] [--limit <integer>] [--fast] [--tag <string>] [--metadata <key=value>] [--size <small|large>]",
    );
  });
  it("knows each field", () => {
    expect(fields(ship)[0]).toMatchObject({ name: "what", place: "word", required: true, description: "a thing" });
  });
});

describe("words that are several", () => {
  const gather = defineCommand({
    name: "gather",
    summary: "Gather",
    input: z.object({
      what: z.string(),
      values: z.record(z.string(), z.string()).default({}),
      dry: z.boolean().default(false),
    }),
    words: ["what", "values"],
    permission: "test:gather",
    effect: "read",
    run: async () => ({}),
    view: () => ({ kind: "text", text: "" }),
  });
  const catalog = createCatalog([gather]);
  const said = (text: string) => parse(catalog.match(chatLine(text))!).input;

  it("are taken to the end, with options among them, and made a line again", () => {
    expect(said('gather a k=1 --dry "m=x y" l=')).toEqual({
      what: "a",
      values: { k: "1", m: "x y", l: "" },
      dry: true,
    });
    expect(said("gather a")).toEqual({ what: "a", values: {}, dry: false });
    expect(said(lineOf(gather, { what: "a", values: "k=1\nm=x y" }))).toEqual({
      what: "a",
      values: { k: "1", m: "x y" },
      dry: false,
    });
    expect(usage(gather)).toBe("gather <what> [key=value …] [--dry]");
  });

  it("are refused where one is not what they are", () => {
    expect(() => said("gather a b")).toThrow('values wants <key=value>, not "b"');
    expect(() => said("gather a k=1 l=2 k=3")).toThrow("k is given twice: say which of them counts");
    expect(said("gather a constructor=1 __proto__=2")["values"]).toMatchObject({ constructor: "1" });
  });
});

describe("a first word that is nearly a further name", () => {
  const alarm = defineCommand({
    name: "alarm",
    summary: "Say what is wrong",
    furtherNames: ["demo", "resolve", "show"],
    input: z.object({ what: z.string(), loud: z.boolean().default(false) }),
    words: ["what"],
    permission: "alarm:raise",
    effect: "write",
    run: async (input) => input,
    view: () => ({ kind: "text", text: "" }),
  });
  const said = (text: string) => {
    const match = createCatalog([alarm]).match(chatLine(text));
    if (!match) throw new Error("no match");
    return parse(match).input;
  };

  it.each(["alarm dmo", "alarm Deom", "alarm resolv disk", "alarm resovle --loud"])("is asked about: %s", (line) => {
    expect(() => said(line)).toThrow(/did you mean `alarm (demo|resolve)`\?/);
  });
  it("cannot be said where there is no such command", () => {
    expect(() => said("alarm demo")).toThrow("`alarm demo` cannot be said here");
  });
  it("is text in quotes, behind -- and when it is another word", () => {
    expect(said('alarm "dmo" --loud')).toMatchObject({ what: "dmo", loud: true });
    expect(said("alarm -- dmo")).toMatchObject({ what: "dmo" });
    for (const what of ["disk", "low", "stop", "dead"]) expect(said(`alarm ${what}`)).toMatchObject({ what });
  });
});
