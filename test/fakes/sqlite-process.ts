import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { freezeProcess } from "./freeze.ts";

/** Another process with a SQLite file open. */
export interface SqliteProcess {
  /** The next line that it said. */
  line(): Promise<string>;
  /** SIGSTOP, SIGCONT. */
  freeze(): void;
  thaw(): void;
  /** SIGKILL. */
  kill(): Promise<void>;
}

/** @param script JavaScript with `db`, the opened file, and `say`, which writes a line at once */
export function sqliteProcess(path: string, script: string): SqliteProcess {
  const whole = `
    const { writeSync } = require("node:fs");
    const db = new (require("libsql"))(process.argv[1]);
    db.exec("PRAGMA busy_timeout = 10000; PRAGMA synchronous = FULL");
    const say = (text) => writeSync(1, text + "\\n");
    ${script}`;
  const child: ChildProcess = spawn(process.execPath, ["-e", whole, path], { stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  return {
    line: async () => (await lines.next()).value ?? "",
    freeze: () => freezeProcess(child.pid!),
    thaw: () => void child.kill("SIGCONT"),
    kill: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exited = once(child, "exit");
      child.kill("SIGKILL");
      await exited;
    },
  };
}
