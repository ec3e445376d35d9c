import { join } from "node:path";
import type { Broker } from "../core/broker/broker.ts";
import type { Clock } from "../core/clock.ts";
import { MicroError } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import type { Registry } from "../core/registry/registry.ts";
import { byVersion, preferLabels } from "../core/selector/filters.ts";
import type { Filter, Selector, Strategy } from "../core/selector/selector.ts";
import type { Door } from "../core/server/door.ts";
import type { Transport } from "../core/transport/transport.ts";
import type { Kv } from "../platform/kv/kv.ts";

/** What every part may use. */
export interface Tools {
  readonly clock: Clock;
  readonly log: Log;
}

type Addresses = readonly string[];

/* Everything that can be chosen by name. A part is loaded when it is chosen, so that nobody pays for the others. */

/** Where services are registered, by the name that `--registry` knows. */
export const REGISTRIES = {
  mdns: async (addresses: Addresses, tools: Tools): Promise<Registry> => {
    const { mdnsRegistry } = await import("../core/registry/mdns.ts");
    return mdnsRegistry({ addresses })(tools);
  },
  consul: async (addresses: Addresses, tools: Tools): Promise<Registry> => {
    const { consulRegistry } = await import("../core/registry/consul.ts");
    return consulRegistry({ addresses })(tools);
  },
  etcd: async (addresses: Addresses, tools: Tools): Promise<Registry> => {
    const { etcdRegistry } = await import("../core/registry/etcd.ts");
    const { ETCD_USERNAME: username, ETCD_PASSWORD: password } = process.env;
    return etcdRegistry({ addresses, ...(username && password ? { username, password } : {}) })(tools);
  },
  nats: async (addresses: Addresses, tools: Tools): Promise<Registry> => {
    const { natsRegistry } = await import("../core/registry/nats.ts");
    return natsRegistry({ addresses })(tools);
  },
  kubernetes: async (addresses: Addresses, tools: Tools): Promise<Registry> => {
    const { kubernetesRegistry } = await import("../core/registry/kubernetes.ts");
    const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port = "443" } = process.env;
    const inside = host ? [`https://${host.includes(":") ? `[${host}]` : host}:${port}`] : [];
    return kubernetesRegistry({ addresses: addresses.length > 0 ? addresses : inside })(tools);
  },
  zookeeper: async (addresses: Addresses, tools: Tools): Promise<Registry> => {
    const { zookeeperRegistry } = await import("../core/registry/zookeeper.ts");
    return zookeeperRegistry({ addresses })(tools);
  },
  gossip: async (addresses: Addresses, tools: Tools): Promise<Registry> => {
    const { gossipRegistry } = await import("../core/registry/gossip.ts");
    return gossipRegistry({ addresses, ...(addresses.length > 0 ? {} : { bind: "0.0.0.0:0" }) })(tools);
  },
  proxy: async (addresses: Addresses, tools: Tools): Promise<Registry> => {
    const { proxyRegistry } = await import("../core/registry/proxy.ts");
    return proxyRegistry({ addresses })(tools);
  },
  memory: async (_addresses: Addresses, tools: Tools): Promise<Registry> => {
    const { memoryRegistry } = await import("../core/registry/memory.ts");
    return memoryRegistry()(tools);
  },
} as const;

/** What a selector is made with. */
export interface SelectorParts extends Tools {
  readonly registry: Registry;
  /** `--selector_label`, `--selector_version`, `--selector_domain`. */
  readonly labels: Readonly<Record<string, string>>;
  readonly version: string;
  readonly domain: string;
}

async function fromRegistry(
  parts: SelectorParts,
  init: { readonly strategy?: Strategy; readonly filters?: readonly Filter[]; readonly blacklist?: true } = {},
): Promise<Selector> {
  const { BLACKLIST, defaultSelector } = await import("../core/selector/default.ts");
  const { blacklist, ...rest } = init;
  return defaultSelector({ ...(blacklist ? BLACKLIST : {}), ...rest })(parts);
}

/** How a node is chosen. */
export const SELECTORS = {
  random: (parts: SelectorParts) => fromRegistry(parts),
  roundrobin: async (parts: SelectorParts) =>
    fromRegistry(parts, { strategy: (await import("../core/selector/strategies.ts")).roundRobin }),
  blacklist: (parts: SelectorParts) => fromRegistry(parts, { blacklist: true }),
  label: (parts: SelectorParts) => fromRegistry(parts, { filters: [preferLabels(parts.labels)] }),
  version: (parts: SelectorParts) => fromRegistry(parts, { filters: [byVersion(parts.version)] }),
  static: async ({ domain }: SelectorParts): Promise<Selector> => {
    const { staticSelector } = await import("../core/selector/static.ts");
    return staticSelector(domain === "" ? {} : { domain });
  },
  dns: async ({ domain, clock }: SelectorParts): Promise<Selector> => {
    const { dnsSelector } = await import("../core/selector/dns.ts");
    return dnsSelector(domain === "" ? {} : { domain })({ clock });
  },
} as const;

/** Of whoever is spoken to with TLS. */
export interface Secure {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly insecureSkipVerify?: boolean;
}

