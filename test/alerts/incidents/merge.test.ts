import { describe, expect, it } from "vitest";
import type { Alert } from "../../../src/alerts/alert.ts";
import {
  acknowledge,
  assign,
  countsOf,
  type Incident,
  isFlapping,
  KNOWN,
  readIncident,
  SHOWN,
  silenced,
  unsilenced,
} from "../../../src/alerts/incidents/incident.ts";
import { merge } from "../../../src/alerts/incidents/merge.ts";
import { alert, NOON, notification } from "./notifications.ts";

/** What comes of notifications, one after the other, each a second after the one before. */
function heard(...all: readonly (readonly Alert[])[]): Incident {
  let incident: Incident | undefined;
  let now = NOON;
  for (const alerts of all) {
    incident = merge(incident, notification(alerts, { receivedAt: now }), now, "a7f3");
    now += 1000;
  }
  return incident as Incident;
}

const fires = (fingerprint: string, startsAt = NOON, more: Partial<Alert> = {}) =>
  alert({ fingerprint, startsAt, ...more });
const ends = (fingerprint: string, startsAt = NOON, endsAt = startsAt + 500) =>
  alert({ fingerprint, startsAt, status: "resolved", endsAt });

describe("what is heard of an incident", () => {
  it("changes nothing when it was heard before", () => {
    const first = heard([fires("a"), fires("b")], [ends("a")]);
    for (const again of [[fires("a"), fires("b")], [fires("b")], [ends("a")]]) {
      expect(merge(first, notification(again), NOON + 9000, "ffff")).toBe(first);
    }
  });

  it("changes nothing when it is older than what is known", () => {
    const first = heard([fires("a", NOON + 500)]);
    expect(merge(first, notification([ends("a", NOON)]), NOON + 9000, "ffff")).toBe(first);
    expect(merge(first, notification([fires("a", NOON)]), NOON + 9000, "ffff")).toBe(first);
    const over = heard([fires("a")], [ends("a")]);
    expect(merge(over, notification([fires("a")]), NOON + 9000, "ffff")).toBe(over);
  });

  it("is kept when the end comes before the beginning, and then nothing fires", () => {
    const late = heard([ends("a")], [fires("a")]);
    expect(late).toMatchObject({ status: "resolved", fires: 0 });
  });

  it("opens, grows, shrinks, and ends with its last alert", () => {
    const steps = [
      { says: [fires("a")], firing: 1, resolved: 0, status: "firing" },
      { says: [fires("a"), fires("b"), fires("c")], firing: 3, resolved: 0, status: "firing" },
      { says: [ends("a"), fires("b")], firing: 2, resolved: 1, status: "firing" },
      { says: [ends("b"), ends("c", NOON, NOON + 2500)], firing: 0, resolved: 3, status: "resolved" },
    ];
    const said: (readonly Alert[])[] = [];
    for (const { says, status, ...counts } of steps) {
      said.push(says);
      const incident = heard(...said);
      expect(countsOf(incident)).toEqual(counts);
      expect(incident).toMatchObject({ id: "a7f3", status, fires: 1 });
    }
    expect(heard(...said).resolvedAt).toBe(NOON + 2500);
  });

  it("opens the same one again, and tells when it goes back and forth", () => {
    const again = heard([fires("a")], [ends("a")], [fires("a", NOON + 1500)]);
    expect(again).toMatchObject({ status: "firing", fires: 2, since: NOON + 1500 });
    expect(again.resolvedAt).toBeUndefined();
    expect(isFlapping(again, NOON + 3000)).toBe(true);
    expect(isFlapping(again, NOON + 11 * 60_000)).toBe(false);
    expect(isFlapping(heard([fires("a")], [ends("a")]), NOON + 3000)).toBe(false);
  });

  it("is nobody's any more when it fires again, and escalates anew, unless it goes back and forth", () => {
    const minute = 60_000;
    const over = (after: number) => {
      const taken = {
        ...assign(acknowledge(heard([fires("a")]), "ann", NOON + 1), "bob", "ann", NOON + 2),
        escalated: [{ step: 0, at: NOON, to: "ann", saidAt: NOON }],
      };
      const at = NOON + after;
      const ended = merge(taken, notification([ends("a", NOON, at)]), at, "ffff");
      expect(ended).toMatchObject({ status: "resolved", acked: { by: "ann" }, assigned: { to: "bob" } });
      return merge(ended, notification([fires("a", at + 1000)]), at + 1000, "ffff");
    };
    const again = over(12 * minute);
    expect(again).toMatchObject({ status: "firing", fires: 2 });
    for (const gone of ["acked", "assigned", "escalated"]) expect(again).not.toHaveProperty(gone);
    expect(again.did.at(-1)).toMatchObject({ by: "it", what: "fires again, and nobody has it: bob had" });
    expect(over(minute)).toMatchObject({ acked: { by: "ann" }, assigned: { to: "bob" }, escalated: [{ step: 0 }] });
  });

  it("is as bad as the worst that fires", () => {
    const info = fires("a", NOON, { severity: "info" });
    expect(heard([info]).severity).toBe("info");
    expect(heard([info, fires("b", NOON, { severity: "critical" })]).severity).toBe("critical");
    expect(heard([info, fires("b")], [ends("b")]).severity).toBe("info");
  });

  it("believes no beginning in the future or before time", () => {
    expect(heard([fires("a", NOON + 9e9)]).since).toBe(NOON);
    expect(heard([fires("a", -62_135_596_800_000)]).since).toBe(NOON);
  });

  it("shares what the labels of all alerts have in common", () => {
    const one = fires("a", NOON, { labels: { job: "pay", instance: "1" } });
    const two = fires("b", NOON, { labels: { job: "pay", instance: "2", zone: "x" } });
    expect(heard([one]).common).toEqual({ alertname: "InstanceDown", job: "pay", instance: "1" });
    expect(heard([one], [two]).common).toEqual({ alertname: "InstanceDown", job: "pay" });
    const long = fires("a", NOON, { labels: { job: "x".repeat(500) } });
    expect(heard([long]).common).toEqual({ alertname: "InstanceDown" });
  });

  it("is bounded, whatever is in it", () => {
    const many = Array.from({ length: 900 }, (_, n) =>
      fires(`alert number ${n} ${"é".repeat(300)}`, NOON, {
        name: "n".repeat(1000),
        summary: "😀".repeat(5000),
        description: "d".repeat(100_000),
        labels: Object.fromEntries(Array.from({ length: 64 }, (_, l) => [`label${l}`, "é".repeat(190)])),
        links: Array.from({ length: 9 }, () => ({
          label: "l".repeat(99),
          url: `https://x.example/${"u".repeat(900)}`,
        })),
      }),
    );
    const incident = heard(many.slice(0, 450), many.slice(450));
    expect(countsOf(incident).firing).toBe(KNOWN);
    expect(incident.left).toBeGreaterThan(0);
    expect(incident.alerts.length).toBeLessThanOrEqual(SHOWN);
    expect(incident.alerts.length).toBeGreaterThan(0);
    expect(Buffer.byteLength(JSON.stringify(incident))).toBeLessThan(128 << 10);
    expect(readIncident(JSON.stringify(incident))).toEqual(incident);
  });

  it("shows what fires rather than what is over", () => {
    const old = Array.from({ length: SHOWN }, (_, n) => ends(`old${n}`));
    const incident = heard(old, [fires("new")]);
    expect(incident.alerts.map(({ fingerprint }) => fingerprint)).toContain("new");
  });

  it("is as bad as its worst alert, however many came before that one", () => {
    const many = Array.from({ length: SHOWN + 5 }, (_, n) => fires(`w${n}`, NOON, { severity: "warning" }));
    const incident = heard([...many, fires("worst", NOON, { severity: "critical" })]);
    expect(incident.severity).toBe("critical");
    expect(incident.alerts.map(({ fingerprint }) => fingerprint)).toContain("worst");
    expect(heard([...many], [ends("x")], [fires("y", NOON, { severity: "info" })]).severity).toBe("warning");
  });

  it("is told apart by words that every object has, too", () => {
    for (const word of ["constructor", "__proto__", "toString", "hasOwnProperty"]) {
      const incident = heard([fires(word)]);
      expect(countsOf(incident)).toEqual({ firing: 1, resolved: 0 });
      expect(countsOf(readIncident(JSON.stringify(incident)) as Incident).firing).toBe(1);
      expect(heard([fires(word)], [ends(word)]).status).toBe("resolved");
    }
  });

  it("takes what is no record of ours for none", () => {
    for (const text of ["", "{", "null", '{"id":"a7f3"}', "[]"]) expect(readIncident(text)).toBeUndefined();
  });
});

