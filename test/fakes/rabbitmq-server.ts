import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "./free-port.ts";
import { launch } from "./watched-process.ts";

/** Not the one of /usr/sbin, which switches users. */
const PROGRAM = "/usr/lib/rabbitmq/bin/rabbitmq-server";

/** Without it tests of the real server are skipped, saying so. */
export const hasRabbitmq = existsSync(PROGRAM);

/** A real RabbitMQ on free ports of 127.0.0.1. It takes some 10 s to start: share one among the tests of a file. */
export interface RabbitmqServer {
  /** `127.0.0.1:port`; guest may log in as guest. */
  readonly address: string;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** SIGSTOP: it accepts connections and never answers. SIGCONT. */
  freeze(): void;
  thaw(): void;
  /** Starts it again on the same port, after `kill()`, with what it had on disk. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

export async function startRabbitmq(): Promise<RabbitmqServer> {
  const folder = await mkdtemp(join(tmpdir(), "micro-rabbitmq-"));
  const [port, epmdPort, distPort] = [await freePort(), await freePort(), await freePort()];
  const home = join(folder, "home");
  await mkdir(home);
  await writeFile(join(folder, "rabbitmq.conf"), `listeners.tcp.1 = 127.0.0.1:${port}\nlog.console = true\n`);
  await writeFile(join(folder, "enabled_plugins"), "[].\n");
  const env = {
    HOME: home,
    ERL_EPMD_ADDRESS: "127.0.0.1",
    ERL_EPMD_PORT: String(epmdPort),
    RABBITMQ_NODENAME: `micro${port}@localhost`,
    RABBITMQ_CONFIG_FILE: join(folder, "rabbitmq.conf"),
    RABBITMQ_MNESIA_BASE: join(folder, "mnesia"),
    RABBITMQ_LOG_BASE: join(folder, "log"),
    RABBITMQ_LOGS: "-",
    RABBITMQ_ENABLED_PLUGINS_FILE: join(folder, "enabled_plugins"),
    RABBITMQ_PID_FILE: join(folder, "pid"),
    RABBITMQ_DIST_PORT: String(distPort),
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: "-kernel inet_dist_use_interface {127,0,0,1} +sbwt none",
  };
  // One of our own, or the broker would leave a daemon behind that listens on every interface.
  const epmd = await launch(
    ["epmd", "-address", "127.0.0.1", "-port", String(epmdPort), "-relaxed_command_check"],
    join(folder, "epmd.log"),
    () => answers(epmdPort, Buffer.from([0, 1, 0x6e])),
    { env },
  );
  const start = () =>
    launch([PROGRAM], join(folder, "output.log"), () => answers(port, Buffer.from("AMQP\0\0\x09\x01", "latin1")), {
      env,
      readyMs: 90_000,
    });
  let running = await start().catch(async (error) => {
    await epmd.kill();
    throw error;
  });
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
      await epmd.kill();
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** Somebody speaks at the port: an open one is not enough. */
function answers(port: number, question: Buffer): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1" }, () => socket.write(question));
    socket.setTimeout(2000, () => socket.destroy());
    socket.on("data", () => {
      resolve(true);
      socket.destroy();
    });
    socket.on("error", () => {});
    socket.on("close", () => resolve(false));
  });
}
