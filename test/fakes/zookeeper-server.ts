import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "./free-port.ts";
import { freezeProcess } from "./freeze.ts";

const JARS = "/usr/share/java";
const CLASSES = [
  "zookeeper",
  "zookeeper-jute",
  "slf4j-api",
  "slf4j-simple",
  ...["netty-all", "netty-handler", "netty-common", "netty-buffer", "netty-transport", "netty-codec", "netty-resolver"],
  ...["snappy-java", "metrics-core"],
].map((name) => `${JARS}/${name}.jar`);

/** Debian's ZooKeeper is installed; without it tests of the real server are skipped, saying so. */
export const hasZookeeper = existsSync(`${JARS}/zookeeper.jar`) && existsSync("/usr/bin/java");

/** A real ZooKeeper server on a free port of 127.0.0.1. */
export interface ZookeeperServer {
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

const READY_MS = 60_000;

export async function startZookeeper(): Promise<ZookeeperServer> {
  const folder = await mkdtemp(join(tmpdir(), "micro-zookeeper-"));
  const port = await freePort();
  const config = join(folder, "zoo.cfg");
  const data = join(folder, "data");
  const lines = [
    `dataDir=${data}`,
    `clientPort=${port}`,
    "clientPortAddress=127.0.0.1",
    "tickTime=500",
    "admin.enableServer=false",
    "4lw.commands.whitelist=srvr",
    "maxClientCnxns=0",
    "forceSync=no",
  ];
  await writeFile(config, `${lines.join("\n")}\n`);
  let running = await launch(config, port);
  return {
    address: `127.0.0.1:${port}`,
    kill: () => running.kill(),
    freeze: () => freezeProcess(running.pid),
    thaw: () => process.kill(running.pid, "SIGCONT"),
    restart: async ({ empty = false } = {}) => {
      if (empty) await rm(data, { recursive: true, force: true });
      running = await launch(config, port);
    },
    stop: async () => {
      await running.kill(); // what it would save on the way out is thrown away
      await rm(folder, { recursive: true, force: true });
    },
  };
}

interface Running {
  readonly pid: number;
  kill(): Promise<void>;
}

/** Runs the server under a shell that kills it when our end of the pipe closes: also when the test runner is killed. */
const UNDER_WATCH = 'java "$@" >"$LOG" 2>&1 & echo $! >&3; cat >/dev/null; kill -9 $!; wait $!';

async function launch(config: string, port: number): Promise<Running> {
  const log = `${config}.log`;
  const main = "org.apache.zookeeper.server.quorum.QuorumPeerMain";
  const args = ["-Xmx192m", "-XX:+UseSerialGC", "-cp", CLASSES.join(":"), main, config];
  const shell = spawn("sh", ["-c", UNDER_WATCH, "sh", ...args], {
    stdio: ["pipe", "ignore", "ignore", "pipe"],
    env: { ...process.env, LOG: log },
    detached: true,
  });
  const [told] = (await once(shell.stdio[3] as NodeJS.ReadableStream, "data")) as [Buffer];
  const kill = async () => {
    if (shell.exitCode !== null || shell.signalCode !== null) return;
    const exited = once(shell, "exit");
    shell.stdin?.end();
    await exited;
  };
  const until = Date.now() + READY_MS;
  while (!(await isReady(port))) {
    if (Date.now() > until || shell.exitCode !== null) {
      await kill();
      throw new Error(`zookeeper did not come up:\n${(await readFile(log, "utf8")).slice(-4000)}`);
    }
    await sleep(50);
  }
  return { pid: Number(told.toString()), kill };
}

/** `ruok` is answered too early, when nothing is served yet. */
async function isReady(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => socket.write("srvr"));
    let said = "";
    socket.setTimeout(1000, () => socket.destroy());
    socket.on("data", (chunk: Buffer) => {
      said += chunk.toString();
    });
    socket.on("error", () => {});
    socket.on("close", () => resolve(said.includes("Mode:")));
  });
}
