import { randomInt } from "node:crypto";
import { sharedAbort } from "../../core/abort.ts";
import { backoff } from "../../core/backoff.ts";
import { type Clock, systemClock } from "../../core/clock.ts";
import { MicroError } from "../../core/errors.ts";
import { createConsulHttp } from "../../core/registry/consul-http.ts";
import { createKv } from "./engine.ts";
import type { Change, Entry, Kv } from "./kv.ts";

export interface ConsulKvInit {
  /** Agents, `host:port`, port 8500 unless said; the first that can be reached is used. Empty: `127.0.0.1:8500`. */
  readonly addresses?: readonly string[];
  /** https, certificates verified. Default false. */
  readonly secure?: boolean;
  /** ACL token; never shown. */
  readonly token?: string;
  /** What all keys begin with in Consul. @default "micro-bot/" */
  readonly root?: string;
  readonly clock?: Clock;
}

const TIMEOUT_MS = 5000;
/** As many watches at once. */
const WATCHES = 256;
/** How long a watch's question waits for something to happen; asking again is also how a frozen agent is noticed. */
const WAIT_MS = 5000;
/** A transaction's body may have 512 KiB, and values travel in it as base64. */
const MAX_IN_TRANSACTION = 256 << 10;

/**
 * Entries in Consul's KV store, read from its leader; a revision is Consul's index of the whole cluster, so it grows over
 * a deletion and a new beginning. A watch is told everything below its prefix at every change of it, so keep prefixes small.
 */
