import { type Clock, systemClock } from "../clock.ts";
import { deadline } from "../deadline.ts";
import { MicroError } from "../errors.ts";
import type { CallOptions } from "../lifecycle.ts";
import { type Log, silent } from "../log.ts";
import { readService, writeService } from "../wire/record.ts";
import { createCalls } from "./calls.ts";
import { openEtcdFeed } from "./etcd-feed.ts";
import { createEtcdHttp } from "./etcd-http.ts";
import { at, type EtcdPair, encode, int64, readPair } from "./etcd-json.ts";
import { afterPrefix } from "./etcd-watch.ts";
import { createFeedWatches } from "./feed.ts";
import { createGarbage } from "./garbage.ts";
import { joinRecords } from "./join.ts";
import type { Registry, ServiceNode, ServiceRecord } from "./registry.ts";
import { createPause } from "./slices.ts";
import { checkRegistrable, notFound, sortedNames } from "./versions.ts";

export interface EtcdRegistryInit {
  /** Servers of one cluster: `host`, `host:port`, `https://…`; port 2379 unless said. Empty: `127.0.0.1:2379`. */
  readonly addresses?: readonly string[] | undefined;
  /** Where etcd asks for one. */
  readonly username?: string | undefined;
  /** Never shown. */
  readonly password?: string | undefined;
  /** What all keys begin with. Default `/micro/registry`; go-plugins of old had `/micro-registry`. */
  readonly prefix?: string | undefined;
  /** For each call that says nothing itself, in ms. Default 5000. */
  readonly timeoutMs?: number | undefined;
}

/** Keys in one answer. */
const PAGE = 1000;

/**
 * Services in etcd v3 as Go Micro registers them (`wire.md §2.4`): keys `/micro/registry/<service>/<node>` with the record of
 * one node, each on a lease of its own. etcd counts a `ttlMs` in whole seconds, and makes of one that is too short for it
 * (usually 2 s) the shortest that it can do.
 */
