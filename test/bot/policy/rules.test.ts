import { describe, expect, it } from "vitest";
import type { Request } from "../../../src/bot/policy.ts";
import { registerService as register } from "../../../src/commands/register-service.ts";
import { stream } from "../../../src/commands/stream.ts";
import { calling, MONDAY_NOON, restart, ruled } from "./request.ts";

/* Which requests a rule fits, and which rule decides. */

const BOB = "slack:T01/U03";
const CAROL = "slack:T01/U04";
const decided = (rules: readonly string[], request: Request) => ruled(...rules).decide(request);
const allowed = (rule: string, request: Request) => decided([rule], request).allowed;
const watching = (endpoint: string) => calling(endpoint, "{}", { command: stream });
/** Members may call, but for what the rule denies. */
const denied = (rule: string, request: Request) => !decided(["allow anyone *", rule], request).allowed;

describe("without a rule", () => {
  it("members may do what changes nothing, and nobody anything else", () => {
    const list = { name: "list services", permission: "registry:read", effect: "read" } as const;
    expect(decided([], restart()).allowed).toBe(false);
    expect(decided([], restart({ command: list })).allowed).toBe(true);
    expect(decided([], restart({ command: list, guest: true })).allowed).toBe(false);
    expect(decided([], restart({ command: list, caller: "slack:guest", guest: true })).allowed).toBe(false);
  });

  it("members may say who they are, which is a write, unless a rule denies it", () => {
    const link = { name: "link", permission: "bot:link", effect: "write" } as const;
    expect(decided([], restart({ command: link })).allowed).toBe(true);
    expect(ruled().allows(CAROL, false, link)).toBe(true);
    expect(decided([], restart({ command: link, guest: true })).allowed).toBe(false);
    expect(ruled().allows(CAROL, true, link)).toBe(false);
    expect(decided(["deny members bot:link"], restart({ command: link })).allowed).toBe(false);
  });

  it("a rule that denies calls, or wants approvals for them, binds streams, and one that allows them does not", () => {
    for (const what of ["call", "query", "call, stream", "service:call"]) {
      expect(denied(`deny anyone ${what} payments/Order.Purge`, watching("Order.Purge")), what).toBe(true);
    }
    const approved = ["allow anyone stream", "allow ann call payments/Order.* approve 1 of role:lead"];
    expect(decided(approved, watching("Order.Get"))).toMatchObject({ allowed: true, approvals: { count: 1 } });
    expect(decided(approved.slice(1), watching("Order.Get")).allowed).toBe(false);
    expect(decided(["allow anyone call"], watching("Order.Get")).allowed).toBe(false);
    expect(ruled("allow anyone call approve 1 of role:lead").allows(CAROL, false, stream)).toBe(false);
  });

  it("a rule about streams says nothing of calls", () => {
    const rules = ["allow anyone call", "deny anyone stream", "allow anyone stream approve 1 of role:lead"];
    expect(decided(rules, calling("Order.Get", "{}"))).toEqual(decided(rules.slice(0, 1), calling("Order.Get", "{}")));
  });
});

describe("who", () => {
  it.each([
    ["ann", "slack:T01/U02", true],
    ["ann", "xmpp:ann@chat.example.org", true],
    ["ann", BOB, false],
    ["slack:T01/U02", "slack:T01/U02", true],
    ["role:oncall", BOB, true],
    ["role:oncall", "slack:T01/U02", true],
    ["role:oncall", CAROL, false],
    ["group:leads", BOB, false],
    ["group:sre, slack:T01/U04", CAROL, true],
    ["slack:*", CAROL, true],
    ["slack:*", "xmpp:carol@chat.example.org", false],
    ["members", CAROL, true],
    ["guests", CAROL, false],
    ["anyone", CAROL, true],
  ])("%s means %s: %s", (who, caller, yes) => expect(allowed(`allow ${who} restart`, restart({ caller }))).toBe(yes));

  it.each([
    ["members", false],
    ["slack:*", false],
    ["role:oncall", false],
    ["guests", true],
    ["anyone", true],
    ["slack:T09/U09", true],
  ])("a stranger is one of %s: %s", (who, yes) => {
    expect(allowed(`allow ${who} restart`, restart({ caller: "slack:T09/U09", guest: true }))).toBe(yes);
  });

  it("a rule that denies means a person by any of their ids, and strangers among a network's people", () => {
    expect(denied("deny slack:T01/U02 restart", restart({ caller: "xmpp:ann@chat.example.org" }))).toBe(true);
    expect(denied("deny slack:* restart", restart({ caller: "slack:T09/U09", guest: true }))).toBe(true);
    expect(denied("deny slack:T01/U02 restart", restart({ caller: BOB }))).toBe(false);
  });
});

