import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Linked } from "../../../src/bot/policy/engine.ts";
import { readPolicy } from "../../../src/bot/policy.ts";
import { calling, ruled } from "./request.ts";

/* Who has two ids, whether the file or a link makes them one person's, gets around nothing by speaking with the other. */

const ANN_SLACK = "slack:T01/U02";
const ANN_XMPP = "xmpp:ann@chat.example.org";
const BOB = "slack:T01/U03";
const EVE_SLACK = "slack:T01/U05";
const EVE_XMPP = "xmpp:eve@chat.example.org";

const linking = (...ids: readonly string[]): Linked => ({
  idsOf: (caller) => (ids.includes(caller) ? ids : []),
  version: () => 0,
});
const alone = linking();

const decide = (rules: readonly string[], caller: string, linked: Linked = alone) => {
  const { allowed, approvals } = (ruled(...rules).linkedBy?.(linked) ?? ruled(...rules)).decide(
    calling("Order.Purge", "{}", { caller }),
  );
  return { allowed, wanted: approvals?.count ?? 0 };
};

describe("a rule that wants approvals of somebody", () => {
  it("wants them of all ids that the file gives them", () => {
    const rules = ["allow anyone call", `allow ${ANN_SLACK} call payments approve 2 of role:lead`];
    expect(decide(rules, ANN_SLACK)).toEqual({ allowed: true, wanted: 2 });
    expect(decide(rules, ANN_XMPP)).toEqual({ allowed: true, wanted: 2 });
    expect(decide(rules, BOB)).toEqual({ allowed: true, wanted: 0 });
  });

  it("wants them of an id that they have linked, and not of one that they have not", () => {
    const rules = ["allow anyone call", `allow ${EVE_SLACK} call payments approve 2 of role:lead`];
    expect(decide(rules, EVE_XMPP)).toEqual({ allowed: true, wanted: 0 });
    expect(decide(rules, EVE_XMPP, linking(EVE_SLACK, EVE_XMPP))).toEqual({ allowed: true, wanted: 2 });
  });

  it("allows an id nothing that it does not name", () => {
    const rules = [`allow ${ANN_SLACK} call payments approve 2 of role:lead`];
    expect(decide(rules, ANN_XMPP).allowed).toBe(false);
    expect(decide(rules, ANN_SLACK).allowed).toBe(true);
  });
});

describe("an id in other letters", () => {
  const LOUD = "hubot:irc:Mallory";
  const QUIET = "hubot:irc:mallory";
  const file = (rules: string) =>
    readPolicy(
      `
people: { mal: ["${LOUD}"], ann: ["slack:T01/U02"] }
groups: { bad: [mal] }
roles: { lead: { members: [ann] } }
rules: |
  allow anyone call
  ${rules}
`,
      "policy.yaml",
    );
  const decided = (rules: string, caller: string) => file(rules).decide(calling("Order.Get", "{}", { caller }));

  it.each([LOUD, "mal", "group:bad", QUIET])("is denied, and needs approvals, as much as %s", (who) => {
    for (const caller of [LOUD, QUIET, "hubot:irc:MALLORY"]) {
      expect(decided(`deny ${who} call`, caller).allowed, caller).toBe(false);
      expect(decided(`allow ${who} call approve 1 of role:lead`, caller).approvals?.count, caller).toBe(1);
    }
    expect(decided(`deny ${who} call`, "hubot:irc:mallory2").allowed).toBe(true);
  });

  it("is allowed nothing by it", () => {
    const only = readPolicy(`rules: |\n  allow ${LOUD} call\n`, "policy.yaml");
    expect(only.decide(calling("Order.Get", "{}", { caller: LOUD })).allowed).toBe(true);
    expect(only.decide(calling("Order.Get", "{}", { caller: QUIET })).allowed).toBe(false);
  });
});

describe("linking", () => {
  const rules = fc.array(
    fc
      .record({
        verb: fc.constantFrom("allow", "allow", "deny"),
        who: fc.constantFrom(
          ...["ann", "role:oncall", "group:leads", "members", ANN_SLACK, ANN_XMPP, BOB, EVE_SLACK, EVE_XMPP],
        ),
        target: fc.constantFrom("", "payments", "payments/Order.Purge", "orders"),
        count: fc.constantFrom(0, 1, 2),
      })
      .map(({ verb, who, target, count }) => {
        const approvals = verb === "allow" && count > 0 ? `approve ${count} of role:lead` : "";
        return [verb, who, "call", target, approvals].filter(Boolean).join(" ");
      }),
    { maxLength: 6 },
  );

  it("removes no approval and no denial, neither one's own nor one of the other id", { timeout: 60_000 }, () => {
    const pairs = [
      [EVE_SLACK, EVE_XMPP],
      [ANN_SLACK, EVE_XMPP],
      [EVE_XMPP, ANN_XMPP],
      [EVE_SLACK, BOB],
    ] as const;
    fc.assert(
      fc.property(rules, fc.constantFrom(...pairs), (some, pair) => {
        const own = pair.map((caller) => decide(["allow anyone call", ...some], caller));
        const one = pair.map((caller) => decide(["allow anyone call", ...some], caller, linking(...pair)));
        for (const { allowed, wanted } of one) {
          if (own.some((before) => !before.allowed)) expect(allowed).toBe(false);
          else if (allowed) expect(wanted).toBeGreaterThanOrEqual(Math.max(...own.map((before) => before.wanted)));
        }
      }),
      { numRuns: 500 },
    );
  });
});
