import type { Filter } from "./selector.ts";

/** Only nodes of this version. */
export function byVersion(version: string): Filter {
  return (versions) => versions.filter((record) => record.version === version);
}

/** Only nodes whose metadata says `key=value`. */
export function byLabel(key: string, value: string): Filter {
  return (versions) =>
    versions
      .map((record) => ({ ...record, nodes: record.nodes.filter((node) => node.metadata[key] === value) }))
      .filter((record) => record.nodes.length > 0);
}

/** Only versions that have registered this endpoint. */
export function byEndpoint(name: string): Filter {
  return (versions) => versions.filter((record) => record.endpoints.some((endpoint) => endpoint.name === name));
}
