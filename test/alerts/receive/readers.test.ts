import { describe, expect, it } from "vitest";
import type { Incident } from "../../../src/alerts/incidents/incident.ts";
import { merge } from "../../../src/alerts/incidents/merge.ts";
import { readAlertmanager } from "../../../src/alerts/receive/alertmanager.ts";
import { genericReader } from "../../../src/alerts/receive/generic.ts";
import { readGrafana } from "../../../src/alerts/receive/grafana.ts";
import { mappingShape } from "../../../src/alerts/receive/mapping.ts";
import { readPagerduty } from "../../../src/alerts/receive/pagerduty.ts";
import { type Reader, runbookOf } from "../../../src/alerts/receive/reading.ts";
import { readShell } from "../../../src/alerts/receive/shell.ts";
import { fixture } from "./fixture.ts";

const NOW = Date.UTC(2026, 10, 22, 10);
const only = (read: Reader, body: unknown) => {
  const { groups } = read(body, NOW);
  expect(groups).toHaveLength(1);
  return groups[0]!;
};
const one = (read: Reader, body: unknown) => only(read, body).alerts[0]!;

it("takes for a runbook a name, alone or with what it takes, and never a part of one", () => {
  const whole = "restart-orders service=go.micro.srv.orders node=10.0.0.1:8080";
  expect(runbookOf(undefined, 7, whole)).toBe(whole);
  expect(runbookOf("restart")).toBe("restart");
  const refused = ["a service=", "a --dry_run=x", 'a why="b c"', "a b", "a x=1 | json", `a x=${"y".repeat(100)}`];
  for (const said of refused) expect(runbookOf(said)).toBeUndefined();
});

describe("Alertmanager's webhook", () => {
  it("is read as the real one sends it", () => {
    const group = only(readAlertmanager, fixture("alertmanager-firing"));
    expect(group).toMatchObject({ group: '{}:{alertname="DiskFull", service="payments"}' });
    expect(group.left).toBeUndefined();
    expect(group.alerts).toHaveLength(2);
    expect(group.alerts[0]).toEqual({
      fingerprint: "f8c0df7ce597950c",
      status: "firing",
      name: "DiskFull",
      severity: "warning",
      summary: "disk of 10.0.0.1 is full",
      description: "<!channel> *bold* & <https://evil.example|click>",
      labels: { alertname: "DiskFull", instance: "10.0.0.1:9100", service: "payments", severity: "warning" },
      startsAt: Date.parse("2026-11-22T02:43:37.670Z"),
      links: [
        { label: "source", url: "http://prometheus.example:9090/graph?g0.expr=disk" },
        { label: "runbook", url: "https://wiki.example/disk" },
      ],
    });
  });

  it("says what was left out, and what is over", () => {
    expect(only(readAlertmanager, fixture("alertmanager-truncated"))).toMatchObject({ left: 2 });
    const { alerts } = only(readAlertmanager, fixture("alertmanager-resolved"));
    expect(alerts[0]).toMatchObject({ status: "resolved", endsAt: Date.parse("2026-11-22T02:43:40.604Z") });
    expect(one(readAlertmanager, fixture("alertmanager-rule"))).toMatchObject({
      name: "InstanceDown",
      severity: "critical",
      labels: { job: "greeter" },
    });
  });

  it("keeps 500 of one group, each once, and counts the rest", () => {
    const body = fixture("alertmanager-truncated");
    const [alert] = body["alerts"] as object[];
    const alerts = Array.from({ length: 700 }, (_, n) => ({ ...alert, fingerprint: `${n % 600}` }));
    const group = only(readAlertmanager, { ...body, alerts });
    expect(group.alerts).toHaveLength(500);
    expect(group.left).toBe(102);
  });

  it("bounds texts and takes out what is not for eyes", () => {
    const body = fixture("alertmanager-firing");
    const [alert] = body["alerts"] as Record<string, object>[];
    const labels = Object.fromEntries(Array.from({ length: 100 }, (_, n) => [`l${n}`, "x".repeat(5000)]));
    const hostile = {
      ...alert,
      labels: { alertname: "a\u001b[2Jb\nc", ...labels },
      annotations: {
        summary: `\u202e${"é".repeat(5000)}`,
        description: "y".repeat(50_000),
        dashboard: "javascript:alert(1)",
      },
      generatorURL: "http://user:secret@evil.example/",
    };
    const read = one(readAlertmanager, { ...body, alerts: [hostile] });
    expect(read.name).toBe("ab c");
    expect(read.summary).toHaveLength(1000);
    expect(read.summary).toMatch(/^é+…$/);
    expect(read.description?.length).toBe(4000);
    expect(Object.keys(read.labels).length).toBeLessThanOrEqual(64);
    expect(JSON.stringify(read.labels).length).toBeLessThan(20_000);
    expect(read.links).toEqual([]);
  });

  it("takes no name of an object's own for a label", () => {
    const body = JSON.parse(
      JSON.stringify(fixture("alertmanager-firing")).replaceAll('"instance":', '"__proto__":'),
    ) as Record<string, unknown>;
    const { labels } = one(readAlertmanager, body);
    expect(labels).toEqual({ alertname: "DiskFull", service: "payments", severity: "warning" });
    expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
  });

  it.each([
    [{ version: "3" }, /^version: /],
    [{ alerts: "x" }, /^alerts: expected array/],
    [{ alerts: [] }, /^alerts: /],
    [{ groupKey: 7 }, /^groupKey: expected string/],
    [{ alerts: [{ status: "x" }] }, /^alerts\[0\]\.status: /],
    [{ alerts: [{ status: "firing", labels: { a: 1 } }] }, /^alerts\[0\]\.labels\.a: expected string/],
    [{ truncatedAlerts: -1 }, /^truncatedAlerts: /],
  ])("refuses %j, naming the field and no value", (change, message) => {
    expect(() => readAlertmanager({ ...fixture("alertmanager-firing"), ...change }, NOW)).toThrow(message);
  });

  it.each([null, [], "x", 1, {}])("refuses %j", (body) => {
    expect(() => readAlertmanager(body, NOW)).toThrow(expect.objectContaining({ code: "invalid_argument" }));
  });
});

