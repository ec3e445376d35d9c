import { describe, expect, it } from "vitest";
import { schedules } from "../../src/schedules/schedules.ts";
import { botWith } from "./room.ts";

/* What the policy is asked about a line that carries out others. */

const BOOK = `summary: x
parameters: { region: {}, api_token: { default: hidden1 } }
steps:
  - { run: look around }
  - { id: go, run: "change \${region}", rollback: change back }
  - { run: "look \${api_token}" }
  - { run: runbook run child }
`;
const CHILD = "summary: x\nsteps:\n  - run: change child\n  - run: runbook run parent region=eu\n";

const RULES = `
members: ["test:look", "runbook:*", "bot:*", "policy:read"]
roles: { lead: { members: ["memory:lea"] } }
rules:
  - deny members change when what in [us]
  - allow members change when what in [eu, back]
  - allow members change when what in [child] approve 1 of role:lead
  - 'deny memory:mal "runbook show"'
`;

describe("why can't I", () => {
  it("answers for the steps of a runbook, and for those of the runbooks that it runs", async () => {
    const { tell } = await botWith({ parent: BOOK, child: CHILD }, [], { rules: RULES });
    const answer = await tell("why can't I runbook run parent region=us api_token=hidden22", "ann");
    expect(answer.split("\n")).toEqual([
      expect.stringMatching(/^yes: `runbook run parent region=us .*`, said by memory:ann; /),
      "and 8 lines that it carries out, of which 2 are refused:",
      expect.stringMatching(/^yes: `look around`; /),
      expect.stringMatching(/^no: `change us`: .*deny members change when what in \[us\]/),
      expect.stringMatching(/^yes: `change back`; /),
      expect.stringContaining("yes: `look ${api_token}`; "),
      expect.stringMatching(/^yes: `runbook run child`; /),
      expect.stringMatching(/^no: `change child`: 1 of role:lead have to approve it/),
      expect.stringMatching(/^yes: `runbook run parent region=eu`; /),
      expect.stringMatching(/^yes: `change eu`; /),
    ]);
    expect(await tell("can memory:ann runbook run child", "bob")).toContain("no: `change child`");
    // Who may not see a runbook does not see it so.
    expect(await tell("can memory:ann runbook run child", "mal")).toBe(
      (await tell("can memory:ann runbook run child", "bob")).split("\n")[0],
    );
  });

  it("answers for the line of a schedule, whatever it stands for", async () => {
    const { tell } = await botWith({ child: CHILD }, [], { rules: RULES, extensions: [schedules()] });
    await tell('alias add up "change us"', "ann", /up/);
    expect(await tell('why can\'t I every 10m "up"', "ann")).toMatch(
      /^yes: `every 10m "up"`.*\nand 1 line that it carries out, of which one is refused:\nno: `change us`: /,
    );
    const nested = await tell('can I in 5m "runbook run child | top 1"', "ann");
    expect(nested).toMatch(/yes: `runbook run child \| top 1`; .*\nno: `change child`: /);
    expect(await tell("why can't I every", "ann")).toMatch(/^yes: `every`, said by memory:ann; [^\n]*$/);
  });
});
