import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "./free-port.ts";
import { freezeProcess } from "./freeze.ts";

/** The `consul` binary is installed; without it tests of the real agent are skipped, saying so. */
export const hasConsul = spawnSync("consul", ["version"]).status === 0;

/** A real Consul agent on free ports of 127.0.0.1. */
export interface ConsulAgent {
  /** `127.0.0.1:port` of the HTTP API. */
  readonly address: string;
  /** One plain HTTP request, as curl would do it. @throws Error unless it is answered with 2xx */
  http(method: "GET" | "PUT", path: string, body?: unknown): Promise<unknown>;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** SIGSTOP: it accepts connections and never answers. SIGCONT. */
  freeze(): void;
  thaw(): void;
  /** Starts it again on the same port, after `kill()`. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

const READY_MS = 20_000;
/** Alone, it still waits for others before it leads: five times as long, if this is not said. */
const ELECT_FAST = "-hcl=performance { raft_multiplier = 1 }";

/** @param options `keep`: on disk what it has; otherwise a restart has forgotten it all */
export async function startConsul({ keep = false }: { readonly keep?: boolean } = {}): Promise<ConsulAgent> {
  const [http, server, serf] = [await freePort(), await freePort(), await freePort()];
  const address = `127.0.0.1:${http}`;
  const folder = keep ? await mkdtemp(join(tmpdir(), "micro-consul-")) : undefined;
  const mode = folder === undefined ? ["-dev"] : ["-server", "-bootstrap-expect=1", ELECT_FAST, `-data-dir=${folder}`];
  let running = await launch(mode, http, server, serf);
  return {
    address,
    http: (method, path, body) => request(address, method, path, body),
    kill: () => running.kill(),
    freeze: () => freezeProcess(running.pid),
    thaw: () => process.kill(running.pid, "SIGCONT"),
    restart: async () => {
      running = await launch(mode, http, server, serf);
    },
    stop: async () => {
      await running.kill();
      if (folder !== undefined) await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

interface Running {
  readonly pid: number;
  kill(): Promise<void>;
}

/** Runs the agent under a shell that kills it when our end of the pipe closes: also when the test runner is killed. */
const UNDER_WATCH = 'consul "$@" & echo $! >&3; cat >/dev/null; kill -9 $!';

async function launch(mode: readonly string[], http: number, server: number, serf: number): Promise<Running> {
  const ports = [`-http-port=${http}`, `-server-port=${server}`, `-serf-lan-port=${serf}`];
  const unused = ["-serf-wan-port=-1", "-grpc-port=-1", "-dns-port=-1", "-disable-host-node-id"];
  const args = ["agent", ...mode, "-node=dev", "-bind=127.0.0.1", "-client=127.0.0.1", ...ports, ...unused];
  const shell = spawn("sh", ["-c", UNDER_WATCH, "sh", ...args], { stdio: ["pipe", "pipe", "pipe", "pipe"] });
  let output = "";
  for (const stream of [shell.stdout, shell.stderr]) {
    stream?.on("data", (chunk: Buffer) => {
      output = (output + chunk.toString()).slice(-4000);
    });
  }
  const [told] = (await once(shell.stdio[3] as Readable, "data")) as [Buffer];
  const kill = async () => {
    if (shell.exitCode !== null || shell.signalCode !== null) return;
    const exited = once(shell, "exit");
    shell.stdin?.end();
    await exited;
  };
  const until = Date.now() + READY_MS;
  while (!(await isReady(`127.0.0.1:${http}`))) {
    if (Date.now() > until) {
      await kill();
      throw new Error(`consul did not come up:\n${output}`);
    }
    await sleep(30);
  }
  return { pid: Number(told.toString()), kill };
}

async function isReady(address: string): Promise<boolean> {
  try {
    const leader = await request(address, "GET", "/v1/status/leader");
    const nodes = await request(address, "GET", "/v1/catalog/nodes");
    return leader !== "" && Array.isArray(nodes) && nodes.length > 0;
  } catch {
    return false;
  }
}

async function request(address: string, method: string, path: string, body?: unknown): Promise<unknown> {
  const response = await fetch(`http://${address}${path}`, {
    method,
    headers: { connection: "close" },
    ...(body !== undefined && { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(5000),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
  return text === "" ? undefined : JSON.parse(text);
}
