import type { Clock } from "../clock.ts";
import type { EtcdHttp } from "./etcd-http.ts";
import { type EtcdPair, readNews } from "./etcd-json.ts";
import { openEtcdWatch } from "./etcd-watch.ts";
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

  const onResult = (result: unknown) => {
    for (const { gone, key, value } of readNews(result).events) ledger.put(key, gone ? [] : decode(key, value));
    for (const event of ledger.settle()) publish(event);
  };
  const follow = await openEtcdWatch({ http, clock, prefix, revision, timeoutMs, onResult }, signal);
  return { current: ledger.current, follow };
}
