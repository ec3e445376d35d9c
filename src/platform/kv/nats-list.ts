import type { JetStreamManager } from "@nats-io/jetstream";
import type { KV, KvEntry } from "@nats-io/kv";
import type { Clock } from "../../core/clock.ts";
import { orAbort } from "../../core/deadline.ts";

/** So few are asked for one by one, which is less work for the server than a consumer of theirs. */
const FEW = 64;
/** So many are asked for at once. */
const AT_ONCE = 256;
/** What has not come within that is asked for. */
const QUIET_MS = 200;

export interface NatsListInit {
  readonly kv: KV;
  readonly manager: JetStreamManager;
  readonly bucket: string;
  readonly clock: Clock;
  /** What the library is beginning: cut off from its server in the middle of that it would leave a timer behind. */
  readonly begun: <T>(beginning: Promise<T>) => Promise<T>;
}

/**
 * The newest of each key below a prefix, marks of deletions among them.
 *
 * The library reads a bucket until the server says that nothing is pending, and while others write that is said too early (2.10: one
 * list in 200 had keys missing) or not at all (2.9: most lists took until a heartbeat, 30 s). So the server is asked first which keys
 * there are: it is read until all of them have come, and what does not come is asked for by its name.
 */
export async function listNats(init: NatsListInit, prefix: string, signal: AbortSignal): Promise<readonly KvEntry[]> {
  const { kv, manager, bucket } = init;
  const root = `$KV.${bucket}.`;
  const asking = manager.streams.info(`KV_${bucket}`, { subjects_filter: `${root}${prefix}>` });
  const { state } = await orAbort(asking, signal);
  const keys = Object.keys(state.subjects ?? {}).map((subject) => subject.slice(root.length));
  const found = new Map<string, KvEntry>();
  if (keys.length > FEW) await readAll(init, prefix, keys, found, signal);
  const missing = keys.filter((key) => !found.has(key));
  for (let at = 0; at < missing.length; at += AT_ONCE) {
    signal.throwIfAborted();
    const entries = await Promise.all(missing.slice(at, at + AT_ONCE).map((key) => kv.get(key)));
    for (const entry of entries) if (entry) found.set(entry.key, entry);
  }
  signal.throwIfAborted();
  return [...found.values()];
}

/** As many as come by themselves, into `found`. */
async function readAll(
  { kv, clock, begun }: NatsListInit,
  prefix: string,
  keys: readonly string[],
  found: Map<string, KvEntry>,
  signal: AbortSignal,
): Promise<void> {
  const left = new Set(keys);
  const entries = await begun(kv.history({ key: `${prefix}>` }));
  const stop = () => entries.stop();
  signal.addEventListener("abort", stop, { once: true });
  if (signal.aborted) stop();
  const over = new AbortController();
  const watch = async () => {
    for (let before = -1; !over.signal.aborted && before !== found.size; ) {
      before = found.size;
      await clock.sleep(QUIET_MS, { signal: over.signal }).catch(() => {});
    }
    stop();
  };
  const watching = watch();
  try {
    for await (const entry of entries) {
      found.set(entry.key, entry);
      left.delete(entry.key);
      if (left.size === 0) break;
    }
  } finally {
    signal.removeEventListener("abort", stop);
    over.abort();
    await watching;
  }
}
