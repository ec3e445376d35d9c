import type { ServiceNode } from "../registry/registry.ts";
import type { Strategy } from "./selector.ts";

/** Each node as likely as any other, whatever its version (`wire.md §10`). */
export const random: Strategy = () => anyOf;

function anyOf(nodes: readonly ServiceNode[]): ServiceNode {
  return nodes[Math.floor(Math.random() * nodes.length)] as ServiceNode;
}

/** One after another, beginning anywhere, so that many clients do not begin with the same. */
export const roundRobin: Strategy = () => {
  let turn = Math.floor(Math.random() * 1_000_000);
  return (nodes) => nodes[turn++ % nodes.length] as ServiceNode;
};
