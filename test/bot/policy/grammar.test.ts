import { describe, expect, it } from "vitest";
import { readPolicyFile } from "../../../src/bot/policy/file.ts";
import { readPolicy } from "../../../src/bot/policy.ts";

/* What a rule may say, and where it says that something is wrong. */

const HEAD = `people:
  ann: [slack:T01/U02]
groups:
  sre: [ann]
roles:
  oncall: { members: ["group:sre"] }
  lead: { members: [ann] }
rooms:
  ops: [slack:C02, "xmpp:ops@conference.example.org"]
`;
const ruled = (rule: string) => `${HEAD}rules: |\n  ${rule}\n`;
const read = (rule: string) => readPolicyFile(ruled(rule), "p.yaml").rules[0];
/** The line of the first rule. */
const LINE = HEAD.split("\n").length + 1;

describe("a rule", () => {
  it("has all its parts", () => {
    const text =
      "allow role:oncall, ann call, stream payments/*, orders/Order.* in #ops on mon-fri 08:00-18:00 Europe/London when env in [staging, test-*] and amount <= 100 approve 2 of role:lead";
    expect(read(text)).toEqual({
      effect: "allow",
      text,
      line: LINE,
      who: ["role:oncall", "ann"],
      what: ["call", "stream"],
      targets: [{ service: "payments" }, { service: "orders", endpoint: "Order.*" }],
      rooms: ["slack:C02", "xmpp:ops@conference.example.org"],
      hours: {
        days: [false, true, true, true, true, true, false],
        from: 480,
        to: 1080,
        zone: "Europe/London",
        text: "on mon-fri 08:00-18:00 Europe/London",
      },
      tests: [
        {
          field: "env",
          is: "in",
          values: [
            { text: "staging", glob: false },
            { text: "test-*", glob: true },
          ],
          text: "env in [staging, test-*]",
        },
        { field: "amount", is: "<=", values: [{ text: "100", glob: false }], text: "amount <= 100" },
      ],
      approvals: { count: 2, role: "lead" },
    });
  });

  it.each([
    ["deny anyone *", { effect: "deny", who: ["anyone"], what: ["*"], targets: [] }],
    ['allow members "register service"', { what: ["register service"], targets: [] }],
    ['allow slack:* service:* "a/b" in slack:C9', { targets: [{ service: "a/b" }], rooms: ["slack:C9"] }],
    [
      "allow ann call when env not in ['a b']",
      { tests: [{ field: "env", is: "not in", values: [{ text: "a b", glob: false }], text: "env not in ['a b']" }] },
    ],
    [
      "allow ann call when order.env = prod",
      { tests: [{ field: "order.env", is: "in", values: [{ text: "prod", glob: false }], text: "order.env = prod" }] },
    ],
    [
      "allow ann call on sat, sun UTC",
      { hours: { days: [true, false, false, false, false, false, true], zone: "UTC", text: "on sat, sun UTC" } },
    ],
  ])("%s", (text, parts) => expect(read(text)).toMatchObject(parts));

  it.each([
    ["permit ann call", 3, "a rule begins with allow or deny, not permit"],
    ["allow", 8, "the rule ends where who it is for"],
    ["allow ann", 12, "the rule ends where a command"],
    ["allow bob call", 9, "nobody is called bob"],
    ["allow role:dev call", 9, "there is no role dev under roles"],
    ["allow group:dev call", 9, "there is no group dev under groups"],
    ["allow ann in #ops", 13, "a command or a permission (call, service:*) is missing before in"],
    ["allow ann pay/* call", 13, "the service stands behind it"],
    ["allow ann Call:everything:x", 13, "is no permission"],
    ["allow ann register service foo", 30, 'a command of several words stands in quotes, as in "register …"'],
    ["allow ann call pay in #dev", 25, "there is no room dev under rooms"],
    ["allow ann call pay in dev", 25, "dev is no room"],
    ["allow ann call pay in #ops in #ops", 30, "in stands twice"],
    ["allow ann call pay on workdays UTC", 25, "workdays is no day"],
    ["allow ann call pay on mon-fri 08:00-18:00", 22, "say whose clock it is"],
    ["allow ann call pay on 25:00-26:00 UTC", 25, "25:00-26:00 is no day"],
    ["allow ann call pay on mon Europe/Atlantis", 29, "Europe/Atlantis is no day"],
    ["allow ann call pay when env", 30, "the rule ends where in […]"],
    ["allow ann call pay when env in staging", 34, "values stand in brackets"],
    ["allow ann call pay when env in [staging", 42, "the bracket [ is not closed"],
    ["allow ann call pay when env < many", 33, "< wants a number, not many"],
    ['allow ann call pay when env = "staging', 33, 'the quote " is not closed'],
    ["allow ann call pay/", 18, "pay/ is no target"],
    ["deny ann call approve 1 of role:lead", 17, "what is denied cannot be approved"],
    ["allow ann call, break-glass approve 1 of role:lead", 31, "break-glass goes without approvers"],
    ["allow ann bot:break-glass approve 1 of role:lead", 29, "break-glass goes without approvers"],
    ["allow ann call approve two of role:lead", 26, "two is no number of approvers"],
    ["allow ann call approve 2 of ann", 31, "approvers are a role"],
    ["allow ann call approve 2 of role:lead in #ops", 41, "the rule should end before in"],
  ])("says line and column of what is wrong: %s", (text, column, words) => {
    expect(() => read(text)).toThrow(`policy p.yaml, line ${LINE}, column ${column}: `);
    expect(() => read(text)).toThrow(words);
  });

  it("may stand in a list, where a # that YAML would take for a comment is told", () => {
    const list = (rule: string) => `${HEAD}rules:\n  - ${rule}\n`;
    expect(readPolicyFile(list("'allow ann call pay in #ops'"), "p").rules[0]?.rooms).toHaveLength(2);
    expect(() => readPolicy(list("allow ann call in slack:C1 #ops"), "p")).toThrow("YAML takes what stands behind #");
    expect(() => readPolicy(list("'allow ann call in #dev'"), "p")).toThrow(
      `line ${LINE}, column 24: there is no room`,
    );
    expect(() => readPolicy(`${HEAD}rules: >\n  allow ann call\n`, "p")).toThrow("lines below `rules: |`");
  });

  it("may have remarks and empty lines around it", () => {
    const { rules } = readPolicyFile(
      `${HEAD}rules: |\n  # those on call\n\n  allow ann call\n    deny anyone call pay\n`,
      "p",
    );
    expect(rules.map(({ line, text }) => [line - LINE, text])).toEqual([
      [2, "allow ann call"],
      [3, "deny anyone call pay"],
    ]);
  });
});

