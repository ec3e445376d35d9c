import { spawnSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "./free-port.ts";
import { launch } from "./watched-process.ts";

/** Without it tests of the real server are skipped, saying so. */
export const hasRedis = spawnSync("redis-server", ["--version"]).status === 0;

/** A real Redis on a free port of 127.0.0.1, which keeps nothing. */
export interface RedisServer {
  /** `127.0.0.1:port`. */
  readonly address: string;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** SIGSTOP: it accepts connections and never answers. SIGCONT. */
  freeze(): void;
  thaw(): void;
  /** Starts it again on the same port, after `kill()`. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

export async function startRedis(): Promise<RedisServer> {
  const folder = await mkdtemp(join(tmpdir(), "micro-redis-"));
  const port = await freePort();
  const where = ["--bind", "127.0.0.1", "--port", String(port), "--dir", folder];
  const start = () =>
    launch(["redis-server", ...where, "--save", "", "--appendonly", "no"], join(folder, "log"), () => pongs(port));
  let running = await start();
  return {
    address: `127.0.0.1:${port}`,
    kill: () => running.kill(),
    freeze: () => running.freeze(),
    thaw: () => running.thaw(),
    restart: async () => {
      running = await start();
    },
    stop: async () => {
      await running.kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function pongs(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1" }, () => socket.write("PING\r\n"));
    socket.setTimeout(1000, () => socket.destroy());
    socket.on("data", (said: Buffer) => {
      resolve(said.toString().startsWith("+PONG"));
      socket.destroy();
    });
    socket.on("error", () => {});
    socket.on("close", () => resolve(false));
  });
}
