import { distance } from "fastest-levenshtein";
import type { CommandContext } from "./command.ts";

/** Names in the registry, for completion. An unreachable registry completes nothing. */
export async function serviceNames({ registry, signal }: CommandContext): Promise<readonly string[]> {
  return registry.list({ signal, timeoutMs: 1000 }).catch(() => []);
}

/** Names of a service's endpoints, for completion. */
export async function endpointNames(service: string, { registry, signal }: CommandContext): Promise<readonly string[]> {
  const versions = await registry.get(service, { signal, timeoutMs: 1000 }).catch(() => []);
  return [...new Set(versions.flatMap((version) => version.endpoints.map((endpoint) => endpoint.name)))].sort();
}

/** The few names that were most likely meant: those that end or begin with what was said first, then the most alike. */
export function alike(said: string, names: readonly string[], count = 3): readonly string[] {
  const word = said.toLowerCase();
  const score = (name: string) =>
    name.toLowerCase().includes(word) ? 0 : distance(word, name.toLowerCase()) / name.length;
  return names
    .map((name) => ({ name, far: score(name) }))
    .filter(({ far }) => far < 0.7)
    .sort((a, b) => a.far - b.far)
    .slice(0, count)
    .map(({ name }) => name);
}
