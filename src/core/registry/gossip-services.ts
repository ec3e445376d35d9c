import { readService, writeService } from "../wire/record.ts";
import { parseJson } from "./gossip-update.ts";
import type { RegistryEvent, ServiceRecord } from "./registry.ts";
import { changes, NO_VERSIONS, sortedNames, type Versions, withoutNodes, withRecord } from "./versions.ts";

/** What is registered, as heard of: each node until its own time is over. Times are epoch ms. */
export interface GossipServices {
  /**
   * @param expiresAt `Infinity` for never; one that was removed with this very time came late, and is not taken again:
   *   all is told more than once
   */
  add(service: ServiceRecord, expiresAt: number): void;
  /** All nodes of the record; a record without nodes is the whole service. */
  remove(service: ServiceRecord, now: number): void;
  /** What a peer told at a join: it replaces what that peer told before. `state` is its JSON. @throws MicroError */
  replace(peer: string, state: Buffer, expiresAt: number, now: number): void;
  /** Drops what is over. */
  prune(now: number): void;
  get(name: string): Versions;
  names(): readonly string[];
  /**
   * It as JSON, for one who joins (`wire.md §2.6`); services that would make it longer than `maxBytes` are left out. Not
   * what is known from peers only: two who tell each other so would keep it alive for ever.
   */
  state(maxBytes: number): Buffer;
}

/** Nodes kept; a bound for a cluster where anybody speaks. */
const MAX_NODES = 20_000;

/** How long what was removed is remembered: longer than its repetitions and answers under way may take. */
const REMEMBER_MS = 5000;

interface Removed {
  /** Of the lease that was removed. */
  readonly expiresAt: number;
  readonly until: number;
}

interface Lease {
  readonly name: string;
  readonly version: string;
  readonly id: string;
  readonly expiresAt: number;
  /** Who told it, where that is all that is known: no time came with it. */
  readonly peer?: string | undefined;
}

export function createGossipServices(publish: (event: RegistryEvent) => void): GossipServices {
  const services = new Map<string, Versions>();
  const leases = new Map<string, Lease>();
  const removed = new Map<string, Removed>();

  const set = (name: string, after: Versions) => {
    const before = services.get(name) ?? NO_VERSIONS;
    if (after.length === 0) services.delete(name);
    else services.set(name, after);
    for (const event of changes(before, after)) publish(event);
  };
  const put = (service: ServiceRecord, expiresAt: number, peer?: string) => {
    const { name, version } = service;
    const nodes = service.nodes.filter(({ id }) => {
      const key = keyOf(name, version, id);
      const before = leases.get(key);
      if (before === undefined && leases.size >= MAX_NODES) return false;
      const gone = removed.get(key);
      if (gone !== undefined && (peer !== undefined || gone.expiresAt === expiresAt)) return false;
      removed.delete(key);
      // What its own process said, with a time, counts more than what a peer remembers.
      if (peer !== undefined && before !== undefined && before.peer === undefined) return false;
      leases.set(key, { name, version, id, expiresAt, peer });
      return true;
    });
    if (nodes.length > 0) set(name, withRecord(services.get(name) ?? NO_VERSIONS, { ...service, nodes }));
  };
  const drop = (over: ReadonlySet<string>, names: Iterable<string>) => {
    for (const key of over) leases.delete(key);
    for (const name of new Set(names)) {
      const versions = services.get(name);
      if (versions === undefined) continue;
      set(
        name,
        withoutNodes(versions, (node, version) => over.has(keyOf(name, version, node.id))),
      );
    }
  };
  const dropWhere = (isOver: (lease: Lease, key: string) => boolean) => {
    const over = new Set<string>();
    const names = new Set<string>();
    for (const [key, lease] of leases) {
      if (!isOver(lease, key)) continue;
      over.add(key);
      names.add(lease.name);
    }
    if (over.size > 0) drop(over, names);
  };

  return {
    add: (service, expiresAt) => put(service, expiresAt),
    remove: ({ name, version, nodes }, now) => {
      const keys = new Set(nodes.map(({ id }) => keyOf(name, version, id)));
      for (const key of keys) {
        const lease = leases.get(key);
        if (lease === undefined || removed.size >= MAX_NODES) continue;
        removed.set(key, { expiresAt: lease.expiresAt, until: now + REMEMBER_MS });
      }
      if (nodes.length === 0) dropWhere((lease) => lease.name === name);
      else drop(keys, [name]);
    },
    replace: (peer, state, expiresAt, now) => {
      const told = readState(state);
      const keys = new Set<string>();
      for (const service of told) {
        for (const { id } of service.nodes) keys.add(keyOf(service.name, service.version, id));
        put(service, expiresAt, peer);
      }
      dropWhere((lease, key) => lease.expiresAt <= now || (lease.peer === peer && !keys.has(key)));
    },
    prune: (now) => {
      for (const [key, { until }] of removed) if (until <= now) removed.delete(key);
      dropWhere(({ expiresAt }) => expiresAt <= now);
    },
    get: (name) => services.get(name) ?? NO_VERSIONS,
    names: () => sortedNames(services.keys()),
    state: (maxBytes) => {
      const parts: string[] = [];
      let size = 2;
      for (const [name, versions] of services) {
        const sure = withoutNodes(versions, ({ id }, version) => {
          return leases.get(keyOf(name, version, id))?.peer !== undefined;
        });
        if (sure.length === 0) continue;
        const part = `${JSON.stringify(name)}:${JSON.stringify(sure.map(writeService))}`;
        size += Buffer.byteLength(part) + 1;
        if (size > maxBytes) break;
        parts.push(part);
      }
      return Buffer.from(`{${parts.join(",")}}`);
    },
  };
}

/** A service that cannot be read does not keep the others away. @throws MicroError `invalid_argument` (no such JSON) */
function readState(state: Buffer): readonly ServiceRecord[] {
  if (state.length === 0) return [];
  const json = parseJson(state);
  if (typeof json !== "object" || json === null) return [];
  return Object.values(json).flatMap((versions: unknown) =>
    (Array.isArray(versions) ? versions : []).flatMap((each: unknown) => {
      try {
        return [readService(each)];
      } catch {
        return [];
      }
    }),
  );
}

function keyOf(name: string, version: string, id: string): string {
  return JSON.stringify([name, version, id]);
}
