import type { ErrorRecord } from "../wire/error.ts";
import { type Cause, detailOf, groupOf } from "./cause.ts";
import type { LastNode } from "./last.ts";

/** A node and how it was when it was asked. */
export interface ExaminedNode {
  readonly id: string;
  readonly address: string;
  readonly version: string;
  readonly ok: boolean;
  /** What it said of itself: `ok`. Empty where it said nothing. */
  readonly status: string;
  /** Of its answer, bad or good; absent where there was none. */
  readonly latencyMs?: number;
  /** Where it is not ok. */
  readonly cause?: Cause;
  /** Where it did not answer, or with an error. */
  readonly error?: ErrorRecord;
  /** Epoch ms, where it tells (`Debug.Stats`, metadata `started`). */
  readonly startedAt?: number;
  /** Epoch ms: since when it has been so, by what was seen before; `at` of the examination where that is nothing. */
  readonly since: number;
  /** It was seen before. */
  readonly before: boolean;
}

/** Nodes that are not well for one cause. */
export interface CauseGroup {
  readonly cause: Cause;
  /** What they said, of `failed` and `unwell`. */
  readonly said: string;
  /** Ids. */
  readonly nodes: readonly string[];
  /** Epoch ms: since when the first of them has been so. */
  readonly since: number;
}

/** How a service is: all its nodes, asked at one time. Survives JSON. */
export interface Examination {
  readonly service: string;
  /** Epoch ms. */
  readonly at: number;
  readonly withinMs: number;
  /** In the registry's order, version by version. */
  readonly nodes: readonly ExaminedNode[];
  /** How many of them are not ok. */
  readonly bad: number;
  /** The one with most nodes first. */
  readonly causes: readonly CauseGroup[];
  /** In the registry's order. */
  readonly versions: readonly { readonly version: string; readonly nodes: number; readonly bad: number }[];
  /** The node that has been up for longest, of those that tell. */
  readonly oldest?: { readonly id: string; readonly startedAt: number };
  /** Nodes that were there before and have not been for an hour at most. */
  readonly gone: readonly LastNode[];
  /** Services that it says it needs (metadata `depends` or `dependencies`: names with commas or blanks between), sorted. */
  readonly depends: readonly string[];
}

/** Nodes that are not well, by their cause; the one with most nodes first. */
export function causesOf(nodes: readonly ExaminedNode[]): readonly CauseGroup[] {
  const groups = new Map<string, { cause: Cause; said: string; nodes: string[]; since: number }>();
  for (const { id, cause, error, status, since } of nodes) {
    if (cause === undefined) continue;
    const said = cause === "unwell" ? status : cause === "failed" && error ? detailOf(error) : "";
    const key = groupOf(cause, said);
    const group = groups.get(key) ?? { cause, said, nodes: [], since };
    group.nodes.push(id);
    group.since = Math.min(group.since, since);
    groups.set(key, group);
  }
  return [...groups.values()].sort((a, b) => b.nodes.length - a.nodes.length);
}

/** Which versions there are, and how many nodes of each are not ok; in the order of the nodes. */
export function versionsOf(nodes: readonly ExaminedNode[]): Examination["versions"] {
  const versions = new Map<string, { version: string; nodes: number; bad: number }>();
  for (const { version, ok } of nodes) {
    const one = versions.get(version) ?? { version, nodes: 0, bad: 0 };
    one.nodes += 1;
    if (!ok) one.bad += 1;
    versions.set(version, one);
  }
  return [...versions.values()];
}

/** The node that has been up for longest, of those that tell. */
export function oldestOf(nodes: readonly ExaminedNode[]): Examination["oldest"] {
  return nodes.reduce<Examination["oldest"]>((old, { id, startedAt }) => {
    if (startedAt === undefined || (old && old.startedAt <= startedAt)) return old;
    return { id, startedAt };
  }, undefined);
}
