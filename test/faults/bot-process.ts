import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

/** Where a bot is to die. */
export interface Doom {
  /** At this step of a message's way (`src/bot/steps.ts`), when it is reached so often. */
  readonly step?: string;
  readonly times?: number;
  /** So many continuations of promises after a message was heard. */
  readonly continuations?: number;
}

/** `micro bot`, as it was built, with `preload.mjs` in it. It is started again whenever it is gone, as a service manager does. */
export interface BotProcess {
  /** How often it was started. */
  readonly starts: number;
  /** All that it wrote to stderr; the last 64 KiB. */
  readonly log: string;
  /** Its clock is so far from ours, also when it is started again. */
  shift(ms: number): void;
  /** Dies there; resolves when it is dead. */
  doom(doom: Doom): Promise<void>;
  /** Dies now. */
  kill(): Promise<void>;
  /** The steps that messages took in it. */
  seen(): Promise<readonly string[]>;
  /** No file of it may grow, or all may again. @returns whether that could be done here */
  full(full: boolean): boolean;
  /** For good, as SIGTERM has it. */
  stop(): Promise<void>;
}

const root = join(import.meta.dirname, "../..");

export function botProcess(args: readonly string[], env: Readonly<Record<string, string>>): BotProcess {
  let child: ChildProcess | undefined;
  let starts = 0;
  let log = "";
  let shiftMs = 0;
  let stopping = false;

  const start = () => {
    starts += 1;
    const made = spawn(
      process.execPath,
      ["--import", join(import.meta.dirname, "preload.mjs"), join(root, "dist/bin/micro.js"), ...args],
      {
        stdio: ["ignore", "ignore", "pipe", "ipc"],
        env: { PATH: process.env["PATH"], FAULTS_SHIFT_MS: String(shiftMs), ...env },
      },
    );
    child = made;
    made.stderr?.on("data", (bytes) => {
      log = (log + bytes).slice(-65_536);
    });
    made.on("error", () => {});
    made.on("exit", () => {
      if (!stopping) start();
    });
  };
  const tell = (order: object) => {
    if (child?.connected) child.send(order, () => {});
  };
  const dead = async () => {
    const one = child;
    if (one && one.exitCode === null && one.signalCode === null) await once(one, "exit");
  };
  start();

  return {
    get starts() {
      return starts;
    },
    get log() {
      return log;
    },
    shift: (ms) => {
      shiftMs = ms;
      tell({ shiftMs: ms });
    },
    doom: async (doom) => {
      tell({ doom: { times: 1, ...doom } });
      await dead();
    },
    kill: async () => {
      const gone = dead();
      child?.kill("SIGKILL");
      await gone;
    },
    seen: async () => {
      const one = child;
      if (!one?.connected) return [];
      tell({ seen: true });
      const [told] = (await once(one, "message")) as [{ readonly seen: readonly string[] }];
      return told.seen;
    },
    full: (full) => {
      try {
        execFileSync("prlimit", [`--pid=${child?.pid}`, `--fsize=${full ? "0" : "unlimited"}:unlimited`]);
        return true;
      } catch {
        return false;
      }
    },
    stop: async () => {
      stopping = true;
      const gone = dead();
      child?.kill("SIGTERM");
      const impatient = setTimeout(() => child?.kill("SIGKILL"), 20_000);
      await gone;
      clearTimeout(impatient);
    },
  };
}
