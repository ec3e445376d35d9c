import { hostOf } from "../core/health/explain.ts";
import { counted, someOf } from "../core/health/words.ts";
import type { ServiceChange } from "../core/registry/service-change.ts";
import type { Registered, RegisteredNode } from "./registered.ts";

/** A change, before it is known when and what it is said of. */
type Found = Omit<ServiceChange, "at" | "service">;

/**
 * What happened between two looks, a line for what belongs together: nodes of one version that came, that went, that took the place of
 * others of the same version on the same host.
 * @param away ids of nodes that went and are there again: they were begun anew
 */
export function changesBetween(
  before: Registered,
  after: Registered,
  away: ReadonlySet<string> = new Set(),
): readonly Found[] {
  const was = new Map(before.nodes.map((node) => [node.id, node]));
  const is = new Map(after.nodes.map((node) => [node.id, node]));
  const came = after.nodes.filter(({ id }) => !was.has(id));
  const went = before.nodes.filter(({ id }) => !is.has(id));
  const stayed = after.nodes.flatMap((node) => {
    const old = was.get(node.id);
    return old ? [{ old, node }] : [];
  });
  const pairs = replaced(came, went);
  const anew = new Set(pairs.flat());
  const oldVersions = new Set(before.nodes.map(({ version }) => version));
  const newVersions = new Set(after.nodes.map(({ version }) => version));

  const found: Found[] = [];
  for (const [version, nodes] of byVersion(came.filter((node) => !anew.has(node)))) {
    const fresh = before.nodes.length > 0 && !oldVersions.has(version);
    const words = fresh ? `version ${version} came with ${listed(nodes)}` : `${told(nodes, version)} came`;
    found.push({ kind: fresh ? "version" : "came", version, ...only(nodes), words });
  }
  for (const [version, nodes] of byVersion(pairs.map(([node]) => node))) {
    const [old] = pairs.find(([node]) => node === nodes[0])?.slice(1) ?? [];
    const words =
      nodes.length === 1 && nodes[0] && old
        ? `node ${nodes[0].id} came in the stead of ${old.id} (${version} at ${nodes[0].address})`
        : `${counted(nodes.length, "node")} of ${version} were begun anew: ${names(nodes)}`;
    found.push({ kind: "came", version, ...only(nodes), words });
  }
  for (const { old, node } of stayed) found.push(...changedNode(old, node, away.has(node.id)));
  for (const [version, nodes] of byVersion(went.filter((node) => !anew.has(node)))) {
    const last = after.nodes.length > 0 && !newVersions.has(version);
    const words = last ? `version ${version} is gone, with ${listed(nodes)}` : `${wentWords(nodes, version)}`;
    found.push({ kind: last ? "version" : "went", version, ...only(nodes), words });
  }
  if (before.nodes.length > 0 && after.nodes.length === 0 && went.length > 1) {
    found.push({ kind: "went", words: "no node is left" });
  }
  const about = changedNames(before.metadata, after.metadata);
  if (before.nodes.length > 0 && after.nodes.length > 0 && about.length > 0) {
    found.push({ kind: "metadata", words: `the service's metadata changed: ${someOf(about, 5)}` });
  }
  return found;
}

function changedNode(old: RegisteredNode, node: RegisteredNode, away: boolean): readonly Found[] {
  const { id, version, address } = node;
  if (old.version !== version) {
    return [{ kind: "version", version, node: id, words: `node ${id} runs ${version} now (was ${old.version})` }];
  }
  if (old.address !== address) {
    return [{ kind: "came", version, node: id, words: `node ${id} is at ${address} now (was ${old.address})` }];
  }
  if (away)
    return [{ kind: "came", version, node: id, words: `node ${id} was away for a moment (${version} at ${address})` }];
  const about = changedNames(old.metadata, node.metadata);
  if (about.length === 0) return [];
  return [{ kind: "metadata", version, node: id, words: `metadata of node ${id} changed: ${someOf(about, 5)}` }];
}

/** Nodes that came with those whose place they took: begun anew, they have another id and mostly another port. */
function replaced(
  came: readonly RegisteredNode[],
  went: readonly RegisteredNode[],
): readonly (readonly [RegisteredNode, RegisteredNode])[] {
  const free = [...went];
  return came.flatMap((node) => {
    const at = free.findIndex((old) => old.version === node.version && hostOf(old.address) === hostOf(node.address));
    const [old] = at === -1 ? [] : free.splice(at, 1);
    return old ? [[node, old] as const] : [];
  });
}

function byVersion(nodes: readonly RegisteredNode[]): ReadonlyMap<string, readonly RegisteredNode[]> {
  const versions = new Map<string, RegisteredNode[]>();
  for (const node of nodes) {
    const there = versions.get(node.version);
    if (there) there.push(node);
    else versions.set(node.version, [node]);
  }
  return versions;
}

/** Its id, where it is one. */
function only(nodes: readonly RegisteredNode[]): { readonly node?: string } {
  const [one] = nodes;
  return one && nodes.length === 1 ? { node: one.id } : {};
}

function names(nodes: readonly RegisteredNode[]): string {
  return someOf(nodes.map(({ id }) => id));
}

/** `node greeter-2 (1.4.0 at 10.0.0.5:8080)`, `3 nodes of 1.4.0 (…)`. */
function told(nodes: readonly RegisteredNode[], version: string): string {
  const [one] = nodes;
  if (one && nodes.length === 1) return `node ${one.id} (${version} at ${one.address})`;
  return `${counted(nodes.length, "node")} of ${version} (${names(nodes)})`;
}

function wentWords(nodes: readonly RegisteredNode[], version: string): string {
  const [one] = nodes;
  if (one && nodes.length === 1) return `node ${one.id} went (was ${version} at ${one.address})`;
  return `${told(nodes, version)} went`;
}

function listed(nodes: readonly RegisteredNode[]): string {
  const [one] = nodes;
  return one && nodes.length === 1 ? `node ${one.id} at ${one.address}` : `${nodes.length} nodes: ${names(nodes)}`;
}

function changedNames(
  before: Readonly<Record<string, string>>,
  after: Readonly<Record<string, string>>,
): readonly string[] {
  const all = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
  return all.filter((name) => before[name] !== after[name]);
}
