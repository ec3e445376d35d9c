import { setTimeout as sleep } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc");

/** @returns where it is, and its resident memory in bytes once what is not needed is gone */
export function resident(at) {
  return async () => {
    for (let i = 0; i < 3; i++) {
      collect();
      await sleep(50);
    }
    return { at, rss: process.memoryUsage.rss() };
  };
}
