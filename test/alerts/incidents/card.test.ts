import { describe, expect, it } from "vitest";
import type { Alert } from "../../../src/alerts/alert.ts";
import { drawCard, headOf, type Told } from "../../../src/alerts/incidents/card.ts";
import type { Finding } from "../../../src/alerts/incidents/findings.ts";
import { acknowledge, type Incident, silenced } from "../../../src/alerts/incidents/incident.ts";
import { merge } from "../../../src/alerts/incidents/merge.ts";
import type { Examination, ExaminedNode } from "../../../src/core/health/examination.ts";
import { alert, NOON, notification } from "./notifications.ts";

const PAYMENTS = "go.micro.srv.payments";
const offers = { silence: true, can: () => true };

function incidentOf(alerts: readonly Alert[], more: Partial<Incident> = {}): Incident {
  return { ...merge(undefined, notification(alerts), NOON, "a7f3"), services: [PAYMENTS], ...more };
}

function node(id: string, ok: boolean, more: Partial<ExaminedNode> = {}): ExaminedNode {
  return {
    id: `${PAYMENTS}-${id}`,
    address: "10.0.0.1:8080",
    version: "1.4.0",
    ok,
    status: ok ? "ok" : "",
    since: NOON - 60_000,
    before: true,
    ...(ok ? { latencyMs: 3.2, startedAt: NOON - 7_200_000 } : { cause: "refused" as const }),
    ...more,
  };
}

function finding(nodes: readonly ExaminedNode[], more: Partial<Finding> = {}, at = NOON): Finding {
  const bad = nodes.filter(({ ok }) => !ok);
  const examination: Examination = {
    service: PAYMENTS,
    at,
    withinMs: 3000,
    nodes,
    bad: bad.length,
    causes: bad.length === 0 ? [] : [{ cause: "refused", said: "", nodes: bad.map(({ id }) => id), since: NOON }],
    versions: [{ version: "1.4.0", nodes: nodes.length, bad: bad.length }],
    gone: [],
    depends: [],
  };
  return { service: PAYMENTS, at, examination, changes: [], ...more };
}

const textOf = (incident: Incident, findings: readonly Finding[] = [], told: Told = {}, now = NOON) => {
  const { head, views } = drawCard(incident, findings, offers, now, told);
  return [head, ...views.map((view) => ("text" in view ? view.text : ""))].join("\n");
};
const signOf = (incident: Incident, findings: readonly Finding[] = [], now = NOON) =>
  drawCard(incident, findings, offers, now).sign;

