import { describe, expect, it } from "vitest";
import { readCondition } from "../../src/runbooks/condition.ts";
import { below } from "../../src/runbooks/reference.ts";

const facts = {
  region: "eu",
  count: 3,
  force: false,
  steps: {
    look: {
      state: "done",
      result: {
        n: "10",
        nodes: [
          { s: "ok", l: [1, 2] },
          { s: "bad", l: [3] },
        ],
        none: [],
      },
    },
  },
};
const holds = (text: string) => readCondition(text).holds((reference) => below(facts, reference));

describe("a condition", () => {
  it.each([
    ['region is "eu"', true],
    ["region == 'us'", false],
    ['region is not "us" and count >= 3', true],
    ["not force", true],
    ["force or count < 3", false],
    ['not (region is "eu" and count > 2) or force', false],
    ["steps.look.result.n > 9", true],
    ["steps.look.result.n is 10", true],
    ["steps.look.result.nothing is null", true],
    ["steps.look.result.nothing > 1", false],
    ["steps.look.result.constructor is null", true],
    ['every steps.look.result.nodes.*.s is "ok"', false],
    ['some steps.look.result.nodes[*].s is "ok"', true],
    ['steps.look.result.nodes[1].s is "bad"', true],
    ["every steps.look.result.nodes.*.l.* > 0", true],
    ["every steps.look.result.none.* is 1", false],
    ['region contains "e"', true],
    ["steps.look.result.nodes.*.s contains 'bad'", true],
    ['steps.look.state is "done"', true],
  ])("%s: %s", (text, expected) => {
    expect(holds(text)).toBe(expected);
  });

  it.each([
    ["", "a condition is expected"],
    ["region is", "something missing at the end"],
    ['region is "eu" region', "`region` is not expected here"],
    ["(force", "a bracket is not closed"],
    ["region = 1", "is not understood"],
    ["process.exit(1)", "the parameter process has no parts"],
    ["constructor.constructor", "has no parts"],
    ["steps.look", "of a step there are"],
    ["`x`", "is not understood"],
    [`${"(".repeat(50)}force${")".repeat(50)}`, "nested too deeply"],
    [`${"not ".repeat(300)}force`, "nested too deeply|1000 characters at most"],
  ])("refuses %s", (text, words) => {
    expect(() => readCondition(text)).toThrow(new RegExp(words));
  });

  it("says what cannot be compared", () => {
    expect(() => holds("region")).toThrow("neither true nor false");
    expect(() => holds("steps.look.result > 1")).toThrow("cannot be put in order");
  });
});
