import { readFileSync, readlinkSync } from "node:fs";
import type { Machine } from "../bot/replicas.ts";

/**
 * This machine since it was started, as far as processes see each other in it (Linux: a container has numbers of its own). So
 * a bot that is started again after a crash need not wait for the lease of the one before. `undefined`: it cannot be known.
 */
export function thisMachine(): Machine | undefined {
  try {
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    const numbers = readlinkSync("/proc/self/ns/pid");
    return { id: `${boot} ${numbers}`, pid: process.pid, alive: isAlive };
  } catch {
    return undefined;
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ESRCH";
  }
}
