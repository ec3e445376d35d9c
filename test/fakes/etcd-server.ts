import { spawnSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "./free-port.ts";
import { launch } from "./watched-process.ts";

/** The two generations that tests know: 3.4 and 3.5. */
export type EtcdBinary = "etcd" | "etcd-next";

/** Without it tests of the real server are skipped, saying so. */
export function hasEtcd(binary: EtcdBinary = "etcd"): boolean {
  return spawnSync(binary, ["--version"]).status === 0;
}

/** A real etcd server, a cluster of one, on a free port of 127.0.0.1. */
export interface EtcdServer {
  /** `127.0.0.1:port`. */
  readonly address: string;
  /** Asks its JSON gateway: `post("/v3/kv/put", …)`. An answer that is not 200 is an error. */
  post(path: string, body: object, headers?: Record<string, string>): Promise<Record<string, unknown>>;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** SIGSTOP: it accepts connections and never answers. SIGCONT. */
  freeze(): void;
  thaw(): void;
  /** Starts it again on the same port, after `kill()`, with what it had; `empty`: with nothing. */
  restart(options?: { readonly empty?: boolean }): Promise<void>;
  stop(): Promise<void>;
}

export async function startEtcd(binary: EtcdBinary = "etcd"): Promise<EtcdServer> {
  const folder = await mkdtemp(join(tmpdir(), "micro-etcd-"));
  const data = join(folder, "data");
  const [clients, peers] = [`http://127.0.0.1:${await freePort()}`, `http://127.0.0.1:${await freePort()}`];
  const command = [
    ...[binary, "--name=e1", `--data-dir=${data}`],
    ...[`--listen-client-urls=${clients}`, `--advertise-client-urls=${clients}`],
    ...[`--listen-peer-urls=${peers}`, `--initial-advertise-peer-urls=${peers}`, `--initial-cluster=e1=${peers}`],
    ...["--logger=zap", "--log-level=warn"],
  ];
  const ready = async () => {
    const response = await fetch(`${clients}/health`, { signal: AbortSignal.timeout(1000) });
    return (await response.text()).includes('"true"');
  };
  const start = () => launch(command, join(folder, "log"), ready);
  let running = await start();
  return {
    address: clients.slice("http://".length),
    post: async (path, body, headers = {}) => {
      const signal = AbortSignal.timeout(10_000);
      const response = await fetch(clients + path, { method: "POST", body: JSON.stringify(body), headers, signal });
      const text = await response.text();
      if (response.status !== 200) throw new Error(`etcd answered ${response.status} to ${path}: ${text}`);
      return JSON.parse(text);
    },
    kill: () => running.kill(),
    freeze: () => running.freeze(),
    thaw: () => running.thaw(),
    restart: async ({ empty = false } = {}) => {
      if (empty) await rm(data, { recursive: true, force: true });
      running = await start();
    },
    stop: async () => {
      await running.kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