describe("Grafana's webhook", () => {
  it("is read with its links", () => {
    expect(one(readGrafana, fixture("grafana-firing"))).toMatchObject({
      name: "High latency",
      severity: "critical",
      summary: "p99 is 2.4 s",
      startsAt: Date.parse("2026-11-22T08:00:00Z"),
      links: [
        { label: "source" },
        { label: "dashboard", url: "https://grafana.example/d/ab?orgId=1" },
        { label: "panel" },
        { label: "silence" },
        { label: "runbook" },
      ],
    });
    expect(readGrafana({ ...fixture("grafana-firing"), alerts: [] }, NOW).groups).toEqual([]);
  });
});

describe("events as PagerDuty takes them", () => {
  const trigger = {
    routing_key: "R0123456789012345678901234567890",
    event_action: "trigger",
    dedup_key: "srv01/HTTP",
    client: "Monitor",
    client_url: "https://monitor.example",
    links: [{ href: "https://pager.example/1", text: "An example" }, { href: "file:///etc/passwd" }],
    payload: {
      summary: "PING OK - 1.2 s",
      timestamp: "2026-11-22T09:00:00Z",
      source: "prod01.example",
      severity: "error",
      component: "postgres",
      group: "prod",
      class: "deploy",
      custom_details: { service: "payments", load: 3.5, runbook: "restart-db", deep: { x: 1 } },
    },
  };

  it("are read", () => {
    const group = only(readPagerduty, trigger);
    expect(group.group).toBe("srv01/HTTP");
    expect(group.alerts[0]).toMatchObject({
      status: "firing",
      name: "deploy",
      severity: "critical",
      startsAt: Date.parse("2026-11-22T09:00:00Z"),
      labels: { service: "payments", component: "postgres", load: "3.5", source: "prod01.example" },
      runbook: "restart-db",
      links: [
        { label: "An example", url: "https://pager.example/1" },
        { label: "Monitor", url: "https://monitor.example/" },
      ],
    });
    expect(JSON.stringify(group)).not.toContain("R0123456789");
  });

  it("are resolved by their key, which they are given if they have none", () => {
    const { fingerprint } = one(readPagerduty, trigger);
    expect(one(readPagerduty, { event_action: "resolve", dedup_key: "srv01/HTTP" })).toMatchObject({
      fingerprint,
      status: "resolved",
      endsAt: NOW,
    });
    const { dedup_key: _, ...without } = trigger;
    const { group } = only(readPagerduty, without);
    expect(group).toMatch(/^[0-9a-f]{16}$/);
    expect(one(readPagerduty, { event_action: "resolve", dedup_key: group }).fingerprint).toBe(
      one(readPagerduty, without).fingerprint,
    );
    expect(readPagerduty({ event_action: "acknowledge", dedup_key: "srv01/HTTP" }, NOW).groups).toEqual([]);
  });

  it.each([
    [{ ...trigger, event_action: "explode" }, /^event_action: /],
    [{ ...trigger, payload: { ...trigger.payload, severity: "bad" } }, /^payload\.severity: /],
    [{ event_action: "resolve" }, /^dedup_key: /],
    [{ ...trigger, payload: undefined }, /^payload: /],
  ])("are refused where something is missing", (body, message) => {
    expect(() => readPagerduty(body, NOW)).toThrow(message);
  });
});