describe("a policy file", () => {
  it.each([
    ["groups: { sre: [bob] }", "at groups.sre: there is no person bob"],
    ["groups: { sre: ['group:dev'] }", "at groups.sre: there is no group dev"],
    ["roles: { a: { members: ['role:b'] } }", "at roles.a.members: a role has no roles"],
    ["people: { members: ['slack:U1'] }", "at people: members means many"],
    ["rooms: { ops: C02 }", "at rooms.ops"],
    ["rules: { a: b }", "at rules"],
    ["rules: allow", "line 1: rules are a list"],
    ["people: { ann: [slack:U1] }\npeople: {}", "is not YAML"],
    ["grants: []", "Unrecognized key"],
  ])("refuses %s", (text, words) => expect(() => readPolicy(text, "p")).toThrow(words));

  it("tells of a command that there is not", () => {
    const commands = [{ name: "register service", permission: "registry:write" as const }];
    const check = (rule: string) => () => readPolicy(ruled(rule), "p").check?.({ commands: () => commands });
    expect(check("deny anyone register")).toThrow(
      `line ${LINE}: there is no command register; in quotes there are "register service"`,
    );
    expect(check("deny anyone regster")).toThrow("there is no command regster");
    expect(check('deny anyone "register service"')).not.toThrow();
    expect(check("deny anyone registry:*")).not.toThrow();
    expect(check('deny anyone "reg*"')).not.toThrow();
  });
});
