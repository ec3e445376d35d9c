import type { Clock } from "../core/clock.ts";
import type { Log } from "../core/log.ts";
import type { Kv } from "../platform/kv/kv.ts";
import { isOpen, type OpenRecord, readRecord, SHARDS } from "./journal-record.ts";

export interface SweepInit {
  readonly kv: Kv;
  readonly clock: Clock;
  readonly keepMs: number;
  readonly max: number;
  readonly log: Log;
  /** Whether what is too old or too much is ours to remove. */
  readonly leading: () => boolean;
}

const READ_MS = 5000;

/** Reads one part of the journal: removes what may be forgotten, where that is ours to do, and returns what is open. */
export function createSweep({ kv, clock, keepMs, max, log, leading }: SweepInit) {
  return async (shard: string) => {
    const entries = await kv.list(shard, { timeoutMs: READ_MS });
    const open: { readonly key: string; readonly record: OpenRecord }[] = [];
    const known = entries.map((entry) => ({ ...entry, record: readRecord(entry.value) }));
    for (const { key, record } of known) if (record && isOpen(record)) open.push({ key, record });
    if (!leading()) return open;
    const born = clock.now() - keepMs;
    // What is unreadable is of no use to anybody; what is open is somebody's until it is old.
    const old = known.filter(({ record }) => record === undefined || record.at <= born);
    const kept = known.filter(({ record }) => record !== undefined && record.at > born && !isOpen(record));
    const over = Math.max(0, kept.length - Math.floor(max / SHARDS.length));
    const oldest = over === 0 ? [] : kept.sort((a, b) => (a.record?.at ?? 0) - (b.record?.at ?? 0)).slice(0, over);
    for (const { key, revision, record } of [...old, ...oldest]) {
      if (!leading()) break;
      const removed = await kv.delete(key, { revision, timeoutMs: READ_MS });
      if (!removed || record === undefined || !isOpen(record)) continue;
      const { id, input, caller } = record;
      log.error({ id, input, caller }, "nobody could bring a message to its end, nor tell of it; it is forgotten");
    }
    return open.filter(({ record }) => record.at > born);
  };
}
