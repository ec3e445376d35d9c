import { sharedAbort } from "../abort.ts";
import type { Clock } from "../clock.ts";
import { deadline, orAbort } from "../deadline.ts";
import { MicroError } from "../errors.ts";
import type { EtcdHttp } from "./etcd-http.ts";
import { encode, readNews } from "./etcd-json.ts";

export interface EtcdWatchParts {
  readonly http: EtcdHttp;
  readonly clock: Clock;
  /** Not empty. */
  readonly prefix: string;
  /** What came after this revision is told. */
  readonly revision: string;
  /** How long the server may take to begin, in ms. */
  readonly timeoutMs: number;
  /** Is given each answer of the watch. */
  onResult(result: unknown): void;
}

/** How often a quiet server is asked whether it is still there, and how long it has to say so. */
const PING_MS = 10_000;
const PONG_MS = 5000;

/**
 * Watches all keys that begin so, from one revision on. A server that is lost ends the watch, and so does one that is silent.
 * What it resolves to rejects when the watch has ended or the signal aborts, and everything it opened is closed.
 */
export async function openEtcdWatch(
  { http, clock, prefix, revision, timeoutMs, onResult }: EtcdWatchParts,
  signal: AbortSignal,
): Promise<() => Promise<never>> {
  const over = sharedAbort();
  const end = () => over.abort(signal.reason);
  signal.addEventListener("abort", end, { once: true });
  const close = (error: unknown): never => {
    signal.removeEventListener("abort", end);
    over.abort(error);
    throw error;
  };
  const request = {
    key: encode(prefix),
    range_end: encode(afterPrefix(prefix)),
    start_revision: String(BigInt(revision) + 1n),
  };
  const open = async () => {
    signal.throwIfAborted();
    const { origin, results } = await http.stream("/v3/watch", { create_request: request }, over.signal);
    const { done, value } = await results.next();
    const { created, canceled } = readNews(value);
    if (done || !created || canceled !== undefined) throw ended(canceled);
    return { origin, results };
  };
  const ended = (why = "the connection was closed") =>
    new MicroError("unavailable", `${http.where} ended a watch: ${why}`);
  using limit = deadline({ signal }, timeoutMs, http.where);
  const { origin, results } = await orAbort(open(), limit.signal).catch(close);

  const listen = async (): Promise<never> => {
    for await (const result of results) {
      const { canceled } = readNews(result);
      if (canceled !== undefined) throw ended(canceled);
      onResult(result);
    }
    throw ended();
  };
  const ping = async (): Promise<never> => {
    for (;;) {
      await clock.sleep(PING_MS, { signal: over.signal });
      const late = sharedAbort();
      const enough = new AbortController();
      const stop = () => late.abort(over.signal.reason);
      over.signal.addEventListener("abort", stop, { once: true });
      clock.sleep(PONG_MS, { signal: enough.signal }).then(
        () => late.abort(new MicroError("unavailable", `${http.where} went silent during a watch`)),
        () => {}, // it answered
      );
      try {
        const question = { key: encode(prefix), serializable: true, count_only: true };
        await http.call("/v3/kv/range", question, { origin, signal: late.signal, timeoutMs: 0 });
      } finally {
        enough.abort();
        over.signal.removeEventListener("abort", stop);
      }
    }
  };
  return () => orAbort(Promise.race([listen(), ping()]), signal).catch(close);
}

/** The first key behind all that begin so; the prefix is not empty. */
export function afterPrefix(prefix: string): string {
  return prefix.slice(0, -1) + String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1);
}
