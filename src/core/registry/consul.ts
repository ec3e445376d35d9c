import { isDeepStrictEqual } from "node:util";
import { sharedAbort } from "../abort.ts";
import { type Clock, systemClock } from "../clock.ts";
import { deadline, orAbort } from "../deadline.ts";
import { goDuration } from "../duration.ts";
import { MicroError } from "../errors.ts";
import type { CallOptions } from "../lifecycle.ts";
import { splitAddress } from "../wire/record.ts";
import { readCatalogue } from "./consul-catalogue.ts";
import { type ConsulFeed, openConsulFeed } from "./consul-feed.ts";
import { createHealthDecoder, decodeHealth } from "./consul-health.ts";
import { type ConsulRegistration, createConsulHttp } from "./consul-http.ts";
import { encodeTags } from "./consul-tags.ts";
import type { Registry, ServiceNode, ServiceRecord } from "./registry.ts";
import { checkRegistrable, notFound, sortedNames } from "./versions.ts";
import { createWatchers } from "./watchers.ts";

export interface ConsulRegistryInit {
  /** Agents, `host:port`, port 8500 unless said; the first that can be reached is used. Empty: `127.0.0.1:8500`. */
  readonly addresses?: readonly string[] | undefined;
  /** https, certificates verified. Default false. */
  readonly secure?: boolean | undefined;
  /** ACL token; never shown. */
  readonly token?: string | undefined;
  /** For each call that says nothing itself, in ms. Default 5000. */
  readonly timeoutMs?: number | undefined;
}

/** Opening a watch reads the whole catalogue. */
const WATCH_TIMEOUT_MS = 60_000;

/**
 * Services in Consul as Go Micro of every year registers them (`wire.md §2.1`). `get` leaves out nodes with a critical
 * check; `list` names everything in the catalogue, Consul itself included. All watches together are two waiting requests.
 * One registration is one node; metadata of the whole service has no place in Consul and is not kept.
 */
export function consulRegistry(init: ConsulRegistryInit = {}): (parts?: { readonly clock?: Clock }) => Registry {
  const { addresses = [], secure = false, token, timeoutMs = 5000 } = init;
  return ({ clock = systemClock } = {}) => {
    const http = createConsulHttp({ addresses, secure, token, timeoutMs });
    const { where } = http;
    /** What this process registered, by node id: unchanged ones only pass their check. */
    const own = new Map<string, ConsulRegistration>();
    const decoder = createHealthDecoder();
    const watchers = createWatchers(where, () => closeFeed());
    let stopping = sharedAbort();
    let feed: { readonly abort: AbortController; readonly opened: Promise<ConsulFeed> } | undefined;

    /** One feed for all watches, from the first to the last of them. */
    const openFeed = (): Promise<ConsulFeed> => {
      if (feed !== undefined) return feed.opened;
      const abort = sharedAbort();
      const lost = (error: unknown) => {
        abort.abort(MicroError.from(error, "unavailable"));
        if (feed?.abort !== abort) return;
        feed = undefined;
        watchers.end(asUnavailable(error, where));
      };
      const opened = openConsulFeed({ http, decoder, clock, publish: watchers.publish }, abort.signal);
      feed = { abort, opened };
      opened.then((open) => open.follow()).catch(lost);
      return opened;
    };
    const closeFeed = (reason = new MicroError("cancelled", `the watch of ${where} was closed`)) => {
      feed?.abort.abort(reason);
      feed = undefined;
    };

    /** Links a call to `stop()`: what is in flight then ends. */
    const during = async <T>(options: CallOptions, work: (signal: AbortSignal) => Promise<T>): Promise<T> => {
      const stopped = stopping.signal;
      using limit = deadline(options, timeoutMs, where);
      limit.check();
      const abort = new AbortController();
      const end = (event: Event) => abort.abort((event.target as AbortSignal).reason);
      limit.signal.addEventListener("abort", end, { once: true });
      stopped.addEventListener("abort", end, { once: true });
      try {
        return await work(abort.signal);
      } finally {
        stopped.removeEventListener("abort", end);
      }
    };

    const registerNode = async (service: ServiceRecord, node: ServiceNode, ttlMs: number, signal: AbortSignal) => {
      const registration = describe(service, node, ttlMs);
      const checkId = `service:${node.id}`;
      const call = { signal, timeoutMs: 0 };
      if (ttlMs > 0 && isDeepStrictEqual(own.get(node.id), registration)) {
        try {
          await http.pass(checkId, call);
          return;
        } catch {
          // Consul forgot it (an agent that restarted): say it again.
        }
      }
      await http.register(registration, call);
      own.set(node.id, registration);
      // A ttl check is born critical.
      if (ttlMs > 0) await http.pass(checkId, call);
    };

    return {
      kind: "consul",
      where,
      outlives: true,
      start: async (options = {}) => {
        using limit = deadline(options, timeoutMs, where);
        limit.check();
      },
      stop: async () => {
        const reason = new MicroError("unavailable", `the registry (${where}) was stopped`);
        stopping.abort(reason);
        stopping = sharedAbort();
        closeFeed(reason);
        watchers.end(reason);
        own.clear();
        http.close();
      },
      register: (service, options = {}) =>
        during(options, async (signal) => {
          checkRegistrable(service);
          for (const node of service.nodes) await registerNode(service, node, options.ttlMs ?? 0, signal);
        }),
      deregister: (service, options = {}) =>
        during(options, async (signal) => {
          for (const { id } of service.nodes) {
            own.delete(id);
            await http.deregister(id, { signal, timeoutMs: 0 }).catch((error: MicroError) => {
              // Newer agents answer 404 for one that they do not have.
              if (error.code !== "not_found") throw error;
            });
          }
        }),
      get: (name, options = {}) =>
        during(options, async (signal) => {
          if (name === "") throw notFound(name, where);
          const { bytes } = await http.health(name, { signal, timeoutMs: 0, stale: true });
          const { versions } = decodeHealth(name, bytes);
          if (versions.length === 0) throw notFound(name, where);
          return versions;
        }),
      list: (options = {}) =>
        during(options, async (signal) => {
          const { bytes } = await http.services({ signal, timeoutMs: 0, stale: true });
          return sortedNames((await readCatalogue(bytes)).keys());
        }),
      watch: async (options = {}) => {
        using limit = deadline(options, WATCH_TIMEOUT_MS, where);
        limit.check();
        // Added first, so that the feed is not closed for want of a reader and nothing is missed.
        const watcher = watchers.add(options);
        try {
          const open = await orAbort(openFeed(), limit.signal);
          return { ...watcher, initial: open.current() };
        } catch (error) {
          await watcher.close();
          throw MicroError.from(error, "unavailable");
        }
      },
    };
  };
}

/** The body of `PUT /v1/agent/service/register` for one node. */
function describe(service: ServiceRecord, node: ServiceNode, ttlMs: number): ConsulRegistration {
  const { host, port } = splitAddress(node.address);
  const check = {
    ttl: goDuration(ttlMs * 1e6),
    // What Go says: a minute is the least that Consul grants.
    deregistercriticalserviceafter: goDuration((ttlMs < 60_000 ? 65_000 : ttlMs + 5000) * 1e6),
  };
  const tags = encodeTags(service, node);
  return { id: node.id, name: service.name, address: host, port, tags, ...(ttlMs > 0 && { check }) };
}

function asUnavailable(error: unknown, where: string): MicroError {
  const known = MicroError.from(error, "unavailable");
  if (known.code === "unavailable") return known;
  return new MicroError("unavailable", `the watch of ${where} ended: ${known.message}`, { cause: error });
}
