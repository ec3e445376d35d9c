import { type Clock, systemClock } from "../clock.ts";
import { MicroError } from "../errors.ts";
import type { Registry, ServiceNode, ServiceRecord } from "../registry/registry.ts";
import type { Selector, Strategy } from "./selector.ts";
import { random } from "./strategies.ts";

export interface SelectorInit {
  /** @default random */
  readonly strategy?: Strategy;
  /** How long a node that failed is avoided. @default 10000 */
  readonly avoidMs?: number;
}

/** How many services and failed nodes it remembers at most. */
const MAX_REMEMBERED = 10_000;

/** Chooses among the nodes that the registry knows. Put a cache in front of the registry: it is asked for every choice. */
export function defaultSelector(
  init: SelectorInit = {},
): (parts: { readonly registry: Registry; readonly clock?: Clock }) => Selector {
  const { strategy = random, avoidMs = 10_000 } = init;
  return ({ registry, clock = systemClock }) => {
    /** Records are immutable, so what follows from them is worked out once. */
    const flat = new WeakMap<readonly ServiceRecord[], readonly ServiceNode[]>();
    const picks = new Map<string, (nodes: readonly ServiceNode[]) => ServiceNode>();
    /** Until when (epoch ms) a node is avoided, by its id. */
    const failed = new Map<string, number>();

    const nodesOf = (versions: readonly ServiceRecord[]): readonly ServiceNode[] => {
      let nodes = flat.get(versions);
      if (nodes === undefined) {
        nodes = versions.flatMap((record) => record.nodes).filter(speaksRpc);
        flat.set(versions, nodes);
      }
      return nodes;
    };
    const pickOf = (service: string) => {
      let pick = picks.get(service);
      if (pick === undefined) {
        pick = strategy();
        if (picks.size >= MAX_REMEMBERED) picks.clear();
        picks.set(service, pick);
      }
      return pick;
    };
    const usable = (nodes: readonly ServiceNode[], exclude: ReadonlySet<string> | undefined) => {
      const untried = exclude?.size ? nodes.filter((node) => !exclude.has(node.id)) : nodes;
      if (failed.size === 0) return untried;
      const now = clock.now();
      const well = untried.filter((node) => (failed.get(node.id) ?? 0) <= now);
      return well.length > 0 ? well : untried;
    };

    return {
      select: async (service, options = {}) => {
        let versions = await registry.get(service, options);
        for (const filter of options.filters ?? []) versions = filter(versions);
        const nodes = usable(nodesOf(versions), options.exclude);
        if (nodes.length === 0) throw new MicroError("unavailable", `${service} has no node left to call`);
        return pickOf(service)(nodes);
      },
      mark: (_service, node, outcome) => {
        if (outcome === "ok") {
          if (failed.size > 0) failed.delete(node.id);
          return;
        }
        const now = clock.now();
        if (failed.size >= MAX_REMEMBERED) {
          for (const [id, until] of failed) if (until <= now) failed.delete(id);
          if (failed.size >= MAX_REMEMBERED) failed.clear();
        }
        failed.set(node.id, now + avoidMs);
      },
    };
  };
}

/**
 * Nodes of an HTTP broker and of plain web services stand in the same registry, some under an RPC service's name; calling
 * them as RPC breaks both (`wire.md §11` trap 15).
 */
function speaksRpc({ metadata }: ServiceNode): boolean {
  if (metadata["server"] === "http") return false;
  return !(metadata["broker"] === "http" && metadata["topic"] !== undefined && metadata["server"] === undefined);
}