describe("what", () => {
  it.each([
    ["restart", true],
    ["re*", true],
    ["*", true],
    ["service:*", true],
    ["*:restart", true],
    ["service:call", false],
    ["start", false],
    ["call, restart", true],
  ])("%s is restart: %s", (what, yes) => expect(allowed(`allow members ${what}`, restart())).toBe(yes));

  it("is a command by any of its names", () => {
    for (const name of ["call", "query", "service:call"]) {
      expect(allowed(`allow members ${name}`, calling("Order.Get", "{}"))).toBe(true);
    }
    expect(allowed('allow members "register service"', restart({ command: register }))).toBe(true);
  });
});

describe("on what", () => {
  const on = (target: string, request: Request) => [
    allowed(`allow members call ${target}`, request),
    denied(`deny members call ${target}`, request),
  ];
  it.each([
    ["payments", true],
    ["payments/*", true],
    ["pay*", true],
    ["*", true],
    ["*/Order.Get", true],
    ["payments/Order.*", true],
    ["payments/Order.Put", false],
    ["orders", false],
    ["orders, payments/*", true],
  ])("%s is payments Order.Get: %s", (target, yes) =>
    expect(on(target, calling("Order.Get", "{}"))).toEqual([yes, yes]),
  );

  it("a target with an endpoint is for commands that have one", () => {
    expect(allowed("allow members restart payments/Order.Get", restart())).toBe(false);
    expect(allowed("allow members restart payments/*", restart())).toBe(true);
  });

  it("what acts on no service, as far as anybody knows, is on no service", () => {
    const { target: _, ...nowhere } = restart();
    expect(allowed("allow members restart payments", nowhere)).toBe(false);
    expect(allowed("allow members restart *", nowhere)).toBe(true);
  });

  it("what a registry or server may take for the same is denied, and not allowed", () => {
    for (const [endpoint, target] of [
      ["/shop.Order/Get", "payments"],
      ["shop.Order/Get", "payments"],
      ["order.get", "payments"],
      ["Order.Get", "PAYMENTS"],
    ] as const) {
      expect(on("payments/Order.Get", calling(endpoint, "{}", { target })), endpoint).toEqual([false, true]);
    }
  });

  it("who names an address could be calling any service", () => {
    const elsewhere = calling("Order.Get", "{}", { input: { address: "10.0.0.9:80" } });
    expect(on("payments", elsewhere)).toEqual([false, true]);
    expect(on("orders", elsewhere)).toEqual([false, true]);
    expect(on("*", elsewhere)).toEqual([true, true]);
  });
});

describe("a target that is an address", () => {
  it.each(["payments:8080", "10.0.0.9:80", "[::1]:80", "payments:8080 "])("could be any service: %s", (target) => {
    const there = calling("Order.Get", "{}", { target });
    expect(allowed("allow members call pay*, 10*, payments:8080", there)).toBe(false);
    expect(allowed("allow members call *", there)).toBe(true);
    expect(denied("deny members call payments/Order.Get", there)).toBe(true);
    expect(denied("deny members call orders", there)).toBe(true);
    const rules = ["allow bob service:call", "allow bob call payments/Order.Get approve 1 of role:lead"];
    expect(decided(rules, { ...there, caller: BOB })).toMatchObject({ allowed: true, approvals: { count: 1 } });
  });
});

