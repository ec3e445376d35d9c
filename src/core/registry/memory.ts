import { type Clock, systemClock } from "../clock.ts";
import { deadline } from "../deadline.ts";
import type { Registry, ServiceRecord } from "./registry.ts";
import {
  changes,
  checkRegistrable,
  NO_VERSIONS,
  notFound,
  sortedNames,
  type Versions,
  withoutNodes,
  withoutRecord,
  withRecord,
} from "./versions.ts";
import { createWatchers } from "./watchers.ts";

export interface MemoryRegistryInit {
  /** Registered from the beginning, without a ttl. */
  readonly services?: readonly ServiceRecord[];
}

/** How often nodes whose ttl is over are looked for, as in Go (`wire.md §2.3`). Reads do not wait for it. */
const PRUNE_EVERY_MS = 1000;

/**
 * A registry inside this process, for tests and for programs that are one process. What is registered stays over
 * `stop()`. Unlike Go's it tells watchers when a ttl ends, so that a cache in front of it stays true.
 */
export function memoryRegistry(init: MemoryRegistryInit = {}): (parts?: { readonly clock?: Clock }) => Registry {
  return ({ clock = systemClock } = {}) => {
    const where = "this process's memory";
    const services = new Map<string, Versions>();
    /** Epoch ms at which a node's ttl is over, by `key()`. */
    const expiry = new Map<string, number>();
    const watchers = createWatchers(where);
    let running: AbortController | undefined;

    const set = (name: string, after: Versions) => {
      const before = services.get(name) ?? NO_VERSIONS;
      if (after.length === 0) services.delete(name);
      else services.set(name, after);
      for (const event of changes(before, after)) watchers.publish(event);
    };
    const prune = () => {
      if (expiry.size === 0) return;
      const now = clock.now();
      const over = new Set<string>();
      for (const [key, at] of expiry) if (at <= now) over.add(key);
      if (over.size === 0) return;
      for (const key of over) expiry.delete(key);
      for (const [name, versions] of services) {
        set(
          name,
          withoutNodes(versions, (node, version) => over.has(keyOf(name, version, node.id))),
        );
      }
    };
    const pruneForEver = async (signal: AbortSignal) => {
      while (!signal.aborted) {
        await clock.sleep(PRUNE_EVERY_MS, { signal });
        prune();
      }
    };
    for (const service of init.services ?? []) {
      services.set(service.name, withRecord(services.get(service.name) ?? NO_VERSIONS, service));
    }

    return {
      kind: "memory",
      where,
      outlives: false,
      start: async (options = {}) => {
        using limit = deadline(options, 0, where);
        limit.check();
        if (running !== undefined) return;
        running = new AbortController();
        pruneForEver(running.signal).catch(() => {}); // it ends by being cancelled
      },
      stop: async () => {
        running?.abort();
        running = undefined;
        watchers.end();
      },
      register: async (service, options = {}) => {
        using limit = deadline(options, 0, where);
        limit.check();
        checkRegistrable(service);
        prune();
        const { ttlMs = 0 } = options;
        for (const { id } of service.nodes) {
          const key = keyOf(service.name, service.version, id);
          if (ttlMs > 0) expiry.set(key, clock.now() + ttlMs);
          else expiry.delete(key);
        }
        set(service.name, withRecord(services.get(service.name) ?? NO_VERSIONS, service));
      },
      deregister: async (service, options = {}) => {
        using limit = deadline(options, 0, where);
        limit.check();
        prune();
        for (const { id } of service.nodes) expiry.delete(keyOf(service.name, service.version, id));
        if (service.nodes.length === 0) return;
        set(service.name, withoutRecord(services.get(service.name) ?? NO_VERSIONS, service));
      },
      get: async (name, options = {}) => {
        using limit = deadline(options, 0, where);
        limit.check();
        prune();
        const versions = services.get(name);
        if (versions === undefined) throw notFound(name, where);
        return versions;
      },
      peek: (name) => {
        prune();
        return services.get(name);
      },
      list: async (options = {}) => {
        using limit = deadline(options, 0, where);
        limit.check();
        prune();
        return sortedNames(services.keys());
      },
      watch: async (options = {}) => {
        using limit = deadline(options, 0, where);
        limit.check();
        return watchers.add(options);
      },
    };
  };
}

function keyOf(name: string, version: string, id: string): string {
  return JSON.stringify([name, version, id]);
}
