import { Worker } from "node:worker_threads";
import { deadline, orAbort } from "../../core/deadline.ts";
import { MicroError } from "../../core/errors.ts";
import { closable } from "../../core/lifecycle.ts";
import type { Log } from "../../core/log.ts";
import type { ConnectOptions, InputConnection } from "../input.ts";
import { createWaiting } from "../waiting.ts";
import { linkFailure, sendFailure } from "./errors.ts";
import { messageOf } from "./message.ts";
import type { Begin, Facts, FromThread, ToThread } from "./protocol.ts";
import { type Markup, render } from "./render.ts";

export interface Parts {
  /** `hubot:<adapter>`. */
  readonly name: string;
  readonly begin: Begin;
  /** All that the adapter sees of the environment. */
  readonly env: Readonly<Record<string, string>>;
  readonly trusted: boolean;
  readonly markup: Markup;
  readonly redact: (text: string) => string;
  readonly connectMs: number;
  /** How often the thread is asked for a sign of life, and how long it has for it. */
  readonly aliveMs: number;
  readonly log: Log;
}

/** How long an adapter may say good-bye to its network. */
const CLOSE_MS = 2000;

/** An adapter that takes more memory than this ends its own thread only. */
const MEMORY_MB = 512;

/**
 * Runs an adapter until it fails, ends its thread or is closed.
 *
 * @throws MicroError `invalid_argument` (there is no such adapter, or it was not configured), `unauthenticated`,
 * `unavailable`, `timeout`, `cancelled`
 */
export async function hubotConnection(parts: Parts, options: ConnectOptions): Promise<InputConnection> {
  const { name, begin, env, redact, log } = parts;
  using limit = deadline(options, parts.connectMs, `${name}: connecting`);
  limit.check();

  // An adapter has taken what it gives, and cannot be told to wait.
  const waiting = createWaiting({ name, log, options });
  const over = new AbortController();
  const sending = new Map<number, (error: Facts | undefined) => void>();
  let sends = 0;
  let complaint = "";

  let up = false;
  let alive = true;
  const connected = resolvable();
  const closed = resolvable();
  let gone: (error: MicroError) => void = () => {};
  const lost = new Promise<MicroError>((resolve) => {
    gone = resolve;
  });
  /** A link that was there may come back, whatever ended it; what is wrong for good is seen when it does not. */
  const lose = (facts: Facts) => {
    const error = linkFailure(name, facts, env, redact);
    const reason = up && error.code !== "unavailable" ? new MicroError("unavailable", error.message) : error;
    over.abort(reason);
    waiting.end(reason);
    void stopThread().then(() => gone(reason));
  };

  const worker = new Worker(new URL("./hubot-worker/main.mjs", import.meta.url), {
    workerData: begin,
    env,
    argv: [],
    // The adapter is found from the working directory, by the rules of `import`.
    execArgv: ["--experimental-import-meta-resolve", "--no-warnings"],
    stdout: true,
    stderr: true,
    resourceLimits: { maxOldGenerationSizeMb: MEMORY_MB },
  });
  for (const stream of [worker.stdout, worker.stderr]) {
    stream.on("data", (chunk) => log.debug({ said: redact(String(chunk).slice(0, 1000)) }, `${name}: output`));
  }
  const exited = new Promise<void>((resolve) => {
    worker.once("exit", (code) => {
      lose({ message: complaint === "" ? `its thread ended with code ${code}` : `it ended itself: ${complaint}` });
      closed.resolve();
      resolve();
    });
  });
  worker.on("error", (error) => lose({ message: String(error?.message ?? error) }));
  worker.on("message", (message: FromThread) => {
    switch (message.kind) {
      case "connected":
        up = true;
        return connected.resolve();
      case "alive":
        alive = true;
        return;
      case "closed":
        return closed.resolve();
      case "heard":
        return waiting.take(messageOf(message.said, parts.trusted, parts.markup));
      case "sent":
        return sending.get(message.number)?.(message.error);
      case "failed":
        return lose(message.error);
      case "log":
        // What goes wrong becomes an error of ours, so its errors are our warnings.
        if (message.level === "error") complaint = message.text;
        return log[message.level === "info" ? "debug" : "warn"]({}, `${name}: ${redact(message.text)}`);
    }
  });
  const tell = (message: ToThread) => worker.postMessage(message);

  /** A thread in an endless loop hears nothing more and says nothing about it. */
  const watch = () => {
    if (!alive) return lose({ message: `it gave no sign of life for ${parts.aliveMs} ms` });
    alive = false;
    tell({ kind: "ping" });
  };
  let watching: NodeJS.Timeout | undefined;

  /** Before the next one begins, this one is gone: two adapters would be two of the bot in its network. */
  const { close: stopThread } = closable(async () => {
    clearInterval(watching);
    using patience = deadline({}, CLOSE_MS, `${name}: closing`);
    tell({ kind: "close" });
    await orAbort(closed.promise, patience.signal).catch(() => {});
    await worker.terminate();
    await exited;
  });
  const end = closable(async () => {
    over.abort(new MicroError("unavailable", `${name}: the connection is closed`));
    waiting.close();
    await stopThread();
  });

  try {
    await orAbort(orAbort(connected.promise, over.signal), limit.signal);
  } catch (thrown) {
    await end.close();
    const error = MicroError.from(thrown);
    if (error.code !== "timeout") throw error;
    const said = complaint === "" ? "" : `; it said: ${complaint}`;
    throw linkFailure(name, { message: `${error.message}${said}` }, env, redact);
  }

  watching = setInterval(watch, parts.aliveMs).unref();

  return {
    [Symbol.asyncIterator]: () => waiting[Symbol.asyncIterator](),
    lost,
    send: async ({ place, parts: said }, options = {}) => {
      using limit = deadline(options, 15_000, `${name}: sending`);
      const number = ++sends;
      const sent = new Promise<Facts | undefined>((resolve) => sending.set(number, resolve));
      try {
        if (!over.signal.aborted) tell({ kind: "send", number, place, text: render(said, parts.markup) });
        const error = await orAbort(orAbort(sent, over.signal), limit.signal);
        if (error !== undefined) throw sendFailure(name, error, redact);
      } finally {
        sending.delete(number);
      }
    },
    ...end,
  };
}

function resolvable(): { readonly promise: Promise<void>; resolve(): void } {
  let resolve = () => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
