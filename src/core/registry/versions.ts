import { isDeepStrictEqual } from "node:util";
import { MicroError } from "../errors.ts";
import type { RegistryEvent, ServiceNode, ServiceRecord } from "./registry.ts";

/** All versions of one service, as `get` gives them. Never changed in place: each function here makes a new list. */
export type Versions = readonly ServiceRecord[];

export const NO_VERSIONS: Versions = Object.freeze([]);

/** @throws MicroError `invalid_argument` when there is nothing to register */
export function checkRegistrable(service: ServiceRecord): void {
  if (service.name === "") throw new MicroError("invalid_argument", "a service needs a name to be registered");
  if (service.nodes.length === 0) {
    const example = `{"id":"${service.name}-1","address":"10.0.0.5:9090"}`;
    throw new MicroError("invalid_argument", `${service.name} needs at least one node to be registered: ${example}`);
  }
}

/** What `get` throws when a name is not there. */
export function notFound(name: string, where: string): MicroError {
  return new MicroError("not_found", `no service "${name}" is registered in ${where}`);
}

/**
 * `record`'s nodes added to their version, a known id replaced; name, metadata and endpoints as `record` says
 * (`wire.md §10`, cache update rules). The same list when that changes nothing.
 */
export function withRecord(versions: Versions, record: ServiceRecord): Versions {
  const old = versions.find(({ version }) => version === record.version);
  if (old === undefined) return Object.freeze([...versions, freeze(record)]);
  const fresh = new Map(record.nodes.map((node) => [node.id, node]));
  const kept = old.nodes.map((node) => {
    const next = fresh.get(node.id);
    fresh.delete(node.id);
    return next === undefined || isDeepStrictEqual(next, node) ? node : next;
  });
  const nodes = [...kept, ...fresh.values()];
  const merged = { ...record, nodes };
  return isDeepStrictEqual(merged, old) ? versions : replace(versions, old, merged);
}

/** Without the nodes that `record` names; a version without nodes is dropped. A record without nodes drops them all. */
export function withoutRecord(versions: Versions, record: ServiceRecord): Versions {
  if (record.nodes.length === 0) return NO_VERSIONS;
  const gone = new Set(record.nodes.map(({ id }) => id));
  return withoutNodes(versions, (node, version) => version === record.version && gone.has(node.id));
}

/** Without the nodes that `gone` picks; the same list when it picks none. */
export function withoutNodes(versions: Versions, gone: (node: ServiceNode, version: string) => boolean): Versions {
  let changed = false;
  const left = versions.flatMap((record) => {
    const nodes = record.nodes.filter((node) => !gone(node, record.version));
    if (nodes.length === record.nodes.length) return [record];
    changed = true;
    return nodes.length === 0 ? [] : [freeze({ ...record, nodes })];
  });
  return changed ? Object.freeze(left) : versions;
}

/**
 * What a watcher is told between two states of a service, in the order of `wire.md §2.1`: `create` for a version that
 * came, `delete` with the nodes that went, `update` with all nodes of a version that changed.
 */
export function changes(before: Versions, after: Versions): readonly RegistryEvent[] {
  if (before === after) return [];
  const events: RegistryEvent[] = [];
  for (const service of after) {
    const old = before.find(({ version }) => version === service.version);
    if (old === undefined) events.push({ action: "create", service });
    else if (old !== service) events.push(...changesOfVersion(old, service));
  }
  for (const service of before) {
    if (!after.some(({ version }) => version === service.version)) events.push({ action: "delete", service });
  }
  return events;
}

function changesOfVersion(old: ServiceRecord, service: ServiceRecord): readonly RegistryEvent[] {
  const ids = new Set(service.nodes.map(({ id }) => id));
  const went = old.nodes.filter(({ id }) => !ids.has(id));
  const events: RegistryEvent[] = [];
  if (went.length > 0) events.push({ action: "delete", service: freeze({ ...old, nodes: went }) });
  const stayed = went.length === 0 ? old.nodes : old.nodes.filter(({ id }) => ids.has(id));
  if (!isDeepStrictEqual({ ...service }, { ...old, nodes: stayed })) events.push({ action: "update", service });
  return events;
}

function replace(versions: Versions, old: ServiceRecord, next: ServiceRecord): Versions {
  const frozen = freeze(next);
  return Object.freeze(versions.map((record) => (record === old ? frozen : record)));
}

function freeze(record: ServiceRecord): ServiceRecord {
  return Object.freeze({ ...record, nodes: Object.freeze([...record.nodes]) });
}

/** Names by code point, frozen. Plain `sort()` goes by UTF-16 unit, which differs only where surrogates are. */
export function sortedNames(names: Iterable<string>): readonly string[] {
  const sorted = [...names].sort();
  return Object.freeze(sorted.some((name) => /[\ud800-\udfff]/.test(name)) ? sorted.sort(byCodePoint) : sorted);
}

function byCodePoint(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