describe("where and when", () => {
  it.each([
    ["#ops", "slack:C02", true],
    ["#ops", "xmpp:ops@conference.example.org", true],
    ["#ops", "slack:C03", false],
    ["slack:C03", "slack:C02", false],
    ["slack:*", "slack:C02", true],
  ])("in %s, said in %s: %s", (rule, room, yes) =>
    expect(allowed(`allow members restart in ${rule}`, restart({ room }))).toBe(yes),
  );

  it("what is said in no room is in none", () => {
    const { room: _, ...nowhere } = restart();
    expect(allowed("allow members restart in slack:*", nowhere)).toBe(false);
  });

  it.each([
    ["mon-fri 08:00-18:00 UTC", MONDAY_NOON, true],
    ["tue-fri UTC", MONDAY_NOON, false],
    ["sat-mon UTC", MONDAY_NOON, true],
    ["08:00-12:00 UTC", MONDAY_NOON, false],
    ["12:00-12:01 UTC", MONDAY_NOON, true],
    ["12:00-13:00 Europe/London", MONDAY_NOON, true],
    ["08:00-09:00 America/New_York", MONDAY_NOON, false],
    ["07:00-08:00 America/New_York", MONDAY_NOON, true],
    // Summer time in London: noon there is eleven here.
    ["12:00-13:00 Europe/London", Date.UTC(2026, 6, 6, 11, 30), true],
    ["22:00-06:00 UTC", Date.UTC(2026, 2, 3, 3), true],
    // The night of Monday ends on Tuesday morning, and Sunday's on Monday's.
    ["mon 22:00-06:00 UTC", Date.UTC(2026, 2, 3, 3), true],
    ["mon 22:00-06:00 UTC", Date.UTC(2026, 2, 2, 3), false],
    ["00:00-24:00 UTC", MONDAY_NOON, true],
    ["mon Asia/Kathmandu", Date.UTC(2026, 2, 1, 18, 15), true],
    ["mon Asia/Kathmandu", Date.UTC(2026, 2, 1, 18, 14, 59), false],
  ])("on %s", (on, at, yes) => expect(allowed(`allow members restart on ${on}`, restart({ at }))).toBe(yes));
});

