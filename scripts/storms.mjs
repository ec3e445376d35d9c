// The storms that scripts/record-storm.mjs records: how long Alertmanager waits, and what goes wrong when.
import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";

const SERVICES = ["payments", "orders", "greeter", "stock", "mail", "search", "login", "prices", "reports", "media"];
const NAMES = ["InstanceDown", "LatencyHigh", "ErrorRateHigh", "QueueFull", "DiskFull"];
const SEVERITIES = { InstanceDown: "critical", ErrorRateHigh: "critical", DiskFull: "info" };

const QUEUE_FULL = {
  alert: "QueueFull",
  expr: "queue_depth > 100",
  labels: { severity: "warning" },
  annotations: { summary: "{{ $labels.queue }} of {{ $labels.service }} holds {{ $value }}" },
};

export const storms = {
  thousand: {
    what: "1,000 alerts of 50 groups given to Alertmanager within 30 s: they grow, some end, some come back, half of the groups end",
    groupBy: ["alertname", "service"],
    waits: { group_wait: "1s", group_interval: "5s", repeat_interval: "15s" },
    // It is sent again then, as it was.
    refuse: (n) => n % 25 === 24,
    run: thousand,
  },
  exporter: {
    what: "Prometheus over an exporter that fails, hangs, talks nonsense and loses half of what it measures",
    groupBy: ["alertname", "service"],
    waits: { group_wait: "1s", group_interval: "2s", repeat_interval: "10s" },
    rules: [
      { ...QUEUE_FULL, for: "1s" },
      { alert: "ErrorRateHigh", expr: "error_ratio > 0.1", labels: { severity: "critical" } },
      { alert: "TargetDown", expr: "up == 0", labels: { severity: "critical" } },
      { alert: "NothingMeasured", expr: "absent(queue_depth)", labels: { severity: "critical" } },
    ],
    page: pageOf(),
    run: misbehave,
  },
  flapping: {
    what: "Prometheus sees one queue that is full and empty in turn, 15 times in 90 s",
    groupBy: ["alertname", "service"],
    rules: [QUEUE_FULL],
    page: pageOf(),
    run: flap,
  },
  stalled: {
    what: "Prometheus stands still until Alertmanager takes what fires for resolved, and goes on with the same beginnings, twice",
    groupBy: ["alertname", "service"],
    rules: [QUEUE_FULL],
    page: pageOf(),
    run: stall,
  },
};

async function thousand({ alertmanager }) {
  const all = mixed(Array.from({ length: 1000 }, (_, n) => oneOf(n)));
  const now = () => new Date().toISOString();
  const fire = (some) => {
    for (const { alert } of some) alert.startsAt = now();
    return alertmanager.raise(...some.map(({ alert }) => alert));
  };
  const end = (some) => alertmanager.raise(...some.map(({ alert }) => ({ ...alert, endsAt: now() })));
  const over = [];
  for (let turn = 0, from = 0; turn < 60; turn++) {
    const to = turn < 2 ? from + 120 : Math.min(1000, from + 14);
    await fire(all.slice(from, to));
    from = to;
    if (turn > 30 && turn % 4 === 0) {
      const some = all.slice(turn * 6, turn * 6 + 20);
      await end(some);
      over.push(...some);
    }
    await sleep(500);
  }
  for (let turn = 0; turn < 5; turn++) {
    await fire(over.filter((_, at) => at % 10 === turn));
    await sleep(3000);
  }
  for (let group = 0; group < 50; group += 2) {
    await end(all.filter((one) => one.group === group));
    await sleep(500);
  }
  await sleep(12_000);
}

function oneOf(n) {
  const group = n % 50;
  const [alertname, service] = [NAMES[group % 5], SERVICES[Math.floor(group / 5)]];
  const instance = `10.0.${group}.${Math.floor(n / 50) + 1}:8080`;
  const labels = { alertname, service, instance, severity: SEVERITIES[alertname] ?? "warning" };
  return { group, alert: { labels, annotations: { summary: `${alertname} at ${instance} of ${service}` } } };
}

/** In an order that is none, and always the same. */
function mixed(all) {
  const rank = (one) => createHash("sha256").update(JSON.stringify(one)).digest("hex");
  return all
    .map((one) => [rank(one), one])
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, one]) => one);
}

/** What an exporter measures, and how it answers: `fine`, `broken`, `nonsense`, `hanging`. */
function pageOf() {
  const page = {
    scrapes: 0,
    how: "fine",
    depths: {},
    ratios: {},
    answer: (_request, response) => {
      page.scrapes += 1;
      if (page.how === "hanging") return;
      if (page.how === "broken") return response.writeHead(500).end("out of memory\n");
      response.setHeader("content-type", "text/plain; version=0.0.4");
      if (page.how === "nonsense") return response.end('queue_depth{queue="in"} many\n<html>\n');
      const depths = Object.entries(page.depths).map(([name, depth]) => {
        const [service, queue] = name.split("/");
        return `queue_depth{service="${service}",queue="${queue}"} ${depth}\n`;
      });
      const ratios = Object.entries(page.ratios).map(([name, ratio]) => `error_ratio{service="${name}"} ${ratio}\n`);
      response.end([...depths, ...ratios].join(""));
    },
  };
  return page;
}

async function misbehave({ page }) {
  const queues = SERVICES.flatMap((service) => ["in", "out", "retry", "dead"].map((queue) => `${service}/${queue}`));
  const set = (depth, some = queues) =>
    Object.assign(page.depths, Object.fromEntries(some.map((name) => [name, depth])));
  set(5);
  await sleep(3000);
  for (let n = 0; n < 10; n++) {
    set(150 + n, queues.slice(0, 4 * (n + 1)));
    page.ratios[SERVICES[n]] = n % 2 === 0 ? 0.5 : 0.01;
    await sleep(1000);
  }
  for (const how of ["broken", "nonsense", "hanging"]) {
    page.how = how;
    await sleep(4000);
    page.how = "fine";
    await sleep(5000);
  }
  for (const name of queues.slice(20)) delete page.depths[name];
  await sleep(4000);
  set(160, queues.slice(20, 30));
  await sleep(4000);
  set(5, queues.slice(8, 30));
  page.ratios = { payments: 0.6, orders: 0.01 };
  await sleep(8000);
}

async function flap({ page }) {
  for (let turn = 0; turn < 30; turn++) {
    page.depths = { "payments/in": turn % 2 === 0 ? 120 + turn : 3 };
    await sleep(3000);
  }
  await sleep(3000);
}

async function stall({ page, prometheus }) {
  page.depths = { "payments/in": 200, "orders/in": 300, "orders/out": 400 };
  await sleep(5000);
  for (let times = 0; times < 2; times++) {
    prometheus.freeze();
    await sleep(9000);
    prometheus.thaw();
    await sleep(6000);
  }
  page.depths["orders/in"] = 1;
  await sleep(5000);
}
