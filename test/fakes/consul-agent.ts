import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "./free-port.ts";

/** The `consul` binary is installed; without it tests of the real agent are skipped, saying so. */
export const hasConsul = spawnSync("consul", ["version"]).status === 0;

/** A real `consul agent -dev` on free ports of 127.0.0.1. It keeps everything in memory: a restart has forgotten it all. */
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

export async function startConsul(): Promise<ConsulAgent> {
  const [http, server, serf] = [await freePort(), await freePort(), await freePort()];
  const address = `127.0.0.1:${http}`;
  let child = await launch(http, server, serf);
  const end = async (signal: NodeJS.Signals) => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    child.kill(signal);
    await exited;
  };
  return {
    address,
    http: (method, path, body) => request(address, method, path, body),
    kill: () => end("SIGKILL"),
    freeze: () => child.kill("SIGSTOP"),
    thaw: () => child.kill("SIGCONT"),
    restart: async () => {
      child = await launch(http, server, serf);
    },
    stop: () => end("SIGKILL"), // it keeps nothing, so there is nothing to wait for
  };
}

async function launch(http: number, server: number, serf: number): Promise<ChildProcess> {
  const ports = [`-http-port=${http}`, `-server-port=${server}`, `-serf-lan-port=${serf}`];
  const unused = ["-serf-wan-port=-1", "-grpc-port=-1", "-dns-port=-1", "-disable-host-node-id"];
  const child = spawn(
    "consul",
    ["agent", "-dev", "-node=dev", "-bind=127.0.0.1", "-client=127.0.0.1", ...ports, ...unused],
    { stdio: ["ignore", "pipe", "pipe"] },
  );
  process.once("exit", () => child.kill("SIGKILL"));
  let output = "";
  const keep = (chunk: Buffer) => {
    output = (output + chunk.toString()).slice(-4000);
  };
  child.stdout.on("data", keep);
  child.stderr.on("data", keep);
  const until = Date.now() + READY_MS;
  while (!(await isReady(`127.0.0.1:${http}`))) {
    if (child.exitCode !== null || Date.now() > until) {
      child.kill("SIGKILL");
      throw new Error(`consul did not come up:\n${output}`);
    }
    await sleep(30);
  }
  return child;
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
