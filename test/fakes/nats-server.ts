import { spawnSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "./free-port.ts";
import { launch } from "./watched-process.ts";

/** The two generations that tests know: 2.9 and 2.10. */
export type NatsBinary = "nats-server" | "nats-server-next";

/** Without it tests of the real server are skipped, saying so. */
export function hasNats(binary: NatsBinary = "nats-server"): boolean {
  return spawnSync(binary, ["--version"]).status === 0;
}

/** A real NATS server with JetStream on a free port of 127.0.0.1. */
export interface NatsServer {
  /** `127.0.0.1:port`. */
  readonly address: string;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** SIGSTOP: it accepts connections and never answers. SIGCONT. */
  freeze(): void;
  thaw(): void;
  /** Starts it again on the same port, after `kill()`, with what it had; `empty`: with nothing. */
  restart(options?: { readonly empty?: boolean }): Promise<void>;
  stop(): Promise<void>;
}

/** @param args more of the server's own arguments */
export async function startNats(binary: NatsBinary = "nats-server", args: readonly string[] = []): Promise<NatsServer> {
  const folder = await mkdtemp(join(tmpdir(), "micro-nats-"));
  const data = join(folder, "data");
  const [port, monitor] = [await freePort(), await freePort()];
  const command = [binary, "-a", "127.0.0.1", "-p", String(port), "-m", String(monitor), "-js", "-sd", data, ...args];
  const ready = async () => {
    const response = await fetch(`http://127.0.0.1:${monitor}/healthz`, { signal: AbortSignal.timeout(1000) });
    await response.text();
    return response.status === 200;
  };
  const start = () => launch(command, join(folder, "log"), ready);
  let running = await start();
  return {
    address: `127.0.0.1:${port}`,
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
