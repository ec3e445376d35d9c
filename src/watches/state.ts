import { createHash } from "node:crypto";
import type { Examination } from "../core/health/examination.ts";
import type { ServiceRecord } from "../core/registry/registry.ts";
import { versionLike } from "./like.ts";
import type { Watch } from "./watch.ts";

/** A service as it is registered. */
export interface Seen {
  readonly nodes: readonly { readonly id: string; readonly version: string; readonly address: string }[];
  /** What tells one set of nodes from another. */
  readonly ids: string;
  /** The versions that run, sorted, as JSON. */
  readonly versions: string;
}

/** What is known of a service just now. */
export interface Facts {
  /** `undefined`: nobody can tell. */
  readonly seen: Seen | undefined;
  /** How its nodes were when they were asked. */
  readonly examination: Examination | undefined;
}

export const GONE = "gone";

export function seenOf(records: readonly ServiceRecord[]): Seen {
  const nodes = records.flatMap(({ version, nodes: each }) =>
    each.map(({ id, address }) => ({ id, version, address })),
  );
  const ids = nodes.map(({ id, version }) => `${id}\n${version}`).sort();
  const versions = [...new Set(nodes.map(({ version }) => version))].sort();
  return {
    nodes,
    ids: createHash("sha256").update(ids.join("\n\n")).digest("base64url").slice(0, 16),
    versions: JSON.stringify(versions),
  };
}

/** What a watch is about: equal keys are one state. `undefined`: it is not known. */
export function stateOf(watch: Pick<Watch, "kind" | "node" | "until">, facts: Facts): string | undefined {
  const { seen, examination } = facts;
  if (seen === undefined) return undefined;
  if (watch.kind === "node") return nodeState(watch.node ?? "", seen, examination);
  if (seen.nodes.length === 0) return GONE;
  if (watch.kind === "service") return seen.ids;
  if (watch.kind === "version") {
    if (watch.until === undefined) return seen.versions;
    return progressOf(watch.until, seen).done ? "done" : "going";
  }
  return levelOf(seen, examination);
}

/** Of the nodes that were asked and are there still; what was not asked for some reason of ours tells nothing. */
function levelOf(seen: Seen, examination: Examination | undefined): string | undefined {
  if (examination === undefined) return undefined;
  const here = new Set(seen.nodes.map(({ id }) => id));
  const asked = examination.nodes.filter(({ id, cause }) => here.has(id) && cause !== "unasked");
  if (asked.length === 0) return undefined;
  const bad = asked.filter(({ ok }) => !ok).length;
  return bad === 0 ? "well" : bad === asked.length ? "down" : "partly";
}

function nodeState(id: string, seen: Seen, examination: Examination | undefined): string | undefined {
  if (!seen.nodes.some((node) => node.id === id)) return GONE;
  const asked = examination?.nodes.find((node) => node.id === id);
  if (asked === undefined || asked.cause === "unasked") return undefined;
  return asked.ok ? "well" : "down";
}

export interface Progress {
  readonly there: number;
  readonly of: number;
  readonly done: boolean;
}

/** How many nodes run a version that is like the pattern. */
export function progressOf(until: string, { nodes }: Seen): Progress {
  const there = nodes.filter(({ version }) => versionLike(version, until)).length;
  return { there, of: nodes.length, done: nodes.length > 0 && there === nodes.length };
}

/** What it waits for has come. */
export function isThere(watch: Pick<Watch, "kind" | "until">, state: string): boolean {
  if (watch.until === undefined) return false;
  return watch.kind === "version" ? state === "done" : state === "well";
}
