import { setTimeout as sleep } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc");

/**
 * @returns where it is, and what its heap and buffers hold in bytes, once what is not needed is gone. Resident memory would
 * count more, but a kernel that takes idle pages back makes it shrink while things are added
 */
export function weighed(at) {
  return async () => {
    for (let i = 0; i < 3; i++) {
      collect();
      await sleep(50);
    }
    const { heapUsed, external } = process.memoryUsage();
    return { at, bytes: heapUsed + external };
  };
}
