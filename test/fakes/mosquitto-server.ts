import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "./free-port.ts";
import { launch } from "./watched-process.ts";

const PROGRAM = "/usr/sbin/mosquitto";

/** Without it tests of the real server are skipped, saying so. */
export const hasMosquitto = existsSync(PROGRAM);

/** A real MQTT server on a free port of 127.0.0.1, which keeps nothing. */
export interface MosquittoServer {
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

export async function startMosquitto(): Promise<MosquittoServer> {
  const folder = await mkdtemp(join(tmpdir(), "micro-mosquitto-"));
  const port = await freePort();
  const config = join(folder, "mosquitto.conf");
  await writeFile(config, `listener ${port} 127.0.0.1\nallow_anonymous true\npersistence false\n`);
  const start = () => launch([PROGRAM, "-c", config], join(folder, "log"), () => greets(port));
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

/** A CONNECT of MQTT 3.1.1 without a name, which is answered with a CONNACK. */
const CONNECT = Buffer.from([0x10, 12, 0, 4, 0x4d, 0x51, 0x54, 0x54, 4, 2, 0, 60, 0, 0]);

function greets(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1" }, () => socket.write(CONNECT));
    socket.setTimeout(1000, () => socket.destroy());
    socket.on("data", (said: Buffer) => {
      resolve(said[0] === 0x20 && said[3] === 0);
      socket.destroy();
    });
    socket.on("error", () => {});
    socket.on("close", () => resolve(false));
  });
}
