import { Worker } from "node:worker_threads";
import type { Log } from "../../core/log.ts";
import type { Begin, FromThread, ToThread } from "./protocol.ts";

export interface ThreadInit {
  readonly begin: Omit<Begin, "shared">;
  /** All that scripts see of the environment. */
  readonly env: Readonly<Record<string, string>>;
  readonly memoryMb: number;
  /** How long code of a script may run without a pause. */
  readonly hangMs: number;
  /** How long all scripts together may take to load. */
  readonly startMs: number;
  readonly log: Log;
  readonly redact: (text: string) => string;
  onMessage(message: FromThread): void;
  /** Once. Nothing comes from it afterwards. */
  onEnd(end: End): void;
}

/** How a thread has ended. */
export interface End {
  /** For people: what it was that ended it. */
  readonly why: string;
  /** What was being loaded then; all are loaded when it is left out. */
  readonly loading?: string;
  /** Whose fault it is: the script's name and where it comes from, a listener's index, a message's number, as far as they are known. */
  readonly script?: string;
  readonly from?: string;
  readonly listener?: number;
  readonly token?: number | undefined;
}

export interface Thread {
  tell(message: ToThread): void;
  /** Lets scripts close what they have and ends the thread, in two seconds at most. */
  close(): Promise<void>;
}

const CLOSE_MS = 2000;
/** How often a thread is asked whether it is there. */
const PING_MS = 250;

/** One life of the scripts' thread. It is watched: what does not answer is ended from here. */
export function openThread(init: ThreadInit): Thread {
  const { log, redact, hangMs, startMs } = init;
  const shared = new SharedArrayBuffer(8);
  const state = new Int32Array(shared);
  state[0] = -1;
  let loading = "";
  let ready = false;
  let over = false;
  let cause: End | undefined;
  /** For how long it has given no sign, as far as this thread was awake itself to see it. */
  let silentMs = 0;
  let asked = false;
  let closed = () => {};

  const worker = new Worker(new URL("./hubot-host/main.mjs", import.meta.url), {
    workerData: { ...init.begin, shared } satisfies Begin,
    env: init.env,
    argv: [],
    // Packages are found from the user's directory, by the rules of `import`, too.
    execArgv: ["--experimental-import-meta-resolve", "--no-warnings"],
    stdout: true,
    stderr: true,
    resourceLimits: { maxOldGenerationSizeMb: init.memoryMb },
  });
  for (const stream of [worker.stdout, worker.stderr]) {
    stream.on("data", (chunk) => log.debug({ said: redact(String(chunk).slice(0, 1000)) }, "hubot scripts: output"));
  }
  const exited = new Promise<void>((resolve) => {
    worker.once("exit", (code) => {
      over = true;
      clearInterval(watching);
      closed();
      init.onEnd(cause ?? { why: `their thread ended with code ${code}`, ...where() });
      resolve();
    });
  });
  const where = () => ({
    ...(!ready && loading !== "" && { loading }),
    ...((state[0] ?? -1) >= 0 && { listener: state[0] as number, token: state[1] as number }),
  });
  worker.on("error", (error: Error & { code?: string }) => {
    const memory = error.code === "ERR_WORKER_OUT_OF_MEMORY";
    const why = memory ? `it took more than ${init.memoryMb} MB of memory` : redact(String(error.message));
    cause ??= { why, ...where() };
  });
  worker.on("message", (message: FromThread) => {
    if (over) return;
    if (message.kind === "pong") {
      asked = false;
      silentMs = 0;
      return;
    }
    if (message.kind === "closed") return closed();
    if (message.kind === "loading") loading = message.from;
    if (message.kind === "ready") ready = true;
    if (message.kind === "ending") {
      const { script, from, token, why } = message;
      cause ??= {
        ...where(),
        ...(script !== undefined && { script }),
        ...(from !== undefined && { from }),
        ...(token !== undefined && { token }),
        why,
      };
      return;
    }
    init.onMessage(message);
  });

  const watching = setInterval(() => {
    if (!asked) {
      asked = true;
      worker.postMessage({ kind: "ping" } satisfies ToThread);
      return;
    }
    // A timer that comes late tells of this thread, not of the other.
    silentMs += PING_MS;
    const most = ready ? hangMs : startMs;
    if (silentMs < most) return;
    const why = ready ? `it held its thread for more than ${hangMs} ms` : `it was not loaded within ${startMs} ms`;
    cause ??= { why, ...where() };
    void worker.terminate();
  }, PING_MS);
  watching.unref();

  return {
    tell: (message) => {
      if (!over) worker.postMessage(message);
    },
    close: async () => {
      if (!over) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, CLOSE_MS);
          closed = () => {
            clearTimeout(timer);
            resolve();
          };
          worker.postMessage({ kind: "close" } satisfies ToThread);
        });
        await worker.terminate();
      }
      await exited;
    },
  };
}