describe("what people do about an incident", () => {
  const open = heard([fires("a")]);

  it("is done once, and told", () => {
    const acked = acknowledge(open, "ann", NOON + 5000);
    expect(acked).toMatchObject({ acked: { by: "ann", at: NOON + 5000 } });
    expect(acked.did).toEqual([{ at: NOON + 5000, by: "ann", what: "acknowledged it" }]);
    expect(acknowledge(acked, "bob", NOON + 6000)).toBe(acked);
    const given = assign(acked, "bob", "ann", NOON + 7000);
    expect(given).toMatchObject({ assigned: { to: "bob", by: "ann" }, acked: { by: "ann" } });
    expect(assign(given, "bob", "cid", NOON + 8000)).toBe(given);
  });

  it("takes who takes it for somebody who has seen it, and not who is given it", () => {
    expect(assign(open, "ann", "ann", NOON).acked).toEqual({ by: "ann", at: NOON });
    expect(assign(open, "bob", "ann", NOON).acked).toBeUndefined();
  });

  it("does nothing to what is over", () => {
    const over = heard([fires("a")], [ends("a")]);
    expect(acknowledge(over, "ann", NOON)).toBe(over);
  });

  it("keeps a silence until it is ended, and the newest of what was done", () => {
    const silent = silenced(open, { id: "s1", until: NOON + 7_200_000, by: "ann", why: "the disk" }, NOON);
    expect(silent.did.at(-1)?.what).toBe("silenced it until 14:00 UTC: the disk");
    const loud = unsilenced(silent, "bob", NOON);
    expect(loud.silence).toBeUndefined();
    let busy = open;
    for (let n = 0; n < 50; n++) busy = assign(busy, `p${n}`, "ann", NOON + n);
    expect(busy.did).toHaveLength(30);
    expect(busy.did.at(-1)?.what).toBe("gave it to p49");
  });

  it("outlives what its source says next", () => {
    const acked = acknowledge(open, "ann", NOON);
    const next = merge(acked, notification([fires("b")]), NOON + 9000, "ffff");
    expect(next).toMatchObject({ id: "a7f3", acked: { by: "ann" } });
    expect(next.did).toHaveLength(1);
  });
});
