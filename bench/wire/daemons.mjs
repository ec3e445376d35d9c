// Servers that the rows need, on free loopback ports; each is stopped by who started it, and with us when we are killed.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { programOf } from "../../test/interop/build.mjs";
import { environment } from "../rounds.mjs";

const READY_MS = 20_000;

/** @throws Error when there is no consul */
export async function startConsul() {
  const [http, server, serf] = [await freePort(), await freePort(), await freePort()];
  const ports = [`-http-port=${http}`, `-server-port=${server}`, `-serf-lan-port=${serf}`];
  const unused = ["-serf-wan-port=-1", "-grpc-port=-1", "-dns-port=-1", "-disable-host-node-id"];
  const child = await start("consul", ["agent", "-dev", "-bind=127.0.0.1", "-client=127.0.0.1", ...ports, ...unused]);
  const address = `127.0.0.1:${http}`;
  await ready(child, "consul", async () => (await get(`http://${address}/v1/catalog/nodes`)).length > 2);
  return { address, stop: () => stop(child) };
}

/** @throws Error when there is no nats-server */
export async function startNats() {
  const [port, monitor] = [await freePort(), await freePort()];
  const child = await start("nats-server", ["-a", "127.0.0.1", "-p", String(port), "-m", String(monitor)]);
  await ready(child, "nats-server", async () => (await get(`http://127.0.0.1:${monitor}/healthz`)) !== "");
  return { address: `127.0.0.1:${port}`, stop: () => stop(child) };
}

/** The Go greeter of an era, registered in the consul at `registry`. @throws Error when it is not built */
export async function startGoServer(era, registry, name) {
  const args = ["serve", "--name", name, "--registry", registry, "--address", "127.0.0.1:0"];
  const child = await start(goProgram(era), args, "pipe");
  const timer = setTimeout(() => child.kill("SIGKILL"), READY_MS);
  const { address } = await said(child, "ready").finally(() => clearTimeout(timer));
  return { address, stop: () => stop(child) };
}

/** Calls a second that the Go client of an era makes of a greeter. */
export async function goCallsPerSecond(era, registry, service, callers, seconds) {
  const how = ["--callers", String(callers), "--seconds", String(seconds), "--content-type", "application/json"];
  const args = ["bench", "--registry", registry, "--service", service, ...how];
  const child = await start(goProgram(era), args, "pipe");
  const timer = setTimeout(() => child.kill("SIGKILL"), seconds * 1000 + READY_MS);
  try {
    const { perSecond } = await said(child, "bench");
    if (!(perSecond > 0)) throw new Error(`no call of ${service} was answered to Go's client`);
    return perSecond;
  } finally {
    clearTimeout(timer);
    await stop(child);
  }
}

function goProgram(era) {
  const program = programOf(era);
  if (!existsSync(program)) throw new Error(`no Go peer of ${era}: node test/interop/build.mjs ${era}`);
  return program;
}

/** The first line of a Go peer that tells of `event`. */
async function said(child, event) {
  for await (const line of createInterface({ input: child.stdout })) {
    const told = JSON.parse(line);
    if (told.event === event) {
      child.stdout.resume();
      return told;
    }
    if (told.event === "failed") throw new Error(told.error);
  }
  throw new Error(`a Go peer ended before it said ${event}`);
}

async function start(program, args, stdout = "ignore") {
  const folder = mkdtempSync(join(tmpdir(), "micro-bench-"));
  const child = spawn(program, args, { cwd: folder, stdio: ["ignore", stdout, "ignore"], env: environment() });
  const remove = () => rmSync(folder, { recursive: true, force: true });
  const kill = () => child.kill("SIGKILL");
  process.once("exit", kill);
  child.once("exit", () => {
    process.removeListener("exit", kill);
    remove();
  });
  try {
    await once(child, "spawn");
  } catch (error) {
    remove();
    throw new Error(error.code === "ENOENT" ? `there is no ${program} here` : error.message);
  }
  return child;
}

async function stop(child) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, "exit");
  child.kill("SIGKILL");
  await gone;
}

async function ready(child, name, isReady) {
  const until = Date.now() + READY_MS;
  while (!(await isReady().catch(() => false))) {
    if (Date.now() > until || child.exitCode !== null) {
      await stop(child);
      throw new Error(`${name} did not come up`);
    }
    await sleep(50);
  }
}

async function get(url) {
  const response = await fetch(url, { headers: { connection: "close" }, signal: AbortSignal.timeout(1000) });
  const text = await response.text();
  return response.ok ? text : "";
}

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  return port;
}
