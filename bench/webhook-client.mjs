// The client of both sides of `webhook.mjs`: as many requests as it is told, each with a body of its own.
import { Pool } from "undici";

let pool;
let made = 0;

function body() {
  made += 1;
  const alerts = [1, 2].map((n) => ({
    status: "firing",
    labels: { alertname: "DiskFull", instance: `10.0.0.${n}:9100`, service: "payments", severity: "warning" },
    annotations: { description: "orders wait for it", runbook_url: "https://wiki.example/disk", summary: "it is full" },
    startsAt: new Date(1_795_000_000_000 + made).toISOString(),
    endsAt: "0001-01-01T00:00:00Z",
    generatorURL: "http://prometheus.example:9090/graph?g0.expr=disk",
    fingerprint: `${made.toString(16).padStart(14, "0")}-${n}`,
  }));
  return JSON.stringify({
    receiver: "micro",
    status: "firing",
    alerts,
    groupLabels: { alertname: "DiskFull" },
    commonLabels: { alertname: "DiskFull", service: "payments", severity: "warning" },
    commonAnnotations: { runbook_url: "https://wiki.example/disk" },
    externalURL: "http://alertmanager.example:9093",
    version: "4",
    groupKey: `{}:{alertname="DiskFull", n="${made % 50}"}`,
    truncatedAlerts: 0,
  });
}

process.on("message", async ({ port, path, token, requests, connections }) => {
  try {
    pool ??= new Pool(`http://127.0.0.1:${port}`, { connections, pipelining: 1 });
    const bodies = Array.from({ length: requests }, body);
    const headers = { "content-type": "application/json", authorization: `Bearer ${token}` };
    let sent = 0;
    const began = process.hrtime.bigint();
    const worker = async () => {
      while (sent < bodies.length) {
        const answer = await pool.request({ method: "POST", path, headers, body: bodies[sent++] });
        const text = await answer.body.text();
        if (answer.statusCode !== 200 || !text.includes("taken")) throw new Error(`${answer.statusCode} ${text}`);
      }
    };
    await Promise.all(Array.from({ length: connections }, worker));
    process.send({ cost: Number(process.hrtime.bigint() - began) / requests });
  } catch (error) {
    process.send({ error: error.message });
  }
});
process.on("disconnect", () => process.exit(0));
