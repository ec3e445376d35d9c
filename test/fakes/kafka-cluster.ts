import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";

/** Without `kcat` tests of the mock cluster are skipped, saying so. */
export const hasKcat = spawnSync("kcat", ["-V"]).status === 0;

/** librdkafka's mock cluster, which speaks Kafka's protocol on 127.0.0.1 and keeps nothing. It is not Kafka. */
export interface KafkaCluster {
  /** `127.0.0.1:port`. */
  readonly address: string;
  stop(): Promise<void>;
}

const READY_MS = 20_000;

/** A shell that kills it when our end of the pipe closes: also when the test runner is killed. */
const UNDER_WATCH = 'kcat "$@" & cat >/dev/null; kill -9 $!; wait $!';

export async function startKafka(): Promise<KafkaCluster> {
  const args = ["-X", "test.mock.num.brokers=1", "-b", "unused:1", "-C", "-t", "_hold", "-d", "mock"];
  const shell = spawn("sh", ["-c", UNDER_WATCH, "sh", ...args], { stdio: ["pipe", "ignore", "pipe"], detached: true });
  let said = "";
  const address = await new Promise<string>((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`kcat made no cluster:\n${said.slice(-4000)}`)), READY_MS);
    shell.stderr?.on("data", (chunk: Buffer) => {
      said = (said + chunk.toString()).slice(-100_000);
      const found = /bootstrap\.servers=(127\.0\.0\.1:\d+)/.exec(said)?.[1];
      if (found === undefined) return;
      clearTimeout(late);
      resolve(found);
    });
  });
  return {
    address,
    stop: async () => {
      if (shell.exitCode !== null || shell.signalCode !== null) return;
      const exited = once(shell, "exit");
      shell.stdin?.end();
      await exited;
    },
  };
}
