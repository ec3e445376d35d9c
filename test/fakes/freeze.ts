import { readFileSync } from "node:fs";

/** Stops a process (negative: its whole group), and returns when it has stopped: on a busy machine it may answer once more before it does. */
export function freezeProcess(pid: number): void {
  process.kill(pid, "SIGSTOP");
  const until = performance.now() + 2000;
  while (stateOf(Math.abs(pid)) !== "T" && performance.now() < until);
}

/** The letter of proc(5); `undefined`: it cannot be known here. */
function stateOf(pid: number): string | undefined {
  try {
    return /\) (\S)/.exec(readFileSync(`/proc/${pid}/stat`, "utf8"))?.[1];
  } catch {
    return "T";
  }
}
