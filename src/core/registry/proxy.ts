import { Agent } from "undici";
import { type Clock, systemClock } from "../clock.ts";
import { deadline, orAbort } from "../deadline.ts";
import { MicroError } from "../errors.ts";
import type { CallOptions } from "../lifecycle.ts";
import { type Log, silent } from "../log.ts";
import { readService, writeService } from "../wire/record.ts";
import { sharedAbort } from "./abort.ts";
import { createGarbage } from "./garbage.ts";
import { joinRecords } from "./join.ts";
import { AGENT_OPTIONS, createProxyHttp } from "./proxy-http.ts";
import { openPollFeed, openSocketFeed, type ProxyFeed } from "./proxy-watch.ts";
import type { Registry, ServiceRecord } from "./registry.ts";
import { checkRegistrable, NO_VERSIONS, notFound, sortedNames, type Versions } from "./versions.ts";
import { createWatchers } from "./watchers.ts";

export interface ProxyRegistryInit {
  /** Sidecars, `host:port`, port 8081 unless said; the first that can be reached is used. Empty: `127.0.0.1:8081`. */
  readonly addresses?: readonly string[] | undefined;
  /** For each call that says nothing itself, in ms. Default 5000. */
  readonly timeoutMs?: number | undefined;
}

/** Opening a watch may mean to read everything. */
const WATCH_TIMEOUT_MS = 60_000;

/**
 * The registry behind a sidecar or proxy, over its HTTP (`toolkit.md §5`): `/registry` GET, POST with `?ttl=`, DELETE. It is
 * watched by the websocket there, or, where there is none (before 2018), read every 5 s.
 */
export function proxyRegistry(
  init: ProxyRegistryInit = {},
): (parts?: { readonly clock?: Clock; readonly log?: Log }) => Registry {
  const { addresses = [], timeoutMs = 5000 } = init;
  return ({ clock = systemClock, log = silent } = {}) => {
    let agent = new Agent(AGENT_OPTIONS);
    const http = createProxyHttp({ addresses, timeoutMs, agent: () => agent });
    const { where } = http;
    const watchers = createWatchers(where, () => closeFeed());
    const garbage = createGarbage(log, where);
    let stopping = sharedAbort();
    let feed: { readonly abort: AbortController; readonly opened: Promise<ProxyFeed> } | undefined;

    /** Links a call to `stop()`: what is in flight then ends. */
    const during = async <T>(options: CallOptions, work: (call: CallOptions) => Promise<T>): Promise<T> => {
      const stopped = stopping.signal;
      using limit = deadline(options, timeoutMs, where);
      limit.check();
      const abort = new AbortController();
      const end = (event: Event) => abort.abort((event.target as AbortSignal).reason);
      limit.signal.addEventListener("abort", end, { once: true });
      stopped.addEventListener("abort", end, { once: true });
      try {
        return await work({ signal: abort.signal, timeoutMs: 0 });
      } finally {
        stopped.removeEventListener("abort", end);
      }
    };
    const records = (json: unknown, place: string): readonly ServiceRecord[] => {
      if (json === null) return []; // what Go makes of a list that was never made
      if (!Array.isArray(json)) {
        throw new MicroError("unavailable", `${where} answered JSON that is no list of services`);
      }
      return json.flatMap((each) => {
        try {
          return [readService(each)];
        } catch {
          garbage.met(place);
          return [];
        }
      });
    };
    const list = async (call: CallOptions): Promise<readonly string[]> => {
      try {
        return sortedNames(new Set(records(await http.get({}, call), "/registry").map(({ name }) => name)));
      } catch (error) {
        if (!(error instanceof MicroError) || error.code !== "not_found") throw error;
        throw new MicroError("unavailable", `${where} has no /registry; is it a sidecar?`, { cause: error });
      }
    };
    const read = async (name: string, call: CallOptions): Promise<Versions> => {
      try {
        const found = records(await http.get({ service: name }, call), `/registry?service=${name}`);
        return joinRecords(found.filter((record) => record.name === name));
      } catch (error) {
        if (error instanceof MicroError && error.code === "not_found") return NO_VERSIONS;
        throw error;
      }
    };

    const connect = async (signal: AbortSignal): Promise<ProxyFeed> => {
      const { publish } = watchers;
      try {
        // Whom to connect to: the one that answers. Nobody there is an error, nobody who knows websockets is not.
        await list({ signal, timeoutMs });
        const parts = { origin: http.origin, where, agent, clock, garbage, openMs: timeoutMs, publish };
        return await openSocketFeed(parts, signal);
      } catch (error) {
        if (signal.aborted) throw error;
        const poll = {
          clock,
          list: (s: AbortSignal) => list({ signal: s, timeoutMs }),
          read: (name: string, s: AbortSignal) => read(name, { signal: s, timeoutMs }),
          publish,
        };
        const polled = await openPollFeed(poll, signal);
        log.info({ registry: "proxy", where }, "the sidecar has no websocket at /registry: it is read every 5 s");
        return polled;
      }
    };
    /** One feed for all watches, from the first to the last of them. */
    const openFeed = (): Promise<ProxyFeed> => {
      if (feed !== undefined) return feed.opened;
      const abort = sharedAbort();
      const opened = connect(abort.signal);
      feed = { abort, opened };
      opened
        .then((open) => open.follow())
        .catch((error: unknown) => {
          abort.abort(MicroError.from(error, "unavailable"));
          if (feed?.abort !== abort) return;
          feed = undefined;
          watchers.end(asUnavailable(error, where));
        });
      return opened;
    };
    const closeFeed = (reason = new MicroError("cancelled", `the watch of ${where} was closed`)) => {
      feed?.abort.abort(reason);
      feed = undefined;
    };

    return {
      kind: "proxy",
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
        const old = agent;
        agent = new Agent(AGENT_OPTIONS);
        await old.destroy();
        watchers.end(reason);
      },
      register: async (service, options = {}) => {
        checkRegistrable(service);
        const { ttlMs = 0 } = options;
        const query: Record<string, string> = ttlMs > 0 ? { ttl: `${Math.ceil(ttlMs)}ms` } : {};
        await during(options, (call) => http.send("POST", query, writeService(service), call));
      },
      deregister: async (service, options = {}) => {
        if (service.nodes.length === 0) return;
        await during(options, async (call) => {
          await http.send("DELETE", {}, writeService(service), call).catch((error: unknown) => {
            if (!(error instanceof MicroError && error.code === "not_found")) throw error;
          });
        });
      },
      get: (name, options = {}) =>
        during(options, async (call) => {
          // Without a name the sidecar would list everything.
          const versions = name === "" ? NO_VERSIONS : await read(name, call);
          if (versions.length === 0) throw notFound(name, where);
          return versions;
        }),
      list: (options = {}) => during(options, list),
      watch: async (options = {}) => {
        using limit = deadline(options, WATCH_TIMEOUT_MS, where);
        limit.check();
        const watcher = watchers.add(options);
        try {
          const { initial } = await orAbort(openFeed(), limit.signal);
          return { ...watcher, initial };
        } catch (error) {
          await watcher.close();
          throw MicroError.from(error, "unavailable");
        }
      },
    };
  };
}

function asUnavailable(error: unknown, where: string): MicroError {
  const known = MicroError.from(error, "unavailable");
  if (known.code === "unavailable") return known;
  return new MicroError("unavailable", `the watch of ${where} ended: ${known.message}`, { cause: error });
}
