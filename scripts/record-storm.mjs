// Records what the real Alertmanager sends in a storm into test/fixtures/storms/: `node scripts/record-storm.mjs [name …]`, all of them
// if none is named. Wants prometheus and prometheus-alertmanager (`bash .ci/servers`), and two minutes. The first line of a recording tells
// of it, each other one is a request: ms since the start, what the recorder answered, headers, the body as it came. What a recording holds
// is counted in test/alerts/storms.test.ts, so a new one wants new numbers there.
import { mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { storms } from "./storms.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const folder = `${root}test/fixtures/storms`;
const { startAlertmanager, startPrometheus } = await servers();

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !(name in storms));
if (unknown.length > 0) {
  console.error(`no storm is called ${unknown.join(", ")}: there are ${Object.keys(storms).join(", ")}`);
  process.exit(2);
}
mkdirSync(folder, { recursive: true });
for (const [name, storm] of Object.entries(storms)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  const { head, requests } = await record(storm);
  const lines = [head, ...requests].map((line) => JSON.stringify(line)).join("\n");
  const file = `${folder}/${name}.jsonl.gz`;
  const packed = gzipSync(`${lines}\n`, { level: 9 });
  writeFileSync(file, packed);
  console.log(`${file}: ${requests.length} requests, ${packed.length} bytes of ${lines.length}`);
}

/** One storm from its beginning to its end, with what it wants to be sent. */
async function record({ what, groupBy, waits, refuse = () => false, rules, page, run }) {
  const requests = [];
  const startedAt = Date.now();
  const webhook = await listening(async (request, response) => {
    const body = await textOf(request);
    const ms = Date.now() - startedAt;
    const status = refuse(requests.length) ? 503 : 200;
    const { "content-type": type, "user-agent": agent } = request.headers;
    requests.push({ ms, status, headers: { "content-type": type, "user-agent": agent }, body });
    response.writeHead(status).end();
  });
  const exporter = page && (await listening((request, response) => page.answer(request, response)));
  const opened = [webhook, ...(exporter ? [exporter] : [])];
  try {
    const alertmanager = await startAlertmanager({
      webhook: `http://${webhook.address}/alerts/am`,
      externalUrl: "http://alertmanager.example:9093",
      ...{ groupBy, waits },
    });
    opened.push(alertmanager);
    const prometheus =
      rules &&
      (await startPrometheus({
        ...{ rules, jobs: { exporter: [exporter.address] } },
        alertmanager: alertmanager.address,
        externalUrl: "http://prometheus.example:9090",
      }));
    if (prometheus) opened.push(prometheus);
    // What it scrapes first it scrapes some seconds after its start.
    if (prometheus) await until(() => page.scrapes > 2);
    await run({ alertmanager, prometheus, page });
    const { versionInfo } = await alertmanager.http("GET", "/api/v2/status");
    const { data } = prometheus ? await prometheus.get("/api/v1/status/buildinfo") : {};
    const versions = { alertmanager: versionInfo.version, ...(data && { prometheus: data.version }) };
    return { head: { what, startedAt, ...versions }, requests: [...requests] };
  } finally {
    for (const one of opened.reverse()) await one.stop();
  }
}

async function listening(answer) {
  const server = createServer((request, response) => void answer(request, response));
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    address: `127.0.0.1:${server.address().port}`,
    stop: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

async function textOf(request) {
  const parts = [];
  for await (const part of request) parts.push(part);
  return Buffer.concat(parts).toString();
}

async function until(so) {
  for (let tries = 0; tries < 300; tries++) {
    if (so()) return;
    await sleep(100);
  }
  throw new Error("Prometheus has scraped nothing for 30 s");
}

/** How tests start them, of TypeScript that Node 20 does not read. */
async function servers() {
  const contents = ["alertmanager", "prometheus"].map((name) => `export * from "./${name}-server.ts";`).join("\n");
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: `${root}test/fakes` },
    ...{ bundle: true, write: false, platform: "node", format: "esm", logLevel: "error" },
  });
  return import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString("base64")}`);
}