describe("a card", () => {
  it("tells what is wrong with what, since when, and what can be done", () => {
    const changes = [{ at: NOON - 360_000, service: PAYMENTS, kind: "version" as const, words: "version 1.4.0 came" }];
    const incident = incidentOf([alert({ labels: { service: "payments" }, runbook: "restart-payments" })]);
    const findings = [finding([node("1", true), node("2", false)], { changes })];
    expect(textOf(incident, findings).split("\n")).toEqual([
      `FIRING critical: InstanceDown · ${PAYMENTS} · since 12:00 UTC (a7f3)`,
      "it does not answer",
      `${PAYMENTS}: 1 of 2 nodes is not well · looked at 12:00 UTC`,
      "1 node refuses connections since now: 2 at 10.0.0.1:8080",
      "it began 6 min after this: version 1.4.0 came",
      "Node\tVersion\tHealth\tUp\tTook",
      "2\t1.4.0\trefused\t-\t-",
      "1\t1.4.0\tok\t2h\t3 ms",
    ]);
    expect(drawCard(incident, findings, offers, NOON).choices.map(({ line }) => line)).toEqual([
      "ack a7f3",
      "silence a7f3 2h",
      "recheck a7f3",
      `logs ${PAYMENTS}`,
      `stats ${PAYMENTS}`,
      "runbook run restart-payments",
    ]);
  });

  it("offers what is there, and not again what was done", () => {
    const incident = incidentOf([alert({ runbook: "x" })]);
    const few = { silence: false, can: () => false };
    expect(drawCard(incident, [], few, NOON).choices.map(({ line }) => line)).toEqual(["ack a7f3", "recheck a7f3"]);
    const acked = acknowledge(incident, "ann", NOON);
    expect(drawCard(acked, [], few, NOON).choices.map(({ line }) => line)).toEqual(["recheck a7f3"]);
    const silent = silenced(incident, { id: "s", until: NOON + 60_000, by: "ann", why: "" }, NOON);
    const lines = (now: number) => drawCard(silent, [], offers, now).choices.map(({ line }) => line);
    expect(lines(NOON)).not.toContain("silence a7f3 2h");
    expect(lines(NOON + 61_000)).toContain("silence a7f3 2h");
    // What somebody else wrote is no line of ours.
    const whole = incidentOf([alert({ runbook: "restart service=go.micro.srv.payments" })]);
    expect(drawCard(whole, [], offers, NOON).choices.at(-1)).toEqual({
      label: "Run restart",
      line: "runbook run restart service=go.micro.srv.payments",
    });
    for (const runbook of ["x --dry_run=a", "x a=b | json", 'x a="b c"', "x  a=b", "x a=$" + "{b}"]) {
      const lines = drawCard(incidentOf([alert({ runbook })]), [], offers, NOON).choices.map(({ line }) => line);
      expect(lines.filter((line) => line.startsWith("runbook"))).toEqual([]);
    }
    const sly = incidentOf([alert({ runbook: "x; rm" })], { services: ["a b"] });
    const labels = drawCard(sly, [], offers, NOON).choices.map(({ label }) => label);
    expect(labels).toEqual(["Acknowledge", "Silence 2h", "Look again"]);
  });

  it("says so of what names nothing, what was late, and what may stand there twice", () => {
    const nothing = incidentOf([alert()], { services: [] });
    expect(textOf(nothing)).toContain("names no service that I know");
    const told = textOf(nothing, [], { lateMs: 720_000, away: true, twice: true });
    expect(told).toContain("told 12m late: chat was away");
    expect(told).toContain("may stand here twice");
    expect(textOf(nothing, [], { lateMs: 720_000 })).toContain("told 12m late\n");
  });

  it("lists a few of many alerts, and counts the others", () => {
    const many = Array.from({ length: 12 }, (_, n) =>
      alert({ fingerprint: `f${n}`, summary: "", labels: { instance: `10.0.0.${n}:80` } }),
    );
    const text = textOf(incidentOf(many, { left: 3 }));
    expect(text).toContain("12 and at least 3 more firing:\n- InstanceDown (10.0.0.0:80)");
    expect(text).toContain("- and 7 more: `alert show a7f3`");
    expect(text.match(/InstanceDown \(/g)).toHaveLength(5);
  });

  it("is one line when it is over, with what was done", () => {
    const open = acknowledge(incidentOf([alert()]), "ann", NOON + 60_000);
    const ended = notification([alert({ status: "resolved", endsAt: NOON + 720_000 })]);
    const over = merge(open, ended, NOON + 730_000, "ffff");
    expect(textOf(over, [finding([node("1", false)])], {}, NOON + 730_000)).toBe(
      `RESOLVED after 12m: InstanceDown · ${PAYMENTS} (a7f3)\n12:01 UTC ann acknowledged it`,
    );
    expect(drawCard(over, [], offers, NOON).choices).toEqual([]);
  });

  it("tells a service that is gone, and one that could not be asked", () => {
    const gone = { service: PAYMENTS, at: NOON, changes: [], missing: `${PAYMENTS} is not registered` };
    expect(textOf(incidentOf([alert()]), [gone])).toContain(`${PAYMENTS} is not registered`);
  });

  it("shows bad nodes first, and says how many are left out", () => {
    const nodes = [...Array.from({ length: 20 }, (_, n) => node(`ok${n}`, true)), node("bad", false)];
    const { views } = drawCard(incidentOf([alert()]), [finding(nodes)], offers, NOON);
    const table = views.find(({ kind }) => kind === "report");
    expect(table).toMatchObject({ text: expect.stringContaining("Took\nbad\t"), note: "and 13 more nodes, all ok" });
  });

  it("is changed when people see a difference, and not when only time goes by", () => {
    const incident = incidentOf([alert()]);
    const before = signOf(incident, [finding([node("1", true), node("2", false)])]);
    const slower = node("1", true, { latencyMs: 9, startedAt: NOON - 1 });
    const later = [finding([slower, node("2", false)], {}, NOON + 30_000)];
    expect(signOf(incident, later, NOON + 30_000)).toBe(before);
    expect(signOf(incident, [finding([node("1", false), node("2", false)])])).not.toBe(before);
    expect(signOf(acknowledge(incident, "ann", NOON), later)).not.toBe(before);
    expect(headOf(incident, NOON + 90_000)).toBe(headOf(incident, NOON));
  });

  it("lets no word of a stranger be more than a line of text", () => {
    const evil = alert({
      name: "Down\n\u202eevil\u0000\t<!channel>",
      summary: `look\r\n\r\nFIRING critical: fake (beef)\n${"x".repeat(9000)}`,
      labels: { instance: "a\tb\nc" },
      links: [{ label: "sou\nrce", url: "https://x.example/a b\nc" }],
    });
    const text = textOf(incidentOf([evil, { ...evil, fingerprint: "f2" }]));
    expect([..."\u202e\u0000\t"].filter((char) => text.includes(char))).toEqual([]);
    expect(text.split("\n").filter((line) => line.startsWith("FIRING"))).toHaveLength(1);
    expect(Math.max(...text.split("\n").map((line) => line.length))).toBeLessThan(300);
    expect(text).toContain("sou rce: https://x.example/abc");
  });

  it("marks a name that looks like another", () => {
    expect(textOf(incidentOf([alert({ name: "InstanceD\u043ewn" })]))).toContain("(careful: ");
  });
});
