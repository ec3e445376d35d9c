import { type Clock, systemClock } from "../../core/clock.ts";
import { MicroError } from "../../core/errors.ts";
import { createEtcdHttp } from "../../core/registry/etcd-http.ts";
import { at, encode, int64 } from "../../core/registry/etcd-json.ts";
import { afterPrefix, openEtcdWatch } from "../../core/registry/etcd-watch.ts";
import { createKv } from "./engine.ts";
import type { Entry, Kv } from "./kv.ts";

export interface EtcdKvInit {
  /** Servers of one cluster: `host`, `host:port`, `https://…`; port 2379 unless said. Empty: `127.0.0.1:2379`. */
  readonly addresses?: readonly string[];
  /** Where etcd asks for one. */
  readonly username?: string;
  /** Never shown. */
  readonly password?: string;
  /** What all keys begin with in etcd. @default "/micro/bot/" */
  readonly root?: string;
  readonly clock?: Clock;
}

/** A page of the largest values is 32 MB. */
const PAGE = 64;
const TIMEOUT_MS = 5000;
/** As many watches at once. */
const WATCHES = 256;

/**
 * Entries in etcd v3, over its JSON gateway; a revision is etcd's own, of the whole cluster. etcd keeps every version of every
 * key until it is compacted, which is for the cluster's owner to turn on (`--auto-compaction-retention`).
 */
export function etcdKv(init: EtcdKvInit = {}): Kv {
  const { addresses = [], username, password, clock = systemClock } = init;
  const root = `${(init.root ?? "/micro/bot").replace(/\/+$/, "")}/`;
  const server = { addresses, username, password, timeoutMs: TIMEOUT_MS };
  const http = createEtcdHttp(server);
  const watching = createEtcdHttp({ ...server, connections: WATCHES });
  const { where } = http;

  const entryOf = (kv: unknown): Entry => ({
    key: text(at(kv, "key")).slice(root.length),
    value: text(at(kv, "value")),
    revision: safe(int64(at(kv, "mod_revision"))),
  });
  /** The deadline is in the signal. */
  const ask = (path: string, body: object, signal: AbortSignal) => http.call(path, body, { signal, timeoutMs: 0 });
  const pairs = (answer: unknown): readonly unknown[] => {
    const kvs = at(answer, "kvs");
    return Array.isArray(kvs) ? kvs : [];
  };
  const head = async (signal: AbortSignal): Promise<string> =>
    int64(at(await ask("/v3/kv/range", { key: encode(root), count_only: true }, signal), "header", "revision"));

  return createKv({
    kind: "etcd",
    where,
    open: async (signal) => void (await head(signal)),
    close: async () => {
      await Promise.all([http.close(), watching.close()]);
    },
    get: async (key, { signal }) =>
      pairs(await ask("/v3/kv/range", { key: encode(root + key) }, signal)).map(entryOf)[0],
    list: async (prefix, { signal }) => {
      const entries: Entry[] = [];
      const range_end = encode(afterPrefix(root + prefix));
      let next = root + prefix;
      for (let revision = "0"; ; ) {
        const span = { key: encode(next), range_end, limit: String(PAGE), revision };
        const answer = await ask("/v3/kv/range", span, signal);
        if (revision === "0") revision = int64(at(answer, "header", "revision"));
        entries.push(...pairs(answer).map(entryOf));
        const last = entries.at(-1);
        if (at(answer, "more") !== true || last === undefined) return entries;
        next = `${root}${last.key}\0`;
      }
    },
    write: async (key, value, expected, { signal }) => {
      const name = encode(root + key);
      const compare =
        expected === 0
          ? [{ target: "CREATE", result: "EQUAL", key: name, create_revision: "0" }]
          : expected !== undefined
            ? [{ target: "MOD", result: "EQUAL", key: name, mod_revision: String(expected) }]
            : value === undefined
              ? [{ target: "CREATE", result: "GREATER", key: name, create_revision: "0" }]
              : [];
      const change =
        value === undefined
          ? { request_delete_range: { key: name } }
          : { request_put: { key: name, value: encode(value) } };
      // Not asked again: one that was carried out without our hearing of it would then seem to be somebody else's.
      const options = { signal, timeoutMs: 0, once: true };
      const answer = await http.call("/v3/kv/txn", { compare, success: [change] }, options);
      return at(answer, "succeeded") === true ? safe(int64(at(answer, "header", "revision"))) : undefined;
    },
    watch: async (prefix, tell, signal) => {
      const follow = await openEtcdWatch(
        {
          http: watching,
          clock,
          prefix: root + prefix,
          revision: await head(signal),
          timeoutMs: TIMEOUT_MS,
          onResult: (result) => {
            const events = at(result, "events");
            for (const event of Array.isArray(events) ? events : []) {
              const entry = entryOf(at(event, "kv"));
              tell({ key: entry.key, entry: at(event, "type") === "DELETE" ? undefined : entry });
            }
          },
        },
        signal,
      );
      return { ended: follow() };
    },
  });
}

function text(base64: unknown): string {
  return typeof base64 === "string" ? Buffer.from(base64, "base64").toString() : "";
}

/** @throws MicroError `unavailable` */
function safe(revision: string): number {
  const number = Number(revision);
  if (Number.isSafeInteger(number) && number > 0) return number;
  throw new MicroError("unavailable", `etcd told a revision that is none ("${revision}")`);
}
