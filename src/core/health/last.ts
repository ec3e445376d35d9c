import type { Cause } from "./cause.ts";

/** What was last known of a node. */
export interface LastNode {
  readonly id: string;
  readonly address: string;
  readonly version: string;
  readonly ok: boolean;
  /** Where it was not ok. */
  readonly cause?: Cause;
  /** Epoch ms: since when it has been so, by what was seen. */
  readonly since: number;
  /** Epoch ms: when it was first seen not to be registered any more. */
  readonly goneAt?: number;
}

/** The last known health of nodes, so that the next examination can tell since when. Neither method ever rejects. */
export interface LastKnown {
  /** Nodes that are gone among them. Empty: nothing is known of the service. `undefined`: nobody can tell; within 500 ms. */
  of(service: string): Promise<readonly LastNode[] | undefined>;
  /** In the stead of what was known. */
  keep(service: string, nodes: readonly LastNode[]): Promise<void>;
}

/** More nodes of one service are not remembered. */
export const MOST_LAST_NODES = 2000;
/** So many services are remembered in memory, those that were asked for last. */
const MOST_SERVICES = 2000;

/** For as long as the process lives. */
export function memoryLast(): LastKnown {
  const services = new Map<string, readonly LastNode[]>();
  return {
    of: async (service) => services.get(service) ?? [],
    keep: async (service, nodes) => {
      services.delete(service);
      services.set(service, nodes.slice(0, MOST_LAST_NODES));
      for (const oldest of services.keys()) {
        if (services.size <= MOST_SERVICES) break;
        services.delete(oldest);
      }
    },
  };
}