describe("when", () => {
  const when = (tests: string, request: string) => [
    allowed(`allow members call when ${tests}`, calling("Order.Get", request)),
    denied(`deny members call when ${tests}`, calling("Order.Get", request)),
  ];
  it.each([
    ["env in [staging]", '{"env":"staging"}', true],
    ["env in [staging]", '{"env":"prod"}', false],
    ["env in [staging]", "{}", false],
    ["env in [test-*]", '{"env":"test-7"}', true],
    ["env in ['test-*']", '{"env":"test-7"}', false],
    ["env = staging and amount <= 100", '{"env":"staging","amount":100}', true],
    ["env = staging and amount <= 100", '{"env":"staging","amount":101}', false],
    ["amount < 10", '{"amount":"9"}', true],
    ["dry = true", '{"dry":true}', true],
    ["order.env = staging", '{"order":{"env":"staging"}}', true],
    ["env not in [prod]", '{"env":"staging"}', true],
    ["env != prod", '{"env":"prod"}', false],
    ["endpoint = Order.Get", "{}", true],
  ])("%s, with %s: %s", (tests, request, yes) => expect(when(tests, request)).toEqual([yes, yes]));

  it("what is not there proves nothing: a rule that allows does not fit, one that denies all but some does", () => {
    expect(when("env != prod", "{}")).toEqual([false, true]);
    expect(when("env not in [prod]", '{"env":null}')).toEqual([false, true]);
  });

  it.each([
    ["it stands there twice", '{"env":"staging","env":"prod"}'],
    ["it stands there twice, once with an escape", '{"env":"staging","\\u0065nv":"prod"}'],
    ["Go takes other letters for the same", '{"env":"staging","ENV":"prod"}'],
    ["and no other", '{"Env":"staging"}'],
    ["protobuf's JSON takes other spellings", '{"e_n_v":"staging"}'],
    ["it is a list of things", '{"env":[{}]}'],
    ["it is no JSON", '{"env":"staging"'],
    ["it is no object", '["staging"]'],
  ])("a value that a service may read otherwise is not allowed, and denied: %s", (_why, request) => {
    expect(when("env in [staging]", request)).toEqual([false, true]);
  });

  it("a name that is an option and stands in the JSON is allowed by the option, and denied by either", () => {
    const asked = (request: string, input = {}) => calling("Order.Get", request, { input });
    const rule = "allow anyone call when version in [staging]";
    expect(allowed(rule, asked('{"version":"prod"}', { version: "staging" }))).toBe(true);
    expect(allowed(rule, asked('{"version":"staging"}'))).toBe(false);
    const deny = "deny anyone call when version in [prod]";
    expect(denied(deny, asked('{"version":"prod"}', { version: "staging" }))).toBe(true);
    expect(denied(deny, asked('{"Version":"prod"}'))).toBe(true);
    expect(denied(deny, asked("{}", { version: "prod" }))).toBe(true);
    expect(denied(deny, asked('{"version":"staging"}'))).toBe(false);
    const wanting = ["allow anyone stream", "allow anyone call when limit > 100 approve 1 of role:lead"];
    const streamed = calling("Order.Get", '{"limit":1000}', { command: stream, input: { limit: 5 } });
    expect(decided(wanting, streamed).approvals?.count).toBe(1);
  });

  it.each(["ENV", "Env", "e-nv", "env "])(
    "a header in other letters may be the one that is denied, and is not the one allowed: %s",
    (name) => {
      const asked = calling("Order.Get", "{}", { input: { metadata: { [name]: "prod" } } });
      expect(denied("deny anyone call when metadata.env in [prod]", asked)).toBe(true);
      expect(allowed("allow anyone call when metadata.env in [prod]", asked)).toBe(false);
      const plain = calling("Order.Get", "{}", { input: { metadata: { env: "prod" } } });
      expect(allowed("allow anyone call when metadata.env in [prod]", plain)).toBe(true);
    },
  );

  it("a list is in when all of it is, and denied when any of it is", () => {
    expect(when("env in [staging, test]", '{"env":["staging","test"]}')).toEqual([true, true]);
    expect(when("env in [staging, test]", '{"env":["staging","prod"]}')).toEqual([false, true]);
  });

  it.each([
    ["amount <= 9007199254740992", '{"amount":9007199254740993}'],
    ["amount <= 9007199254740992", '{"amount":"9007199254740993"}'],
    ["amount <= 9007199254740993", '{"amount":9007199254740992}'],
    ["id = 9007199254740992", '{"id":9007199254740993}'],
    ["id in [1, 9007199254740992]", '{"id":[1,9007199254740993]}'],
    ["amount <= 100", '{"amount":100.000000000000001}'],
    ["order.amount <= 100", '{"order":{"env":"x","amount":100.000000000000001}}'],
    ["amount >= 0", '{"amount":1e-400}'],
    ["amount > 5", '{"amount":1e400}'],
  ])("a number that loses digits here is not allowed, and denied: %s, with %s", (tests, request) => {
    expect(when(tests, request)).toEqual([false, true]);
  });

  it.each(["100", "1e2", "100.0", "1.0E+2", "10000e-2"])("a number is the same however it is written: %s", (number) => {
    expect(when("amount = 100 and amount <= 100", `{"amount":${number}}`)).toEqual([true, true]);
    expect(when("amount > 100", `{"amount":${number},"id":9007199254740993}`)).toEqual([false, false]);
  });

  it("a list of nothing is in no list, as what is not there", () => {
    expect(when("env not in [staging]", '{"env":[]}')).toEqual([false, true]);
    expect(when("env in [staging]", '{"env":[]}')).toEqual([false, false]);
  });

  it("denies a value in other letters, too", () => {
    expect(when("env = prod", '{"env":"PROD"}')).toEqual([false, true]);
    expect(when("amount > 5", '{"amount":"many"}')).toEqual([false, true]);
  });

  it("an argument that the command declares is looked for in the JSON only where it is denied", () => {
    expect(when("version = 1", '{"version":"1"}')).toEqual([false, true]);
    const versioned = calling("Order.Get", '{"version":"2"}', { input: { version: "1" } });
    expect(allowed("allow members call when version = 1", versioned)).toBe(true);
  });
});

