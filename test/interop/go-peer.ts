import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { programOf } from "./build.mjs";

/** What a Go peer said: one JSON object a line. */
export type Said = Readonly<Record<string, unknown>> & { readonly event: string };

export interface GoPeer extends AsyncDisposable {
  readonly said: readonly Said[];
  /** The first thing said, from `from` on, that is as wanted. @throws Error when it was not said in time */
  until(wanted: (said: Said) => boolean, limitMs?: number): Promise<Said>;
  stop(signal?: NodeJS.Signals): Promise<void>;
}

/** Starts the program of an era; `peer/peer.go` has its arguments. */
export function goPeer(era: string, args: readonly string[]): GoPeer {
  const [what = "", ...options] = args;
  const child = spawn(programOf(era), [what, ...options], { stdio: ["ignore", "pipe", "pipe"] });
  const said: Said[] = [];
  const waiting = new Set<() => void>();
  let log = "";
  let exit: number | null | undefined;
  const wake = () => {
    for (const check of waiting) check();
  };
  createInterface({ input: child.stdout }).on("line", (line) => {
    try {
      said.push(JSON.parse(line) as Said);
    } catch {
      log += `${line}\n`;
    }
    wake();
  });
  child.stderr.on("data", (data) => {
    log = `${log}${data}`.slice(-4000);
  });
  const closed = new Promise<void>((resolve) => {
    child.on("error", (error) => {
      log += error.message;
      exit = -1;
      wake();
      resolve();
    });
    child.on("close", (code) => {
      exit = code;
      wake();
      resolve();
    });
  });
  const stop = async (signal: NodeJS.Signals = "SIGTERM") => {
    if (exit !== undefined) return closed;
    child.kill(signal);
    const late = setTimeout(() => child.kill("SIGKILL"), 5000);
    await closed;
    clearTimeout(late);
  };
  return {
    said,
    until: (wanted, limitMs = 15_000) =>
      new Promise((resolve, reject) => {
        const done = (give: () => void) => {
          clearTimeout(timer);
          waiting.delete(check);
          give();
        };
        const failed = (why: string) =>
          new Error(`${era} ${args.join(" ")} ${why}; it said ${JSON.stringify(said.slice(-5))}\n${log.slice(-1500)}`);
        const check = () => {
          const found = said.find(wanted);
          if (found) done(() => resolve(found));
          else if (exit !== undefined) done(() => reject(failed(`ended with ${exit}`)));
        };
        const timer = setTimeout(() => done(() => reject(failed(`did not say it in ${limitMs} ms`))), limitMs);
        waiting.add(check);
        check();
      }),
    stop,
    [Symbol.asyncDispose]: () => stop(),
  };
}

/** Lets a Go client do what it is told and gives what it said of each. */
export async function goCall(
  era: string,
  options: readonly string[],
  what: readonly string[],
  limitMs = 20_000,
): Promise<ReadonlyMap<string, Said>> {
  await using peer = goPeer(era, ["call", ...options, ...what]);
  const results = new Map<string, Said>();
  const wanted = what.flatMap((one) => (one === "errors" ? ["error 418", "no handler"] : [one]));
  for (const one of wanted) await peer.until((said) => said["what"] === one, limitMs);
  for (const one of peer.said) if (one.event === "result") results.set(String(one["what"]), one);
  return results;
}
