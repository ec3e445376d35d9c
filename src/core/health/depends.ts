import type { ServiceRecord } from "../registry/registry.ts";

/** More names are not looked at. */
const MOST_DEPENDENCIES = 50;

/** Services that a service says it needs. */
export function dependenciesOf(records: readonly ServiceRecord[]): readonly string[] {
  const names = new Set<string>();
  for (const { metadata, nodes } of records) {
    for (const of of [metadata, ...nodes.slice(0, 1).map((node) => node.metadata)]) {
      for (const name of `${of["depends"] ?? ""},${of["dependencies"] ?? ""}`.split(/[\s,;]+/)) {
        if (name !== "" && name.length <= 200) names.add(name);
      }
    }
  }
  return [...names].sort().slice(0, MOST_DEPENDENCIES);
}
