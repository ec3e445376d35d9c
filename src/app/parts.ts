import type { Broker } from "../core/broker/broker.ts";
import type { Client } from "../core/client/client.ts";
import type { Clock } from "../core/clock.ts";
import { orAbort } from "../core/deadline.ts";
import type { CallOptions } from "../core/lifecycle.ts";
import type { Log } from "../core/log.ts";
import type { Registry } from "../core/registry/registry.ts";
import type { Strategy } from "../core/selector/selector.ts";
import type { Transport } from "../core/transport/transport.ts";
import type { Input } from "../inputs/input.ts";
import type { SlackInit } from "../inputs/slack/slack.ts";
import type { TerminalInit } from "../inputs/terminal/terminal.ts";
import type { GlobalSettings } from "./settings.ts";

/** What every part may use. */
export interface Tools {
  readonly clock: Clock;
  readonly log: Log;
}

/** Where services are registered, by the name that `--registry` knows. */
export const REGISTRIES = {
  mdns: async (addresses: readonly string[], tools: Tools): Promise<Registry> => {
    const { mdnsRegistry } = await import("../core/registry/mdns.ts");
    return mdnsRegistry({ addresses })(tools);
  },
  consul: async (addresses: readonly string[], tools: Tools): Promise<Registry> => {
    const { consulRegistry } = await import("../core/registry/consul.ts");
    return consulRegistry({ addresses })(tools);
  },
  memory: async (_addresses: readonly string[], tools: Tools): Promise<Registry> => {
    const { memoryRegistry } = await import("../core/registry/memory.ts");
    return memoryRegistry()(tools);
  },
} as const;

/** How a node is chosen. */
export const SELECTORS = {
  random: async (): Promise<Strategy> => (await import("../core/selector/strategies.ts")).random,
  roundrobin: async (): Promise<Strategy> => (await import("../core/selector/strategies.ts")).roundRobin,
} as const;

/** How calls travel. */
export const TRANSPORTS = {
  http: async (): Promise<Transport> => (await import("../core/transport/http.ts")).httpTransport(),
  memory: async (): Promise<Transport> => (await import("../core/transport/memory.ts")).memoryTransport(),
} as const;

/** How messages to topics travel. */
export const BROKERS = {
  http: async ({ registry }: BrokerParts, [address = ":0"]: readonly string[], tools: Tools): Promise<Broker> => {
    const { httpBroker } = await import("../core/broker/http.ts");
    return httpBroker({ address })({ registry, ...tools });
  },
  memory: async (_parts: BrokerParts, _addresses: readonly string[], tools: Tools): Promise<Broker> => {
    const { memoryBroker } = await import("../core/broker/memory.ts");
    return memoryBroker()(tools);
  },
} as const;

export interface BrokerParts {
  /** Where subscribers are registered, for brokers without a server. */
  readonly registry: Registry;
}

/** Chat networks. */
export const INPUTS = {
  terminal: async (init: InputInit, tools: Tools): Promise<Input> => {
    const { terminalInput } = await import("../inputs/terminal/terminal.ts");
    return terminalInput(init.terminal)(tools);
  },
  slack: async (init: InputInit, tools: Tools): Promise<Input> => {
    const { slackInput } = await import("../inputs/slack/slack.ts");
    return slackInput(init.slack)(tools);
  },
} as const;

export interface InputInit {
  readonly terminal: TerminalInit;
  readonly slack: SlackInit;
}

/** Makes what commands run with, out of settings; a test makes its own. */
export interface Makers {
  registry(settings: GlobalSettings, tools: Tools): Promise<Registry>;
  transport(settings: GlobalSettings): Promise<Transport>;
  /** Not started. */
  broker(parts: BrokerParts, settings: GlobalSettings, tools: Tools): Promise<Broker>;
  client(parts: ClientParts, settings: GlobalSettings, tools: Tools): Promise<Client>;
}

export interface ClientParts {
  /** Where services are looked up. */
  readonly registry: Registry;
  readonly transport: Transport;
}

export const makers: Makers = {
  registry: (settings, tools) =>
    REGISTRIES[settings.registry as keyof typeof REGISTRIES](settings.registry_address, tools),
  transport: (settings) => TRANSPORTS[settings.transport as keyof typeof TRANSPORTS](),
  broker: (parts, settings, tools) =>
    BROKERS[settings.broker as keyof typeof BROKERS](parts, settings.broker_address, tools),
  client: async ({ registry, transport }, settings, { clock }) => {
    const [strategy, { defaultSelector }, { rpcClient }] = await Promise.all([
      SELECTORS[settings.selector as keyof typeof SELECTORS](),
      import("../core/selector/default.ts"),
      import("../core/client/rpc.ts"),
    ]);
    return rpcClient({
      timeoutMs: settings.client_request_timeout,
      retries: settings.client_retries,
      poolSize: settings.client_pool_size,
      poolTtlMs: settings.client_pool_ttl,
      name: settings.server_name,
    })({ transport, selector: defaultSelector({ strategy })({ registry, clock }), clock });
  },
};

/** A client that is made when it is first wanted: `list services` never wants one. */
export function lazyClient(make: () => Promise<Client>): Client {
  const layers: Parameters<Client["use"]>[0][] = [];
  let made: Promise<Client> | undefined;
  const client = () => {
    made ??= make().then((ready) => {
      for (const layer of layers) ready.use(layer);
      return ready;
    });
    return made;
  };
  return {
    call: async (...args) => (await client()).call(...args),
    request: async (...args) => (await client()).request(...args),
    open: async (...args) => (await client()).open(...args),
    stream: async (...args) => (await client()).stream(...args),
    use: (layer) => void layers.push(layer),
    close: async () => (await made)?.close(),
  };
}

/** A broker that is made and started when it is first wanted, and tried again when it could not be. */
export function lazyBroker(kind: string, make: () => Promise<Broker>): Broker {
  let made: Broker | undefined;
  let starting: Promise<Broker> | undefined;
  const begin = async (): Promise<Broker> => {
    try {
      made ??= await make();
      await made.start();
      return made;
    } catch (error) {
      starting = undefined;
      throw error;
    }
  };
  // Who gives up waits no longer; the others go on.
  const broker = async ({ signal }: CallOptions = {}): Promise<Broker> => {
    starting ??= begin();
    return signal ? orAbort(starting, signal) : starting;
  };
  return {
    kind,
    get where() {
      return made?.where ?? kind;
    },
    start: async () => {},
    stop: async () => {
      await starting?.catch(() => {});
      await made?.stop();
    },
    publish: async (topic, message, options) => (await broker(options)).publish(topic, message, options),
    subscribe: async (topic, handler, options) => (await broker(options)).subscribe(topic, handler, options),
  };
}
