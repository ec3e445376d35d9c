import { isDeepStrictEqual } from "node:util";
import type { ServiceNode, ServiceRecord } from "./registry.ts";
import { NO_VERSIONS, type Versions } from "./versions.ts";

/**
 * Records of one service from several places as one list: a record for each version, in the order met, with the nodes of
 * all, each id once (the first met). Endpoints and metadata are the first that there are.
 *
 * @param before what was joined last time; versions that are the same are these objects again
 */
export function joinRecords(records: Iterable<ServiceRecord>, before: Versions = NO_VERSIONS): Versions {
  const versions = new Map<string, { first: ServiceRecord; nodes: Map<string, ServiceNode> }>();
  for (const record of records) {
    const known = versions.get(record.version);
    const nodes = known?.nodes ?? new Map<string, ServiceNode>();
    for (const node of record.nodes) if (!nodes.has(node.id)) nodes.set(node.id, node);
    versions.set(record.version, { first: known === undefined ? record : withFacts(known.first, record), nodes });
  }
  const joined = [...versions.values()].flatMap(({ first, nodes }) => {
    if (nodes.size === 0) return [];
    const record = Object.freeze({ ...first, nodes: Object.freeze([...nodes.values()]) });
    const old = before.find(({ version }) => version === record.version);
    return [isDeepStrictEqual(old, record) ? (old as ServiceRecord) : record];
  });
  if (joined.length === 0) return NO_VERSIONS;
  const same = joined.length === before.length && joined.every((record, at) => record === before[at]);
  return same ? before : Object.freeze(joined);
}

/** `first`, with what it does not say taken from `next`. */
function withFacts(first: ServiceRecord, next: ServiceRecord): ServiceRecord {
  const endpoints = first.endpoints.length > 0 ? first.endpoints : next.endpoints;
  const metadata = Object.keys(first.metadata).length > 0 ? first.metadata : next.metadata;
  return endpoints === first.endpoints && metadata === first.metadata ? first : { ...first, endpoints, metadata };
}
