import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { freezeProcess } from "../fakes/freeze.ts";

/** One of those that are one bot together, under whatever process it is at the time. */
export interface ReplicaProcess {
  readonly name: string;
  start(): void;
  /** SIGKILL, whether it stands still or not. */
  kill(): Promise<void>;
  /** SIGTERM, and SIGKILL for who takes too long. */
  leave(): Promise<void>;
  /** SIGSTOP, SIGCONT. */
  pause(): void;
  wake(): void;
  /** It ended, and nobody had told it to. */
  readonly gone: boolean;
  /** The end of what it wrote to stderr. */
  log(): string;
}

const bin = join(import.meta.dirname, "../../dist/bin/micro.js");
const IMPATIENT_MS = 20_000;

/** @param command what it is run by: `nsenter --net=…` */
export function replicaProcess(
  name: string,
  env: Readonly<Record<string, string>>,
  command: readonly string[] = [],
): ReplicaProcess {
  const [program = process.execPath, ...args] = [
    ...[...command, process.execPath, bin],
    ...["--registry=memory", "--server_address=127.0.0.1:0", "bot", "--inputs=slack"],
  ];
  let child: ChildProcess;
  let told = false;
  let log = "";
  const isGone = () => child.exitCode !== null || child.signalCode !== null;
  const start = () => {
    told = false;
    child = spawn(program, args, {
      stdio: ["ignore", "ignore", "pipe"],
      env: { PATH: process.env["PATH"], MICRO_REPLICA_NAME: name, ...env },
    });
    child.stderr?.on("data", (bytes) => {
      log = (log + bytes).slice(-65_536);
    });
  };
  const end = async (signal: "SIGKILL" | "SIGTERM") => {
    told = true;
    if (isGone()) return;
    const gone = once(child, "exit");
    child.kill(signal);
    child.kill("SIGCONT");
    const impatient = setTimeout(() => child.kill("SIGKILL"), IMPATIENT_MS);
    await gone;
    clearTimeout(impatient);
  };
  start();
  return {
    name,
    start,
    kill: () => end("SIGKILL"),
    leave: () => end("SIGTERM"),
    pause: () => freezeProcess(child.pid as number),
    wake: () => child.kill("SIGCONT"),
    get gone() {
      return isGone() && !told;
    },
    log: () => log,
  };
}
