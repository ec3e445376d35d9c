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

/** Nodes with any of these labels, and all of them where there is none: Go's `label` plugin. */
export function preferLabels(labels: Readonly<Record<string, string>>): Filter {
  const filters = Object.entries(labels).map(([key, value]) => byLabel(key, value));
  return (versions) => {
    for (const filter of filters) {
      const found = filter(versions);
      if (found.length > 0) return found;
    }
    return versions;
  };
}

/** Only versions that have registered this endpoint. */
export function byEndpoint(name: string): Filter {
  return (versions) => versions.filter((record) => record.endpoints.some((endpoint) => endpoint.name === name));
}
