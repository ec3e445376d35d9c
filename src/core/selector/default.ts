import { type Clock, systemClock } from "../clock.ts";
import type { Registry, ServiceNode, ServiceRecord } from "../registry/registry.ts";
import { type Filter, noNodeLeft, type SelectOptions, type Selector, type Strategy } from "./selector.ts";
import { random } from "./strategies.ts";

export interface SelectorInit {
  /** @default random */
  readonly strategy?: Strategy;
  /** How long a node that failed is avoided. @default 10000 */
  readonly avoidMs?: number;
  /** How many times in a row it must fail for that. @default 1 */
  readonly avoidAfter?: number;
  /** Around every choice, before those of the call. */
  readonly filters?: readonly Filter[];
}

/** Go's `blacklist` plugin: three failures in a row, forgotten half a minute after the last (`wire.md §10`). */
export const BLACKLIST: SelectorInit = { avoidAfter: 3, avoidMs: 30_000 };

/** How many services and failed nodes it remembers at most. */
const MAX_REMEMBERED = 20_000;

/** What was worked out for a service. */
interface Known {
  readonly versions: readonly ServiceRecord[];
  readonly nodes: readonly ServiceNode[];
  readonly pick: (nodes: readonly ServiceNode[]) => ServiceNode;
}

/** Chooses among the nodes that the registry knows. Put a cache in front of the registry: it is asked for every choice. */
export function defaultSelector(
  init: SelectorInit = {},
): (parts: { readonly registry: Registry; readonly clock?: Clock }) => Selector {
  const { strategy = random, avoidMs = 10_000, avoidAfter = 1, filters: always = [] } = init;
  return ({ registry, clock = systemClock }) => {
    const known = new Map<string, Known>();
    /** How often a node failed in a row, and until when (epoch ms) that counts; by its id. */
    const failed = new Map<string, { times: number; until: number }>();

    /** Records are immutable, so what follows from them is worked out once. */
    const knownOf = (service: string, versions: readonly ServiceRecord[]): Known => {
      let found = known.get(service);
      if (found?.versions === versions) return found;
      if (found === undefined && known.size >= MAX_REMEMBERED) known.clear();
      found = { versions, nodes: nodesOf(always.reduce(narrow, versions)), pick: found?.pick ?? strategy() };
      known.set(service, found);
      return found;
    };
    const usable = (nodes: readonly ServiceNode[], exclude: ReadonlySet<string> | undefined) => {
      const untried = exclude?.size ? nodes.filter((node) => !exclude.has(node.id)) : nodes;
      if (failed.size === 0) return untried;
      const now = clock.now();
      const well = untried.filter((node) => {
        const failures = failed.get(node.id);
        return failures === undefined || failures.until <= now || failures.times < avoidAfter;
      });
      return well.length > 0 ? well : untried;
    };

    const choose = (service: string, versions: readonly ServiceRecord[], { filters, exclude }: SelectOptions) => {
      const { nodes: all, pick } = knownOf(service, versions);
      const wanted = filters?.length ? nodesOf([...always, ...filters].reduce(narrow, versions)) : all;
      const nodes = usable(wanted, exclude);
      if (nodes.length > 0) return pick(nodes);
      return Promise.reject(noNodeLeft(service));
    };

    return {
      select: (service, options = {}) => {
        const versions = registry.peek?.(service);
        if (versions === undefined)
          return registry.get(service, options).then((found) => choose(service, found, options));
        return choose(service, versions, options);
      },
      mark: (_service, node, outcome) => {
        if (outcome === "ok") {
          if (failed.size > 0) failed.delete(node.id);
          return;
        }
        const now = clock.now();
        if (failed.size >= MAX_REMEMBERED) {
          for (const [id, { until }] of failed) if (until <= now) failed.delete(id);
          if (failed.size >= MAX_REMEMBERED) failed.clear();
        }
        const before = failed.get(node.id);
        const times = before && before.until > now ? before.times + 1 : 1;
        failed.set(node.id, { times, until: now + avoidMs });
      },
    };
  };
}

function narrow(versions: readonly ServiceRecord[], filter: Filter): readonly ServiceRecord[] {
  return filter(versions);
}

function nodesOf(versions: readonly ServiceRecord[]): readonly ServiceNode[] {
  return versions.flatMap((record) => record.nodes).filter(speaksRpc);
}

/**
 * Nodes of an HTTP broker and of plain web services stand in the same registry, some under an RPC service's name; calling
 * them as RPC breaks both (`wire.md §11` trap 15).
 */
function speaksRpc({ metadata }: ServiceNode): boolean {
  if (metadata["server"] === "http") return false;
  return !(metadata["broker"] === "http" && metadata["topic"] !== undefined && metadata["server"] === undefined);
}
