import { sharedAbort } from "../abort.ts";
import type { Clock } from "../clock.ts";
import { deadline, orAbort } from "../deadline.ts";
import { MicroError } from "../errors.ts";
import type { EtcdHttp } from "./etcd-http.ts";
import { type EtcdPair, encode, readNews } from "./etcd-json.ts";
import type { Feed } from "./feed.ts";
import { createLedger } from "./ledger.ts";
import type { RegistryEvent, ServiceRecord } from "./registry.ts";
import { createPause } from "./slices.ts";

export interface EtcdFeedParts {
  readonly http: EtcdHttp;
  readonly clock: Clock;
  /** Ends with `/`. */
  readonly prefix: string;
  /** How long the server may take to begin, in ms. */
  readonly timeoutMs: number;
  /** All there is, and as of which revision; gives up when the feed's signal aborts. */
  read(): Promise<{ readonly pairs: readonly EtcdPair[]; readonly revision: string }>;
  /** The record in a key, or nothing when it holds something else. */
  decode(key: string, value: string): readonly ServiceRecord[];
  publish(event: RegistryEvent): void;
}

/** How often a quiet server is asked whether it is still there, and how long it has to say so. */
const PING_MS = 10_000;
const PONG_MS = 5000;

/**
 * Reads all keys once, then watches from the revision after that: nothing is missed and nothing told twice. What went is told
 * as it was before, since the ledger remembers it. A server that is lost ends the watch, and so does one that is silent.
 */
export async function openEtcdFeed(
  { http, clock, prefix, timeoutMs, read, decode, publish }: EtcdFeedParts,
  signal: AbortSignal,
): Promise<Feed> {
  const ledger = createLedger();
  const { pairs, revision } = await read();
  const pause = createPause();
  for (const { key, value } of pairs) {
    ledger.put(key, decode(key, value));
    await pause();
  }
  ledger.settle();

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
      const { canceled, events } = readNews(result);
      if (canceled !== undefined) throw ended(canceled);
      for (const { gone, key, value } of events) ledger.put(key, gone ? [] : decode(key, value));
      for (const event of ledger.settle()) publish(event);
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
  return {
    current: ledger.current,
    follow: () => orAbort(Promise.race([listen(), ping()]), signal).catch(close),
  };
}

/** The first key behind all that begin so; the prefix ends with `/`. */
export function afterPrefix(prefix: string): string {
  return `${prefix.slice(0, -1)}0`;
}