describe("any JSON, by a mapping", () => {
  const mapping = mappingShape.parse({
    alerts: "data.events",
    name: { path: "title", default: "Build" },
    status: { path: "state", values: { broken: "firing", fine: "resolved", started: "ignore" } },
    severity: { path: "level", values: { red: "critical" }, default: "info" },
    summary: "text",
    fingerprint: "key",
    group: "pipeline",
    starts: "at",
    labels: { service: "meta[0].app" },
    "all labels": "tags",
    links: { build: "url" },
    runbook: "book",
  });
  const read = genericReader(mapping);
  const event = {
    title: "Deploy failed",
    state: "BROKEN",
    level: "red",
    text: "exit 1",
    key: "k1",
    pipeline: "main",
    at: 1_795_341_600,
    meta: [{ app: "payments" }],
    tags: { team: "pay", n: 4, deep: {} },
    url: "https://ci.example/1",
    book: "redeploy",
  };

  it("is read", () => {
    expect(only(read, { data: { events: [event] } })).toEqual({
      group: "main",
      alerts: [
        {
          fingerprint: "k1",
          status: "firing",
          name: "Deploy failed",
          severity: "critical",
          summary: "exit 1",
          labels: { service: "payments", team: "pay", n: "4" },
          startsAt: Math.min(1_795_341_600_000, NOW),
          links: [{ label: "build", url: "https://ci.example/1" }],
          runbook: "redeploy",
        },
      ],
    });
  });

  it("falls back on what the mapping says, groups, and leaves out what is not meant", () => {
    const { groups } = read(
      { data: { events: [{ state: "fine" }, { state: "started" }, event, { ...event, key: "k2" }] } },
      NOW,
    );
    expect(groups.map(({ group, alerts }) => [group, alerts.length])).toEqual([
      ["Build/", 1],
      ["main", 2],
    ]);
    expect(groups[0]!.alerts[0]).toMatchObject({ name: "Build", status: "resolved", severity: "info", endsAt: NOW });
  });

  it("takes the whole body for one alert, and plain words for its end", () => {
    const whole = genericReader(mappingShape.parse({ name: "check", status: "result" }));
    expect(one(whole, { check: "disk", result: "OK" })).toMatchObject({ name: "disk", status: "resolved" });
    expect(one(whole, { check: "disk", result: "bad" })).toMatchObject({ status: "firing", severity: "warning" });
  });

  it.each([
    [{}, /^data\.events: an alert, or a list of them/],
    [{ data: { events: 7 } }, /^data\.events: /],
    [{ data: { events: [event, 7] } }, /^data\.events\[1\]: expected object/],
  ])("refuses %j", (body, message) => {
    expect(() => read(body, NOW)).toThrow(message);
  });

  it("reads only what the JSON has", () => {
    const sly = genericReader(mappingShape.parse({ name: "constructor.name", summary: "__proto__.x" }));
    expect(one(sly, { a: 1 })).toMatchObject({ name: "alert", summary: "" });
  });

  it("takes what is an object where a word should be for no word", () => {
    const mapping = mappingShape.parse({ name: "title", status: { path: "state", values: { broken: "firing" } } });
    const deep = `${"[".repeat(50_000)}${"]".repeat(50_000)}`;
    for (const state of ['{"toString":1,"valueOf":1}', deep]) {
      const body: unknown = JSON.parse(`{"title":"x","state":${state}}`);
      expect(one(genericReader(mapping), body)).toMatchObject({ name: "x", status: "firing" });
    }
  });
});

describe("what `micro alert` sends", () => {
  it("is known by name and service, whatever else it says", () => {
    const fired = one(readShell, {
      name: "DiskFull",
      service: "payments",
      severity: "critical",
      summary: "full",
      at: NOW - 5,
    });
    const over = one(readShell, { name: "DiskFull", service: "payments", status: "resolved", at: NOW });
    expect(fired).toMatchObject({ labels: { service: "payments" }, severity: "critical", startsAt: NOW });
    expect(over).toMatchObject({ fingerprint: fired.fingerprint, status: "resolved", endsAt: NOW });
    expect(one(readShell, { name: "DiskFull", at: NOW }).fingerprint).not.toBe(fired.fingerprint);
  });

  it("begins and ends by our clock, so an end by a clock that is behind ends it", () => {
    const said = { name: "DiskFull", service: "payments" };
    let incident: Incident | undefined;
    /** Heard so long after noon, said by a clock that is so far behind. */
    const hear = (status: string, after: number, behind: number) => {
      const now = NOW + after;
      const { groups } = readShell({ ...said, status, at: now - behind }, now);
      const heard = { id: `${after}`, source: "shell", kind: "shell", receivedAt: now, ...groups[0]! } as const;
      incident = merge(incident, heard, now, "a7f3");
      return incident.status;
    };
    expect(hear("firing", 0, 0)).toBe("firing");
    expect(hear("resolved", 1000, 5 * 60_000)).toBe("resolved");
    expect(hear("firing", 2000, 3 * 3_600_000)).toBe("firing");
    expect(() => hear("resolved", 3000, 62 * 60_000)).toThrow(
      /at: it was said 62 min ago by the clock of who sends it/,
    );
    expect(hear("resolved", 4000, -3 * 3_600_000)).toBe("resolved");
  });

  it("is about the service that it says, whatever labels say", () => {
    const said = { name: "DiskFull", service: "payments", labels: { service: "orders", host: "db1" }, at: NOW };
    expect(one(readShell, said).labels).toEqual({ service: "payments", host: "db1" });
  });
});
