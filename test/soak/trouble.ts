import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Tally } from "./tally.ts";

/** A server that can be hurt; those of test/fakes all can. */
interface Hurtable {
  kill(): Promise<void>;
  freeze(): void;
  thaw(): void;
  restart(): Promise<void>;
}

/** Kills and freezes it in turns until the signal aborts; it runs again when the promise resolves. */
export async function trouble(name: string, server: Hurtable, everyMs: number, tally: Tally, signal: AbortSignal) {
  for (let turn = 0; ; turn++) {
    await wait(everyMs, undefined, { signal }).catch(() => {});
    if (signal.aborted) return;
    const awayMs = 500 + Math.random() * 3500;
    if (turn % 3 === 1) {
      server.freeze();
      await wait(awayMs);
      server.thaw();
      tally.count("trouble", `${name} frozen`);
    } else {
      await server.kill();
      await wait(awayMs);
      await server.restart();
      tally.count("trouble", `${name} killed`);
    }
  }
}

const CHILD = fileURLToPath(new URL("child.mjs", import.meta.url));
/** For a child to start, or to end once it was told. */
const CHILD_MS = 20_000;

/** A service in another process, again and again until the signal aborts: stopped and killed in turns. */
export async function childService(args: readonly string[], everyMs: number, tally: Tally, signal: AbortSignal) {
  const name = args[0] ?? "";
  for (let turn = 0; !signal.aborted; turn++) {
    const child = fork(CHILD, args, { execArgv: [], stdio: ["ignore", "ignore", "inherit", "ipc"] });
    const gone = once(child, "exit");
    const said = await within(CHILD_MS, Promise.race([once(child, "message"), gone]));
    if (said?.[0] !== "ready") {
      // The registry may be away just now; anything else is told.
      tally.count("child", `${name} not started: ${said?.[0] ?? "no word"}`);
      if (said === undefined) tally.violation(`child: ${name} neither started nor failed`);
      await end(child, gone);
      await wait(500);
      continue;
    }
    tally.count("child", `${name} started`);
    await wait(everyMs, undefined, { signal }).catch(() => {});
    if (turn % 2 === 0 || signal.aborted) {
      child.send("stop");
      const exit = await within(CHILD_MS, gone);
      if (exit === undefined) tally.violation(`child: ${name} does not end after stop()`);
      else if (exit[0] !== 0) tally.violation(`child: ${name} ended with ${exit[0] ?? exit[1]}`);
      tally.count("child", `${name} stopped`);
    } else tally.count("child", `${name} killed`);
    await end(child, gone);
    if (!signal.aborted) await wait(1000 * Math.random());
  }
}

async function end(child: ChildProcess, gone: Promise<unknown>) {
  child.kill("SIGKILL");
  await gone;
}

async function within<T>(ms: number, promise: Promise<T>): Promise<T | undefined> {
  const enough = new AbortController();
  const late = wait(ms, undefined, { signal: enough.signal }).catch(() => undefined);
  try {
    return await Promise.race([promise, late]);
  } finally {
    enough.abort();
  }
}
