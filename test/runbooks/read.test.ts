import { describe, expect, it } from "vitest";
import { readArguments } from "../../src/runbooks/arguments.ts";
import { readRunbook } from "../../src/runbooks/read.ts";

const read = (text: string) => readRunbook(text, "drain", "runbooks/drain.yaml");
const refused = (text: string) => {
  try {
    read(text);
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error("it was taken");
};

const WHOLE = `name: drain
summary: Take orders out of a region
parameters:
  region: { type: choice, choices: [eu, us] }
  grace: { type: number, default: 30 }
  ticket: { pattern: "OPS-[0-9]+" }
  force: { type: boolean, default: false }
steps:
  - id: look
    run: health go.micro.srv.orders
  - id: drain
    when: some steps.look.result.versions.*.version is "1.0.0" and not force
    run: call go.micro.srv.orders Orders.Drain {"region":"\${region}","grace":\${grace}}
    retry: { times: 3, every: 2s }
    idempotent: true
    rollback: call go.micro.srv.orders Orders.Fill {"region":"\${region}"}
  - wait: { until: health go.micro.srv.orders is ok, every: 1s, atMost: 5m }
  - approve: { by: role:lead, count: 2, atMost: 1h }
  - wait: { run: stats go.micro.srv.orders, until: result.requests < 10 }
on failure:
  - run: echo \${ticket} has failed
`;

describe("a runbook's file", () => {
  it("is read whole", () => {
    const book = read(WHOLE);
    expect(book).toMatchObject({ name: "drain", summary: "Take orders out of a region", onAbort: "rollback" });
    expect(book.parameters.map(({ name, type, required }) => [name, type, required])).toEqual([
      ["region", "choice", true],
      ["grace", "number", false],
      ["ticket", "string", true],
      ["force", "boolean", false],
    ]);
    expect(book.steps.map(({ id, act }) => [id, act.kind])).toEqual([
      ["look", "run"],
      ["drain", "run"],
      ["step3", "wait"],
      ["step4", "approve"],
      ["step5", "wait"],
    ]);
    expect(book.steps[1]?.act).toMatchObject({ times: 3, everyMs: 2000, idempotent: true });
    expect(book.steps[2]?.act).toMatchObject({ everyMs: 1000, atMostMs: 300_000 });
    expect(book.steps[3]?.act).toMatchObject({ by: ["role:lead"], count: 2, atMostMs: 3_600_000 });
    expect(book.onFailure).toHaveLength(1);
  });

  it.each([
    [
      "a key nobody knows",
      "summary: x\nstep: []\n",
      /line 2, column 1: unknown key "step" \(did you mean "steps"\?\); a runbook has name, summary/,
    ],
    [
      "a key of a step",
      "summary: x\nsteps:\n  - run: ping\n    retries: 3\n",
      /line 4, column 5: steps\[1\]: unknown key "retries" \(did you mean "retry"\?\); a step has id, when, run/,
    ],
    ["a wrong type", "summary: x\nsteps: ping\n", /line 2, column 8: steps: steps is a list of steps/],
    ["no steps", "summary: x\nsteps: []\n", /line 2, column 8: steps: steps has none/],
    ["no summary", "steps:\n  - run: ping\n", /summary: a summary, one line of what it is for, is expected/],
    [
      "two kinds at once",
      "summary: x\nsteps:\n  - run: ping\n    approve: { by: ann }\n",
      /line 3, column 5: steps\[1\]: a step has one of run, wait and approve; it has run and approve/,
    ],
    ["a list", "- a\n", /line 1, column 1: a runbook is a map of name, summary/],
    ["nothing", "", /a summary, one line/],
    ["no YAML", "summary: [\n", /line \d, column \d+: that is not YAML/],
    [
      "a key twice",
      "summary: x\nsummary: y\nsteps: []\n",
      /line 2, column 1: that is not YAML: Map keys must be unique/,
    ],
    ["a tag", "summary: !!js/function x\nsteps: []\n", /line 1, column 10: that is not YAML/],
    [
      "a duration",
      "summary: x\nsteps:\n  - wait: { until: health a is ok, every: soon }\n",
      /line 3, column 43: steps\[1\].wait.every: every: "soon" is no duration; write it like 500ms, 5s or 1m30s/,
    ],
    [
      "an unclosed hole",
      "summary: x\nsteps:\n  - run: echo ${a\n",
      /line 3, column 15: steps\[1\].run: `\$\{` is not closed/,
    ],
    [
      "an unknown parameter",
      "summary: x\nsteps:\n  - run: echo ${a}\n",
      /step step1: \$\{a\}: there is no such parameter; there are none/,
    ],
    [
      "a step that comes later",
      "summary: x\nsteps:\n  - run: echo ${steps.b.result.x}\n  - {id: b, run: ping}\n",
      /no step before it is called b/,
    ],
    [
      "an expression",
      "summary: x\nsteps:\n  - {run: ping, when: process.exit(1)}\n",
      /line 3, column 23: steps\[1\].when: `process.exit`: the parameter process has no parts/,
    ],
    ["code", "summary: x\nsteps:\n  - {run: ping, when: '1 + 1'}\n", /`\+ 1` is not understood/],
    [
      "a name that is not the file's",
      "name: other\nsummary: x\nsteps:\n  - run: ping\n",
      /line 1, column 7: name is "other", and the file is called drain/,
    ],
    [
      "two steps of one id",
      "summary: x\nsteps:\n  - {id: a, run: ping}\n  - {id: a, run: ping}\n",
      /two steps are called a/,
    ],
    [
      "a parameter's default",
      "summary: x\nparameters:\n  n: {type: number, default: many}\nsteps:\n  - run: ping\n",
      /its default does not fit what it is \(number\)/,
    ],
    [
      "a pattern that takes for ever",
      "summary: x\nparameters:\n  n: {pattern: '((a+))+'}\nsteps:\n  - run: ping\n",
      /a pattern repeats no group/,
    ],
    [
      "a pattern whose time grows by a power",
      "summary: x\nparameters:\n  n: {pattern: '[a-z]*[a-z]*[a-z]*[a-z]*[a-z]*x'}\nsteps:\n  - run: ping\n",
      /a pattern repeats in 2 places at most/,
    ],
    [
      "a pattern that hides it in a class",
      "summary: x\nparameters:\n  n: {pattern: '[^]a*a*a*[x]'}\nsteps:\n  - run: ping\n",
      /a pattern repeats in 2 places at most/,
    ],
    [
      "a rollback of a wait",
      "summary: x\nsteps:\n  - wait: {until: health a is ok}\n    rollback: ping\n",
      /only a step that runs a command can be taken back/,
    ],
    ["something that is a part of every object", "summary: x\nsteps:\n  - run: ping\n__proto__: {a: 1}\n", /__proto__/],
    ["a file that is too long", `summary: x\n# ${"x".repeat(70_000)}\n`, /64 KB at most/],
  ])("is refused for %s, with the place and what is expected", (_what, text, words) => {
    expect(refused(text)).toMatch(words);
    expect(refused(text)).toMatch(/^runbooks\/drain.yaml, line \d+, column \d+: /);
  });

  it("is told all that is wrong with it at once, where it stands, and nothing that only follows from that", () => {
    const text = `sumary: x
parameters:
  region: {type: choice}
  grace: {kind: number}
steps:
  - {id: look, run: health orders, retires: 3}
  - id: look
    run: "echo \${regoin} \${x"
    when: 1 +
  - ping
  - {aprove: {by: ann}}
  - wait: {until: health a is ok, every: soon}
`;
    expect(
      refused(text)
        .split("\n")
        .map((line) => line.replace("runbooks/drain.yaml, ", "")),
    ).toEqual([
      expect.stringMatching(/^line 1, column 1: unknown key "sumary" \(did you mean "summary"\?\); a runbook has name/),
      expect.stringMatching(/^line 3, column 11: parameters.region: choices belong to the type choice/),
      expect.stringMatching(/^line 4, column 11: parameters.grace: unknown key "kind"; a parameter has type/),
      expect.stringMatching(/^line 6, column 36: steps\[1\]: unknown key "retires" \(did you mean "retry"\?\)/),
      expect.stringMatching(/^line 7, column 9: two steps are called look/),
      expect.stringMatching(/^line 8, column \d+: steps\[2\].run: `\$\{` is not closed/),
      expect.stringMatching(/^line 9, column 13: steps\[2\].when: `\+` is not understood/),
      expect.stringMatching(/^line 10, column 5: steps\[3\]: a step is a map of id/),
      expect.stringMatching(/^line 11, column 6: steps\[4\]: unknown key "aprove" \(did you mean "approve"\?\)/),
      expect.stringMatching(/^line 12, column 42: steps\[5\].wait.every: every: "soon" is no duration/),
    ]);
    const one = "summary: x\nparameters: {region: {}}\nsteps:\n  - {id: a, run: 'echo ${regoin}'}\n";
    const two = "  - {id: b, run: ping, when: steps.aa.result.x}\n  - {id: c, run: ping, when: nobody}\n";
    expect(refused(one + two).split("\n")).toEqual([
      expect.stringContaining("${regoin}: there is no such parameter; did you mean region? there is region"),
      expect.stringContaining("no step before it is called aa; did you mean a? there is a"),
      expect.stringContaining("${nobody}: there is no such parameter; there is region"),
    ]);
  });

  it("takes what is plain of patterns, and gives up on a value for which one takes too long", () => {
    const withPattern = (pattern: string) =>
      readRunbook(`summary: x\nparameters: {n: {pattern: '${pattern}'}}\nsteps:\n  - run: ping\n`, "a", "a.yaml");
    const usual = withPattern(String.raw`(v|r)\d+[.*+]\d{1,3}(-rc[0-9])?`);
    expect(readArguments(usual, { n: "v12*3-rc1" })).toEqual({ n: "v12*3-rc1" });
    expect(() => readArguments(usual, { n: "v12" })).toThrow(/it has to look like/);
    const slow = withPattern("(a|a)".repeat(38));
    expect(() => readArguments(slow, { n: `${"a".repeat(60)}!` })).toThrow(/takes too long to tell/);
  });

  it("is refused when its aliases make a bomb of it", () => {
    const lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"];
    for (let n = 1; n < 12; n++)
      lines.push(
        `a${n}: &a${n} [${Array(9)
          .fill(`*a${n - 1}`)
          .join(", ")}]`,
      );
    const began = performance.now();
    expect(refused(`${lines.join("\n")}\nsummary: x\n`)).toMatch(/its aliases \(\*name\) stand for too much/);
    expect(refused("summary: x\nsteps: &a [*a]\n")).toMatch(/aliases|steps/);
    expect(performance.now() - began).toBeLessThan(2000);
  });
});
