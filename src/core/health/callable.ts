import type { ServiceRecord } from "../registry/registry.ts";

/**
 * Whether a record is of processes that answer calls. Subscribers of the broker over HTTP are registered as services, too, and
 * know no `Debug.Health` (`wire.md §8.1`).
 */
export function isCallable({ name, nodes }: ServiceRecord): boolean {
  if (name.startsWith("topic:")) return false;
  return nodes.some(({ metadata }) => !(metadata["broker"] === "http" && metadata["topic"] !== undefined));
}
