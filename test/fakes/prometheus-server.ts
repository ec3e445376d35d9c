import { spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "./free-port.ts";
import { launch } from "./watched-process.ts";

/** Without it tests of the real Prometheus are skipped, saying so. */
export const hasPrometheus = spawnSync("prometheus", ["--version"]).status === 0;

/** A real Prometheus on a free port of 127.0.0.1. Its first scrape comes 5 to 6 s after its start (`servers.md §14`). */
export interface PrometheusServer {
  /** `127.0.0.1:port` of its HTTP API. */
  readonly address: string;
  /** One plain GET of its API, as `/api/v1/query?query=up`. @throws Error unless it is answered with 2xx */
  get(path: string): Promise<unknown>;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** Starts it again on the same port with what it had, after `kill()`. */
  restart(): Promise<void>;
  /** SIGSTOP: it scrapes nothing and tells nobody anything. SIGCONT. */
  freeze(): void;
  thaw(): void;
  stop(): Promise<void>;
}

export interface PrometheusInit {
  /** What is scraped each second: jobs, and `host:port` of what has `/metrics`. */
  readonly jobs?: Readonly<Record<string, readonly string[]>>;
  /** Rules as they stand in a file: `{ alert: "InstanceDown", expr: "up == 0", for: "0s", labels: {…} }`. */
  readonly rules?: readonly Readonly<Record<string, unknown>>[];
  /** `host:port` that is told what fires. */
  readonly alertmanager?: string;
  /** What it calls itself in what it sends; left out: by this machine's name. */
  readonly externalUrl?: string;
}

export async function startPrometheus(init: PrometheusInit = {}): Promise<PrometheusServer> {
  const { jobs = {}, rules = [], alertmanager, externalUrl } = init;
  const folder = await mkdtemp(join(tmpdir(), "micro-prometheus-"));
  const address = `127.0.0.1:${await freePort()}`;
  const ruleFile = join(folder, "rules.yml");
  // JSON is YAML.
  const config = {
    global: { scrape_interval: "1s", scrape_timeout: "1s", evaluation_interval: "1s" },
    rule_files: [ruleFile],
    ...(alertmanager && { alerting: { alertmanagers: [{ static_configs: [{ targets: [alertmanager] }] }] } }),
    scrape_configs: Object.entries(jobs).map(([job_name, targets]) => ({ job_name, static_configs: [{ targets }] })),
  };
  await writeFile(ruleFile, JSON.stringify({ groups: rules.length > 0 ? [{ name: "rules", rules }] : [] }));
  const file = join(folder, "prometheus.yml");
  await writeFile(file, JSON.stringify(config));
  const command = [
    "prometheus",
    `--config.file=${file}`,
    `--storage.tsdb.path=${join(folder, "data")}`,
    `--web.listen-address=${address}`,
    "--rules.alert.resend-delay=1s",
    ...(externalUrl === undefined ? [] : [`--web.external-url=${externalUrl}`]),
  ];
  const ready = async () => {
    const response = await fetch(`http://${address}/-/ready`, { signal: AbortSignal.timeout(1000) });
    await response.text();
    return response.status === 200;
  };
  const start = () => launch(command, join(folder, "log"), ready);
  let running = await start();
  return {
    address,
    get: async (path) => {
      const response = await fetch(`http://${address}${path}`, {
        headers: { connection: "close" },
        signal: AbortSignal.timeout(5000),
      });
      const text = await response.text();
      if (!response.ok) throw new Error(`GET ${path}: ${response.status} ${text}`);
      return JSON.parse(text);
    },
    kill: () => running.kill(),
    restart: async () => {
      running = await start();
    },
    freeze: () => running.freeze(),
    thaw: () => running.thaw(),
    stop: async () => {
      await running.kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