export function etcdRegistry(
  init: EtcdRegistryInit = {},
): (parts?: { readonly clock?: Clock; readonly log?: Log }) => Registry {
  const { addresses = [], username, password, timeoutMs = 5000 } = init;
  const root = `${(init.prefix ?? "/micro/registry").replace(/\/+$/, "")}/`;
  return ({ clock = systemClock, log = silent } = {}) => {
    const http = createEtcdHttp({ addresses, username, password, timeoutMs });
    const { where } = http;
    const calls = createCalls(where, timeoutMs);
    const garbage = createGarbage(log, where);
    /** What was registered here on which lease, by key. */
    const leased = new Map<string, { readonly lease: string; readonly ttl: number; readonly value: string }>();

    const keyOf = ({ name }: ServiceRecord, { id }: ServiceNode): string => `${root}${segment(name)}/${segment(id)}`;

    const decode = (key: string, value: string): readonly ServiceRecord[] => {
      try {
        const record = readService(JSON.parse(value));
        const [node] = record.nodes;
        if (record.nodes.length === 1 && node !== undefined && keyOf(record, node) === key) return [record];
      } catch {
        // said below
      }
      garbage.met(key);
      return [];
    };
    /** All pairs below a prefix, page by page, as of one revision. */
    const readAll = async (prefix: string, call: CallOptions) => {
      const pairs: EtcdPair[] = [];
      let revision = "0";
      let next = prefix;
      for (let restarts = 0; ; ) {
        try {
          const span = { key: encode(next), range_end: encode(afterPrefix(prefix)), limit: String(PAGE), revision };
          const answer = await http.call("/v3/kv/range", { ...span, serializable: true }, call);
          if (revision === "0") revision = int64(at(answer, "header", "revision"));
          const kvs = at(answer, "kvs");
          for (const kv of Array.isArray(kvs) ? kvs : []) pairs.push(readPair(kv));
          if (at(answer, "more") !== true || pairs.length === 0) return { pairs, revision };
          next = `${pairs.at(-1)?.key}\0`;
        } catch (error) {
          // Reading took so long that the server forgot how it was when we began; or another server has not come so far yet.
          if (revision === "0" || restarts >= 3 || !/compacted|future revision/.test(String(error))) throw error;
          restarts += 1;
          revision = "0";
          next = prefix;
          pairs.length = 0;
        }
      }
    };
    const readRecords = async (prefix: string, signal: AbortSignal): Promise<readonly ServiceRecord[]> => {
      const pause = createPause();
      const records: ServiceRecord[] = [];
      for (const { key, value } of (await readAll(prefix, untimed(signal))).pairs) {
        records.push(...decode(key, value));
        await pause();
      }
      return records;
    };
    const put = async (key: string, value: string, ttl: number, call: CallOptions): Promise<void> => {
      leased.delete(key);
      if (ttl === 0) {
        await http.call("/v3/kv/put", { key: encode(key), value: encode(value) }, call);
        return;
      }
      const lease = int64(at(await http.call("/v3/lease/grant", { TTL: String(ttl) }, call), "ID"));
      if (lease === "0") throw new MicroError("unavailable", `${where} granted no lease; register again`);
      await http.call("/v3/kv/put", { key: encode(key), value: encode(value), lease }, call);
      leased.set(key, { lease, ttl, value });
    };
    /** What is there already, on a lease that could be prolonged, need not be written: that would wake all who watch. */
    const isThere = async (key: string, value: string, ttl: number, call: CallOptions): Promise<boolean> => {
      if (ttl === 0) {
        const answer = await http.call("/v3/kv/range", { key: encode(key) }, call);
        const [kv] = (at(answer, "kvs") ?? []) as unknown[];
        const pair = kv === undefined ? undefined : readPair(kv);
        return pair?.value === value && pair.lease === "0";
      }
      const known = leased.get(key);
      if (known === undefined || known.ttl !== ttl || known.value !== value) return false;
      const alive = await http.call("/v3/lease/keepalive", { ID: known.lease }, call);
      if (!(Number(int64(at(alive, "result", "TTL"))) > 0)) return false;
      // Somebody else may have removed or replaced it meanwhile; the lease would live on for nothing.
      const answer = await http.call("/v3/kv/range", { key: encode(key) }, call);
      const [kv] = (at(answer, "kvs") ?? []) as unknown[];
      const pair = kv === undefined ? undefined : readPair(kv);
      return pair?.value === value && pair.lease === known.lease;
    };

    const watches = createFeedWatches(where, (publish, signal) =>
      openEtcdFeed(
        { http, clock, prefix: root, timeoutMs, read: () => readAll(root, { signal }), decode, publish },
        signal,
      ),
    );

    return {
      kind: "etcd",
      where,
      outlives: true,
      start: async (options = {}) => {
        using limit = deadline(options, timeoutMs, where);
        limit.check();
      },
      stop: async () => {
        const reason = new MicroError("unavailable", `the registry (${where}) was stopped`);
        calls.stop(reason);
        await watches.stop(reason);
        await http.close();
        leased.clear();
      },
      register: async (service, { ttlMs = 0, ...options } = {}) => {
        checkRegistrable(service);
        const ttl = Math.ceil(ttlMs / 1000);
        await calls.during(options, async (signal) => {
          for (const node of service.nodes) {
            const key = keyOf(service, node);
            const value = JSON.stringify(writeService({ ...service, nodes: [node] }));
            if (!(await isThere(key, value, ttl, untimed(signal)))) await put(key, value, ttl, untimed(signal));
          }
        });
      },
      deregister: (service, options = {}) =>
        calls.during(options, async (signal) => {
          for (const node of service.nodes) {
            const key = keyOf(service, node);
            const known = leased.get(key);
            await http.call("/v3/kv/deleterange", { key: encode(key) }, untimed(signal));
            leased.delete(key);
            // Nobody needs the lease any more, and it may be over already.
            if (known === undefined) continue;
            await http.call("/v3/lease/revoke", { ID: known.lease }, untimed(signal)).catch(() => {});
          }
        }),
      get: (name, options = {}) =>
        calls.during(options, async (signal) => {
          if (name === "") throw notFound(name, where);
          const records = await readRecords(`${root}${segment(name)}/`, signal);
          const versions = joinRecords(records.filter((record) => record.name === name));
          if (versions.length === 0) throw notFound(name, where);
          return versions;
        }),
      list: (options = {}) =>
        calls.during(options, async (signal) => {
          const records = await readRecords(root, signal);
          return sortedNames(new Set(records.map(({ name }) => name)));
        }),
      watch: watches.watch,
    };
  };
}

/** The deadline is in the signal. */
function untimed(signal: AbortSignal): CallOptions {
  return { signal, timeoutMs: 0 };
}

/** `/` parts the levels of a key. */
function segment(name: string): string {
  return name.replaceAll("/", "-");
}
