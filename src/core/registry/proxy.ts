import { Agent } from "undici";
import { type Clock, systemClock } from "../clock.ts";
import { deadline } from "../deadline.ts";
import { MicroError } from "../errors.ts";
import type { CallOptions } from "../lifecycle.ts";
import { type Log, silent } from "../log.ts";
import { readService, writeService } from "../wire/record.ts";
import { createCalls } from "./calls.ts";
import { createFeedWatches, type Feed } from "./feed.ts";
import { createGarbage } from "./garbage.ts";
import { joinRecords } from "./join.ts";
import { AGENT_OPTIONS, createProxyHttp } from "./proxy-http.ts";
import { openPollFeed, openSocketFeed } from "./proxy-watch.ts";
import type { Registry, RegistryEvent, ServiceRecord } from "./registry.ts";
import { checkRegistrable, NO_VERSIONS, notFound, sortedNames, type Versions } from "./versions.ts";

export interface ProxyRegistryInit {
  /** Sidecars, `host:port`, port 8081 unless said; the first that can be reached is used. Empty: `127.0.0.1:8081`. */
  readonly addresses?: readonly string[] | undefined;
  /** For each call that says nothing itself, in ms. Default 5000. */
  readonly timeoutMs?: number | undefined;
}

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
    const calls = createCalls(where, timeoutMs);
    const garbage = createGarbage(log, where);

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

    const connect = async (publish: (event: RegistryEvent) => void, signal: AbortSignal): Promise<Feed> => {
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
    const watches = createFeedWatches(where, connect);

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
        calls.stop(reason);
        await watches.stop(reason);
        const old = agent;
        agent = new Agent(AGENT_OPTIONS);
        await old.destroy();
      },
      register: async (service, options = {}) => {
        checkRegistrable(service);
        const { ttlMs = 0 } = options;
        const query: Record<string, string> = ttlMs > 0 ? { ttl: `${Math.ceil(ttlMs)}ms` } : {};
        await calls.during(options, (signal) => http.send("POST", query, writeService(service), untimed(signal)));
      },
      deregister: async (service, options = {}) => {
        if (service.nodes.length === 0) return;
        await calls.during(options, async (signal) => {
          await http.send("DELETE", {}, writeService(service), untimed(signal)).catch((error: unknown) => {
            if (!(error instanceof MicroError && error.code === "not_found")) throw error;
          });
        });
      },
      get: (name, options = {}) =>
        calls.during(options, async (signal) => {
          // Without a name the sidecar would list everything.
          const versions = name === "" ? NO_VERSIONS : await read(name, untimed(signal));
          if (versions.length === 0) throw notFound(name, where);
          return versions;
        }),
      list: (options = {}) => calls.during(options, (signal) => list(untimed(signal))),
      watch: watches.watch,
    };
  };
}

/** The deadline is in the signal. */
function untimed(signal: AbortSignal): CallOptions {
  return { signal, timeoutMs: 0 };
}
