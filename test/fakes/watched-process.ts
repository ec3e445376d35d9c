import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import type { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { freezeProcess } from "./freeze.ts";

/** A server that runs as a child, and goes with us: also when the test runner is killed. */
export interface WatchedProcess {
  readonly pid: number;
  /** SIGKILL, and waits until it is gone. */
  kill(): Promise<void>;
  /** SIGSTOP: it accepts connections and never answers. SIGCONT. */
  freeze(): void;
  thaw(): void;
}

/** A shell that kills it, and the children that it has started, when our end of the pipe closes. */
const UNDER_WATCH = 'setsid "$@" >"$LOG" 2>&1 & echo $! >&3; cat >/dev/null; kill -9 -$! || kill -9 $!; wait $!';

/** @param ready is asked until it says so */
export async function launch(
  command: readonly string[],
  log: string,
  ready: () => Promise<boolean>,
  { env = {}, readyMs = 30_000 }: { readonly env?: Record<string, string>; readonly readyMs?: number } = {},
): Promise<WatchedProcess> {
  const shell = spawn("sh", ["-c", UNDER_WATCH, "sh", ...command], {
    stdio: ["pipe", "ignore", "ignore", "pipe"],
    env: { ...process.env, ...env, LOG: log },
    detached: true,
  });
  const [told] = (await once(shell.stdio[3] as Readable, "data")) as [Buffer];
  const pid = Number(told.toString());
  const kill = async () => {
    if (shell.exitCode !== null || shell.signalCode !== null) return;
    const exited = once(shell, "exit");
    shell.stdin?.end();
    await exited;
  };
  const until = Date.now() + readyMs;
  while (!(await ready().catch(() => false))) {
    if (Date.now() > until) {
      await kill();
      throw new Error(`${command[0]} did not come up:\n${(await readFile(log, "utf8")).slice(-4000)}`);
    }
    await sleep(20);
  }
  return { pid, kill, freeze: () => freezeProcess(-pid), thaw: () => process.kill(-pid, "SIGCONT") };
}
