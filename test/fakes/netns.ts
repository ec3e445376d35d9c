import { type ChildProcessByStdio, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";

/** Network namespaces can be made, which takes Linux, root, and `unshare` and `nsenter`. */
export const hasNetns =
  process.platform === "linux" &&
  spawnSync("unshare", ["--net", "sh", "-c", "ip link set lo up"]).status === 0 &&
  spawnSync("nsenter", ["--version"]).status === 0;

/** A network of its own with nothing but a loopback interface. */
export interface Netns {
  /** Runs a program in it; each line that it prints is JSON. */
  run(command: string, ...args: readonly string[]): Program;
  close(): Promise<void>;
}

interface Program {
  /** The next line. @throws Error when the program ended instead, with what it said */
  next(): Promise<unknown>;
  /** Writes a line to it. */
  tell(line: string): void;
  /** Closes its input, by which it knows that it should end, and waits for that. */
  end(): Promise<void>;
  kill(): Promise<void>;
}

/** @param linkUp whether its loopback interface is up; a fresh namespace has it down */
export async function openNetns(linkUp = true): Promise<Netns> {
  const script = `${linkUp ? "ip link set lo up; " : ""}echo up; exec sleep 300`;
  const holder = spawn("unshare", ["--net", "sh", "-c", script], { stdio: ["ignore", "pipe", "inherit"] });
  await once(holder.stdout, "data");
  const programs: Program[] = [];
  return {
    run: (command, ...args) => {
      const program = start(spawn("nsenter", [`--net=/proc/${holder.pid}/ns/net`, command, ...args]));
      programs.push(program);
      return program;
    },
    close: async () => {
      await Promise.all(programs.map((program) => program.kill()));
      holder.kill("SIGKILL");
      await once(holder, "exit");
    },
  };
}

function start(child: ChildProcessByStdio<Writable, Readable, Readable>): Program {
  const ended = once(child, "exit");
  let said = "";
  child.stderr.on("data", (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-4000);
  });
  child.stdin.on("error", () => {}); // it ended already
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const end = async () => {
    if (child.exitCode === null && child.signalCode === null) await ended;
  };
  return {
    next: async () => {
      const line = await lines.next();
      if (line.done === true) throw new Error(`the program ended: ${said}`);
      return JSON.parse(line.value) as unknown;
    },
    tell: (line) => child.stdin.write(`${line}\n`),
    end: async () => {
      child.stdin.end();
      await end();
    },
    kill: async () => {
      child.kill("SIGKILL");
      await end();
    },
  };
}
