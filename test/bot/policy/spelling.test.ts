import { describe, expect, it } from "vitest";
import { calling, ruled } from "./request.ts";

/* One endpoint has many spellings: what the server would run is what a rule binds, however either of them spells it. */

const SPELLINGS = [
  "Order.Purge",
  "payments.Order.Purge",
  "/payments.Order/Purge",
  "shop.v1.Order/Purge",
  "/Order/Purge",
  "Order/Purge",
  "order.purge",
];
const SAID = [
  ...SPELLINGS,
  "/payments.Order//Purge",
  "/payments.Order/Purge/",
  "/payments.Order/Purge?x=1",
  "/payments.Order/Pur%67e",
];
const WITH_STARS = ["Order.*", "*.Purge", "Order.P*", "*Purge", "pay*.Purge", "*.Order.Purge", "/payments.Order/*"];

const ANYTHING = "allow anyone call";
const decide = (rules: readonly string[], endpoint: string, target = "payments") =>
  ruled(...rules).decide(calling(endpoint, "{}", { target }));

describe("a rule about an endpoint", () => {
  it.each([...SPELLINGS, ...WITH_STARS])("that denies %s does so in whatever spelling", (rule) => {
    const allowed = SAID.filter((said) => decide([ANYTHING, `deny anyone call payments/${rule}`], said).allowed);
    expect(allowed).toEqual([]);
  });

  it.each([...SPELLINGS, ...WITH_STARS])("that wants approvals for %s wants them in whatever spelling", (rule) => {
    const rules = [ANYTHING, `allow anyone call payments/${rule} approve 1 of role:lead`];
    const free = SAID.filter((said) => decide(rules, said).approvals === undefined);
    expect(free).toEqual([]);
  });

  it("that allows it means it as it is written", () => {
    for (const rule of SPELLINGS) {
      const allowed = SAID.filter((said) => decide([`allow anyone call payments/${rule}`], said).allowed);
      expect(allowed).toEqual([rule]);
    }
  });

  it("binds no other one", () => {
    for (const rule of SPELLINGS) {
      for (const said of [
        "Order.Get",
        "Purge.Order",
        "Item.Purge",
        "/payments.Order/Purged",
        "/payments.Purge/Order",
      ]) {
        expect(decide([ANYTHING, `deny anyone call payments/${rule}`], said).allowed, `${rule} ${said}`).toBe(true);
      }
    }
  });

  it("that allows with a star allows no way through it to another handler", () => {
    const rules = ["allow anyone call payments/Order.*"];
    expect(decide(rules, "Order.Get").allowed).toBe(true);
    for (const said of [
      "Order./Admin/Purge",
      "Order.X/Admin/Purge",
      "Order.%2fAdmin%2fPurge",
      "Order.Get?/Admin/Purge",
    ]) {
      expect(decide(rules, said).allowed, said).toBe(false);
    }
  });
});

describe("a rule about a service", () => {
  it("that denies it does so by its name in DNS, and where an address stands for the name", () => {
    for (const target of [
      "payments",
      "PAYMENTS",
      "payments.",
      "10.0.0.7",
      "10.0.0.7.",
      "127.1",
      "0x7f000001",
      "[::1]:80",
    ]) {
      expect(decide([ANYTHING, "deny anyone call payments"], "Order.Get", target).allowed, target).toBe(false);
    }
    for (const target of ["payments2", "v2.payments", "orders"]) {
      expect(decide([ANYTHING, "deny anyone call payments"], "Order.Get", target).allowed, target).toBe(true);
    }
  });
});