export function consulKv(init: ConsulKvInit = {}): Kv {
  const { addresses = [], secure = false, token, clock = systemClock } = init;
  const root = `${(init.root ?? "micro-bot").replace(/\/+$/, "")}/`;
  const http = createConsulHttp({ addresses, secure, token, timeoutMs: TIMEOUT_MS, waiting: WATCHES });
  const { where } = http;

  const entryOf = (json: unknown): Entry => {
    const { Key, Value, ModifyIndex } = json as { Key?: unknown; Value?: unknown; ModifyIndex?: unknown };
    if (typeof Key !== "string" || typeof ModifyIndex !== "number") throw strange(where);
    const value = typeof Value === "string" ? Buffer.from(Value, "base64").toString() : "";
    return { key: Key.slice(root.length), value, revision: ModifyIndex };
  };
  /** The deadline is in the signal. */
  const untimed = (signal: AbortSignal) => ({ signal, timeoutMs: 0 });
  const read = async (key: string, options: Parameters<typeof http.pairs>[1]) => {
    const { index, bytes } = await http.pairs(root + key, options);
    if (bytes === undefined) return { index, found: [] };
    const found: unknown = parse(bytes, where);
    if (!Array.isArray(found)) throw strange(where);
    return { index, found };
  };
  const get = async (key: string, signal: AbortSignal): Promise<Entry | undefined> => {
    const [found] = (await read(key, untimed(signal))).found;
    return found === undefined ? undefined : entryOf(found);
  };
  /** In one request, which tells the new revision. */
  const set = async (operation: object, signal: AbortSignal): Promise<number | undefined> => {
    const bytes = await http.transact([{ KV: operation }], untimed(signal));
    if (bytes === undefined) return undefined;
    const { Results } = parse(bytes, where) as { Results?: readonly { KV?: { ModifyIndex?: unknown } }[] | null };
    const revision = Results?.[0]?.KV?.ModifyIndex;
    if (typeof revision !== "number") throw strange(where);
    return revision;
  };
  const remove = async (key: string, revision: number, signal: AbortSignal): Promise<boolean> => {
    const named = { Key: root + key, Index: revision };
    // The check as well, because Consul is content when what it is to delete is gone.
    const operations = [{ KV: { Verb: "check-index", ...named } }, { KV: { Verb: "delete-cas", ...named } }];
    return (await http.transact(operations, untimed(signal))) !== undefined;
  };
  /** A value that no transaction can carry: the index has to be read afterwards, and the flags tell whose it is. */
  const setLarge = async (key: string, value: string, cas: number, signal: AbortSignal) => {
    const flags = mark();
    if (!(await http.setPair(root + key, value, cas, flags, untimed(signal)))) return undefined;
    const { index, found } = await read(key, untimed(signal));
    const [now] = found as readonly { Flags?: unknown; ModifyIndex?: unknown }[];
    if (now?.Flags === flags) return entryOf(now).revision;
    // Somebody has written since: ours was before theirs, and theirs is all that counts.
    return (typeof now?.ModifyIndex === "number" ? now.ModifyIndex : index) - 1;
  };
  /** What is there is not asked about: whatever comes between reading and writing, it is tried again. */
  const again = async (signal: AbortSignal, attempt: () => Promise<number | undefined>): Promise<number> => {
    for (let tries = 0; ; tries++) {
      const revision = await attempt();
      if (revision !== undefined) return revision;
      await clock.sleep(backoff(Math.min(tries, 6), 1, 50), { signal });
    }
  };

  return createKv({
    kind: "consul",
    where,
    open: async (signal) => void (await http.pairs(`${root}_`, untimed(signal))),
    close: async () => http.close(),
    get: (key, { signal }) => get(key, signal),
    list: async (prefix, { signal }) => (await read(prefix, { ...untimed(signal), recurse: true })).found.map(entryOf),
    write: async (key, value, expected, { signal }) => {
      if (value === undefined) {
        for (;;) {
          const there = await get(key, signal);
          if (there === undefined || (expected !== undefined && there.revision !== expected)) return undefined;
          if (await remove(key, there.revision, signal)) return there.revision;
          if (expected !== undefined) return undefined;
        }
      }
      if (Buffer.byteLength(value) <= MAX_IN_TRANSACTION) {
        const body = { Key: root + key, Value: Buffer.from(value).toString("base64"), Flags: mark() };
        if (expected === undefined) return set({ Verb: "set", ...body }, signal);
        return set({ Verb: "cas", Index: expected, ...body }, signal);
      }
      if (expected !== undefined) return setLarge(key, value, expected, signal);
      return again(signal, async () => setLarge(key, value, (await get(key, signal))?.revision ?? 0, signal));
    },
    watch: async (prefix, tell, signal) => {
      const first = await read(prefix, { ...untimed(signal), recurse: true });
      let known = new Map(first.found.map(entryOf).map(({ key, revision }) => [key, revision]));
      let { index } = first;
      const compare = (entries: readonly Entry[]) => {
        const changes: Change[] = [];
        const now = new Map(entries.map(({ key, revision }) => [key, revision]));
        for (const key of known.keys()) if (!now.has(key)) changes.push({ key, entry: undefined });
        const news = entries.filter(({ key, revision }) => known.get(key) !== revision);
        for (const entry of news.sort((a, b) => a.revision - b.revision)) changes.push({ key: entry.key, entry });
        known = now;
        for (const change of changes) tell(change);
      };
      const follow = async (): Promise<void> => {
        const over = sharedAbort();
        const end = () => over.abort(signal.reason);
        signal.addEventListener("abort", end, { once: true });
        try {
          while (!signal.aborted) {
            const answer = await read(prefix, { recurse: true, index, waitMs: WAIT_MS, signal: over.signal });
            // It goes down when what it remembers of deletions is thrown away; then it is asked anew.
            index = answer.index < index ? 0 : Math.max(answer.index, 1);
            compare(answer.found.map(entryOf));
          }
        } finally {
          signal.removeEventListener("abort", end);
        }
      };
      return { ended: follow() };
    },
  });
}

/** Consul counts no write that changes nothing, so every write changes the key's flags. */
function mark(): number {
  return randomInt(1, 2 ** 47);
}

function parse(bytes: Buffer, where: string): unknown {
  try {
    return JSON.parse(bytes.toString());
  } catch (cause) {
    throw new MicroError("unavailable", `${where} answered something that is no JSON; is it Consul?`, { cause });
  }
}

function strange(where: string): MicroError {
  return new MicroError("unavailable", `${where} answered something that is no entry; is it Consul?`);
}
