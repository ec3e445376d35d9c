import type { ExaminedNode } from "./examination.ts";
import { type LastNode, MOST_LAST_NODES } from "./last.ts";

/** For how long a node that left is told of, and for how long it is remembered. */
const GONE_MS = 3_600_000;

/** What is known of nodes by what was known before. */
export interface Compared {
  readonly nodes: readonly ExaminedNode[];
  /** Those that were there before and have not been for an hour at most. */
  readonly gone: readonly LastNode[];
  /** What is to be known next time; `undefined`: all is as it was. */
  readonly news: readonly LastNode[] | undefined;
}

/** @param at epoch ms: when they were asked */
export function compared(
  asked: readonly Omit<ExaminedNode, "since" | "before">[],
  known: readonly LastNode[] | undefined,
  at: number,
): Compared {
  const before = new Map(known?.map((node) => [node.id, node]));
  const nodes = asked.map((node): ExaminedNode => {
    const was = before.get(node.id);
    const same = was !== undefined && was.ok === node.ok && was.goneAt === undefined;
    return { ...node, since: same ? was.since : at, before: was !== undefined };
  });
  const here = new Set(nodes.map(({ id }) => id));
  const gone = [...before.values()]
    .filter(({ id }) => !here.has(id))
    .map((node) => ({ ...node, goneAt: node.goneAt ?? at }))
    .filter(({ goneAt }) => at - goneAt < GONE_MS);
  const now = [...nodes.map(lastOf), ...gone].slice(0, MOST_LAST_NODES);
  return { nodes, gone, news: isNews(now, before) ? now : undefined };
}

function lastOf({ id, address, version, ok, cause, since }: ExaminedNode): LastNode {
  return { id, address, version, ok, ...(cause && { cause }), since };
}

/** Whether anything is to be written down: not that all is as it was. */
function isNews(now: readonly LastNode[], before: ReadonlyMap<string, LastNode>): boolean {
  if (now.length !== before.size) return true;
  return now.some(({ id, ok, since, goneAt }) => {
    const was = before.get(id);
    return was === undefined || was.ok !== ok || was.since !== since || was.goneAt !== goneAt;
  });
}