describe("which rule decides", () => {
  it("one that denies, whatever else there is and in whatever order", () => {
    const rules = ["allow ann restart", "deny members restart payments", "allow anyone *"];
    for (const order of [rules, rules.toReversed()]) {
      const { allowed, rule, why } = decided(order, restart());
      expect({ allowed, rule }).toEqual({ allowed: false, rule: "deny members restart payments" });
      expect(why).toMatch(
        /^`restart` on payments is forbidden to slack:T01\/U02 by `deny .*` \(policy.yaml, line \d+\)/,
      );
    }
  });

  it("a grant does not get around one that denies either", () => {
    const publish = { name: "publish", permission: "topic:publish", effect: "write" } as const;
    expect(decided([], restart({ caller: BOB, command: publish }))).toMatchObject({
      allowed: true,
      rule: "roles.operators.grants",
    });
    expect(decided(["deny bob topic:*"], restart({ caller: BOB, command: publish })).allowed).toBe(false);
  });

  it("one that wants approvals before one that wants none, and the strictest of them", () => {
    const rules = [
      "allow members restart",
      "allow role:oncall restart payments approve 1 of role:lead",
      "allow bob restart approve 2 of role:lead",
    ];
    for (const order of [rules, rules.toReversed()]) {
      expect(decided(order, restart({ caller: BOB })).approvals).toEqual({ count: 2, role: "lead" });
      expect(decided(order, restart()).approvals).toEqual({ count: 1, role: "lead" });
      expect(decided(order, restart({ caller: CAROL }))).not.toHaveProperty("approvals");
      expect(decided(order, restart({ target: "orders" }))).not.toHaveProperty("approvals");
    }
  });
});

describe("approvals", () => {
  const wanted = (rule: string, request: Request) =>
    [
      ["allow bob service:call", rule],
      [rule, "allow bob call"],
    ].map((rules) => decided(rules, request));
  const bob = (endpoint: string, init: Partial<Request> = {}, body = "{}") =>
    calling(endpoint, body, { caller: BOB, ...init });
  const PURGE = "allow role:oncall call payments/Order.Purge approve 1 of role:lead";

  it.each([
    ["as the rule spells it", bob("Order.Purge")],
    ["with a blank behind it", bob("Order.Purge ")],
    ["with a tab before it", bob("\tOrder.Purge")],
    ["as gRPC spells it", bob("/payments.Order/Purge")],
    ["as gRPC spells it, with a blank", bob("/payments.Order/Purge\r")],
    ["in other letters", bob("order.purge")],
    ["on a service in other letters", bob("Order.Purge", { target: "PAYMENTS" })],
    ["on a service with a blank", bob("Order.Purge", { target: "payments " })],
    ["at an address", bob("Order.Purge", { input: { address: "10.0.0.9:80" } })],
    ["at an address, by another name", bob("Order.Purge", { target: "orders", input: { address: "10.0.0.9:80" } })],
  ])("are wanted for whatever may be meant: %s", (_how, request) => {
    for (const { allowed, approvals } of wanted(PURGE, request)) {
      expect({ allowed, approvals }).toEqual({ allowed: true, approvals: { count: 1, role: "lead" } });
    }
  });

  it.each([
    ["another endpoint", bob("Order.Get")],
    ["another endpoint at an address", bob("Order.Get", { input: { address: "10.0.0.9:80" } })],
    ["another service", bob("Order.Purge", { target: "orders" })],
    ["a longer name", bob("Order.PurgeAll")],
  ])("are not wanted for %s", (_what, request) => {
    for (const decision of wanted(PURGE, request)) {
      expect(decision.allowed).toBe(true);
      expect(decision).not.toHaveProperty("approvals");
    }
  });

  it.each([
    ['{"env":"prod"}', true],
    ['{"Env":"prod"}', true],
    ['{"env":"prod","env":"prod"}', true],
    ['{"env":["prod","x"]}', true],
    ['{"env":"PROD"}', true],
    ['{"env":"staging"}', false],
    ["{}", false],
  ])("are wanted where an argument may be meant: %s: %s", (body, yes) => {
    const rule = "allow role:oncall call payments when env in [prod] approve 1 of role:lead";
    for (const { approvals } of wanted(rule, bob("Order.Get", {}, body))) expect(approvals !== undefined).toBe(yes);
  });

  it("by a rule that may fit allow nothing by themselves", () => {
    expect(decided([PURGE], bob("Order.Purge")).allowed).toBe(true);
    expect(decided([PURGE], bob("Order.Purge ")).allowed).toBe(false);
    expect(decided([PURGE], bob("Order.Purge", { input: { address: "10.0.0.9:80" } })).allowed).toBe(false);
  });

  it("are those of the strictest rule that may fit", () => {
    const rules = [PURGE, "allow bob call payments/order.purge approve 2 of role:operators"];
    expect(decided(rules, bob("Order.Purge"))).toMatchObject({
      allowed: true,
      rule: rules[1],
      approvals: { count: 2, role: "operators" },
    });
  });

  it("are wanted for what a role is granted", () => {
    const publish = { name: "publish", permission: "topic:publish", effect: "write" } as const;
    const rules = ["allow bob publish payments approve 1 of role:lead"];
    const decision = decided(rules, restart({ caller: BOB, command: publish, target: "Payments" }));
    expect(decision).toMatchObject({ allowed: true, approvals: { count: 1 } });
    expect(decision.why).toBe(
      "allowed by roles.operators.grants of the policy, approved as `allow bob publish payments approve 1 of role:lead` wants it",
    );
  });
});

