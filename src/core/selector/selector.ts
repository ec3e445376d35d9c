import { MicroError } from "../errors.ts";
import type { CallOptions } from "../lifecycle.ts";
import type { ServiceNode, ServiceRecord } from "../registry/registry.ts";

/** Made once per service; called for every pick with the nodes that are live now (never none). */
export type Strategy = () => (nodes: readonly ServiceNode[]) => ServiceNode;

/** Narrows what may be picked: by version, label, endpoint. */
export type Filter = (versions: readonly ServiceRecord[]) => readonly ServiceRecord[];

export interface SelectOptions extends CallOptions {
  readonly filters?: readonly Filter[];
  /** Ids of nodes that this call has tried already. */
  readonly exclude?: ReadonlySet<string>;
}

/** In an error's details: the service is known, and none of its nodes may be chosen. */
export const NO_NODE_LEFT = "noNodeLeft";

/** What `select` throws then. */
export function noNodeLeft(service: string): MicroError {
  return new MicroError("unavailable", `${service} has no node left to call`, { details: { [NO_NODE_LEFT]: true } });
}

/** Chooses the node that a call goes to. */
export interface Selector {
  /**
   * One node for one attempt, at once if it is known at once. Nodes that are no RPC servers (broker and web nodes,
   * `wire.md §11` trap 15) are never chosen.
   * @throws MicroError `not_found` (no such service), `unavailable` (`noNodeLeft`, or nobody can be asked)
   */
  select(service: string, options?: SelectOptions): ServiceNode | Promise<ServiceNode>;
  /** How it went; a node that failed is avoided for a while (default 10000 ms) as long as another one is left. */
  mark(service: string, node: ServiceNode, outcome: "ok" | "failed"): void;
}