/** How calls travel. */
export const TRANSPORTS = {
  http: async (_addresses: Addresses, tls: Secure | undefined): Promise<Transport> => {
    const { httpTransport } = await import("../core/transport/http.ts");
    return httpTransport(tls === undefined ? {} : { tls });
  },
  nats: async (addresses: Addresses): Promise<Transport> => {
    const { natsTransport } = await import("../core/transport/nats.ts");
    return natsTransport({ addresses });
  },
  rabbitmq: async (addresses: Addresses): Promise<Transport> => {
    const { rabbitmqTransport } = await import("../core/transport/rabbitmq.ts");
    return rabbitmqTransport({ addresses });
  },
  grpc: async (): Promise<Transport> => {
    const { grpcTransport } = await import("../core/transport/grpc.ts");
    return grpcTransport();
  },
  memory: async (): Promise<Transport> => {
    const { memoryTransport } = await import("../core/transport/memory.ts");
    return memoryTransport();
  },
} as const;

/** How messages to topics travel. */
export const BROKERS = {
  http: async ({ registry }: BrokerParts, [address = ":0"]: Addresses, tools: Tools): Promise<Broker> => {
    const { httpBroker } = await import("../core/broker/http.ts");
    return httpBroker({ address })({ registry, ...tools });
  },
  nats: async (_parts: BrokerParts, addresses: Addresses, tools: Tools): Promise<Broker> => {
    const { natsBroker } = await import("../core/broker/nats.ts");
    return natsBroker({ addresses })(tools);
  },
  rabbitmq: async (_parts: BrokerParts, addresses: Addresses, tools: Tools): Promise<Broker> => {
    const { rabbitmqBroker } = await import("../core/broker/rabbitmq.ts");
    return rabbitmqBroker({ addresses })(tools);
  },
  kafka: async (_parts: BrokerParts, addresses: Addresses, tools: Tools): Promise<Broker> => {
    const { kafkaBroker } = await import("../core/broker/kafka.ts");
    return kafkaBroker({ addresses })(tools);
  },
  redis: async (_parts: BrokerParts, addresses: Addresses, tools: Tools): Promise<Broker> => {
    const { redisBroker } = await import("../core/broker/redis.ts");
    return redisBroker({ addresses })(tools);
  },
  mqtt: async (_parts: BrokerParts, addresses: Addresses, tools: Tools): Promise<Broker> => {
    const { mqttBroker } = await import("../core/broker/mqtt.ts");
    return mqttBroker({ addresses })(tools);
  },
  memory: async (_parts: BrokerParts, _addresses: Addresses, tools: Tools): Promise<Broker> => {
    const { memoryBroker } = await import("../core/broker/memory.ts");
    return memoryBroker()(tools);
  },
} as const;

export interface BrokerParts {
  /** Where subscribers are registered, for brokers without a server. */
  readonly registry: Registry;
}

/** What a store is made with. */
export interface StoreParts extends Tools {
  /** Of this bot alone; a store in a file is there unless an address says otherwise. */
  readonly stateDir: string;
  /** `--store_replicas`: on how many of its servers the store keeps everything, where it is asked. */
  readonly replicas: number;
}

/** Where several bots keep what they must agree on, by the name that `--store` knows. */
export const STORES = {
  sqlite: async ([path]: Addresses, { clock, stateDir }: StoreParts): Promise<Kv> => {
    const { sqliteKv } = await import("../platform/kv/sqlite.ts");
    return sqliteKv({ path: path ?? join(stateDir, "store.sqlite"), clock });
  },
  memory: async (): Promise<Kv> => {
    const { memoryKv } = await import("../platform/kv/memory.ts");
    return memoryKv();
  },
  nats: async (addresses: Addresses, { clock, replicas }: StoreParts): Promise<Kv> => {
    const { natsKv } = await import("../platform/kv/nats.ts");
    return natsKv({ addresses, replicas, clock });
  },
  etcd: async (addresses: Addresses, { clock }: StoreParts): Promise<Kv> => {
    const { etcdKv } = await import("../platform/kv/etcd.ts");
    const { ETCD_USERNAME: username, ETCD_PASSWORD: password } = process.env;
    return etcdKv({ addresses, clock, ...(username && password ? { username, password } : {}) });
  },
  consul: async (addresses: Addresses, { clock }: StoreParts): Promise<Kv> => {
    const { consulKv } = await import("../platform/kv/consul.ts");
    const { CONSUL_HTTP_TOKEN: token } = process.env;
    return consulKv({ addresses, clock, ...(token ? { token } : {}) });
  },
  postgres: async ([address, ...others]: Addresses, { clock }: StoreParts): Promise<Kv> => {
    if (others.length > 0) {
      throw new MicroError("invalid_argument", "--store_address takes one address of PostgreSQL, the primary's");
    }
    const { postgresKv } = await import("../platform/kv/postgres.ts");
    return postgresKv({ clock, ...(address === undefined ? {} : { address }) });
  },
} as const;

/** How nodes are spoken to that do not say it. `rpc` is what the profile was called until 2019. */
export const CLIENTS = { mucp: "mucp", rpc: "mucp", grpc: "grpc" } as const;

/** How the bot answers calls. `undefined`: go-micro's own RPC over the transport. */
export const SERVERS = {
  mucp: async (): Promise<Door | undefined> => undefined,
  rpc: async (): Promise<Door | undefined> => undefined,
  grpc: async (): Promise<Door | undefined> => (await import("../core/server/grpc.ts")).grpcDoor(),
} as const;

/**
 * Out of a list of addresses those of one kind: `consul@10.0.0.1:8500` is Consul's, whatever else is chosen, and one without
 * a name belongs to the kind that was chosen alone.
 */
export function addressesOf(kind: string, kinds: object, addresses: Addresses, alone: boolean): Addresses {
  return addresses.flatMap((address) => {
    const at = address.indexOf("@");
    const named = at > 0 && Object.hasOwn(kinds, address.slice(0, at));
    if (!named) return alone ? [address] : [];
    return address.slice(0, at) === kind ? [address.slice(at + 1)] : [];
  });
}