describe("blanks at the ends of a name", () => {
  it.each(["Order.Purge ", " Order.Purge", "Order.Purge\t", "Order.Purge\r", "/payments.Order/Purge "])(
    "do not get around a rule that denies: %j",
    (endpoint) => {
      expect(denied("deny anyone call payments/Order.Purge", calling(endpoint, "{}"))).toBe(true);
      expect(allowed("allow anyone call payments/Order.Purge", calling(endpoint, "{}"))).toBe(false);
    },
  );
});

describe("why", () => {
  it("tells who is named what is missing, by the rule that is nearest", () => {
    const rules = [
      "allow ann restart pay* in slack:C03 when env in [staging]",
      "allow ann restart payments in slack:C03",
    ];
    expect(decided(rules, restart()).why).toMatch(
      /^you may `restart` only in slack:C03: so says `allow ann restart payments in slack:C03` \(policy.yaml, line \d+\)$/,
    );
  });

  it("tells others what they need, who has it and who can give it", () => {
    expect(decided(["allow role:lead restart payments"], restart({ caller: CAROL })).why).toBe(
      "you need the permission service:restart for `restart` on payments; role:lead may; who runs this bot can grant it to slack:T01/U04 in its policy file",
    );
    expect(decided([], restart({ guest: true })).why).toMatch(/^you are a guest here, and guests need the permission/);
  });
});

describe("what is shown", () => {
  const shown = (rules: readonly string[], caller: string, guest = false) =>
    ruled(...rules).allows(caller, guest, restart().command);
  it.each([
    [["allow ann restart payments in slack:C9 when env in [staging]"], true],
    [["allow bob restart"], false],
    [["allow members restart", "deny ann restart"], false],
    [["allow members restart", "deny ann restart *"], false],
    [["allow members restart", "deny ann restart payments"], true],
    [["allow members restart", "deny ann restart on sat UTC"], true],
    [[], false],
  ])("%j to ann: %s", (rules, yes) => expect(shown(rules, "slack:T01/U02")).toBe(yes));
});

describe("roles", () => {
  it("are had by groups of groups, and by nobody who is a guest", () => {
    const policy = ruled();
    expect(policy.hasRole?.("xmpp:ann@chat.example.org", false, "oncall")).toBe(true);
    expect(policy.hasRole?.(CAROL, false, "oncall")).toBe(false);
    expect(policy.hasRole?.(BOB, false, "__proto__")).toBe(false);
  });
});
