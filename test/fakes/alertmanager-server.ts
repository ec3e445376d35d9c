import { spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "./free-port.ts";
import { launch } from "./watched-process.ts";

/** Without it tests of the real Alertmanager are skipped, saying so. */
export const hasAlertmanager = spawnSync("prometheus-alertmanager", ["--version"]).status === 0;

/** A real Alertmanager on a free port of 127.0.0.1, off the gossip port (`servers.md §14`). */
export interface AlertmanagerServer {
  /** `127.0.0.1:port` of its HTTP API. */
  readonly address: string;
  /** Gives it alerts, as Prometheus does: in 20 ms they are at the webhook. @throws Error unless it takes them */
  raise(...alerts: readonly RaisedAlert[]): Promise<void>;
  /** One plain request to its API, as `/api/v2/silences`. @throws Error unless it is answered with 2xx */
  http(method: "GET" | "POST" | "DELETE", path: string, body?: unknown): Promise<unknown>;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** Starts it again on the same port with what it had, after `kill()`. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/** What `POST /api/v2/alerts` takes. */
export interface RaisedAlert {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  /** RFC 3339; an end in the past resolves it. */
  readonly startsAt?: string;
  readonly endsAt?: string;
  readonly generatorURL?: string;
}

export interface AlertmanagerInit {
  /** Where it sends what it is told: `http://127.0.0.1:8088/alerts/alertmanager`. Left out: nowhere. */
  readonly webhook?: string;
  /** Of `http_config`, as it stands in the file: the authorization, `tls_config`. */
  readonly httpConfig?: Readonly<Record<string, unknown>>;
  /** Labels that make a group. @default ["alertname"] */
  readonly groupBy?: readonly string[];
  /** The most alerts of one notification, 0 for all (`max_alerts`). */
  readonly maxAlerts?: number;
  /** How long it waits, as it stands in the file. @default { group_wait: "0s", group_interval: "1s", repeat_interval: "1h" } */
  readonly waits?: Readonly<Record<string, string>>;
  /** What it calls itself in what it sends; left out: by this machine's name. */
  readonly externalUrl?: string;
}

export async function startAlertmanager(init: AlertmanagerInit = {}): Promise<AlertmanagerServer> {
  const { webhook, httpConfig, groupBy = ["alertname"], maxAlerts = 0, waits = {}, externalUrl } = init;
  const folder = await mkdtemp(join(tmpdir(), "micro-alertmanager-"));
  const address = `127.0.0.1:${await freePort()}`;
  const sent = {
    url: webhook,
    send_resolved: true,
    max_alerts: maxAlerts,
    ...(httpConfig && { http_config: httpConfig }),
  };
  const often = { group_wait: "0s", group_interval: "1s", repeat_interval: "1h", ...waits };
  // JSON is YAML.
  const config = {
    route: { receiver: "here", group_by: groupBy, ...often },
    receivers: [{ name: "here", ...(webhook !== undefined && { webhook_configs: [sent] }) }],
  };
  const file = join(folder, "am.yml");
  await writeFile(file, JSON.stringify(config));
  const command = [
    "prometheus-alertmanager",
    `--config.file=${file}`,
    `--storage.path=${join(folder, "data")}`,
    `--web.listen-address=${address}`,
    "--cluster.listen-address=",
    ...(externalUrl === undefined ? [] : [`--web.external-url=${externalUrl}`]),
  ];
  const start = () => launch(command, join(folder, "log"), () => isReady(address));
  let running = await start();
  const http: AlertmanagerServer["http"] = (method, path, body) => request(address, method, path, body);
  return {
    address,
    http,
    raise: async (...alerts) => void (await http("POST", "/api/v2/alerts", alerts)),
    kill: () => running.kill(),
    restart: async () => {
      running = await start();
    },
    stop: async () => {
      await running.kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function isReady(address: string): Promise<boolean> {
  const response = await fetch(`http://${address}/-/ready`, { signal: AbortSignal.timeout(1000) });
  await response.text();
  return response.status === 200;
}

async function request(address: string, method: string, path: string, body?: unknown): Promise<unknown> {
  const response = await fetch(`http://${address}${path}`, {
    method,
    headers: { connection: "close", ...(body !== undefined && { "content-type": "application/json" }) },
    ...(body !== undefined && { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(5000),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
  return text === "" ? undefined : JSON.parse(text);
}
