import type { ServiceNode } from "../registry/registry.ts";
import { noNodeLeft, type Selector } from "./selector.ts";

export interface StaticInit {
  /** Put behind the name: `greeter` is looked for at `greeter.svc.cluster.local`. */
  readonly domain?: string;
  /** For a name that brings none. @default 8080 */
  readonly port?: number;
}

/**
 * The service's name is its address, as behind the services of Kubernetes: nobody is asked. Its node carries no metadata, so
 * it is spoken to in the envelopes of 2016, as Go's clients do (`wire.md §4.3`, §10).
 */
export function staticSelector(init: StaticInit = {}): Selector {
  return {
    select: (service, options = {}) => {
      const node = staticNode(service, init);
      if (!options.exclude?.has(node.id)) return node;
      return Promise.reject(noNodeLeft(service));
    },
    mark: () => {},
  };
}

function staticNode(service: string, { domain, port = 8080 }: StaticInit): ServiceNode {
  const hasPort = /:\d+$/.test(service);
  const address = hasPort ? service : `${service}${domain ? `.${domain}` : ""}:${port}`;
  return { id: address, address, metadata: {} };
}
