import { readFile } from "node:fs/promises";
import type { Broker } from "../core/broker/broker.ts";
import type { Client } from "../core/client/client.ts";
import { orAbort } from "../core/deadline.ts";
import { MicroError } from "../core/errors.ts";
import type { CallOptions } from "../core/lifecycle.ts";
import type { Registry } from "../core/registry/registry.ts";
import type { Door } from "../core/server/door.ts";
import type { Transport } from "../core/transport/transport.ts";
import type { Kv } from "../platform/kv/kv.ts";
import {
  addressesOf,
  BROKERS,
  type BrokerParts,
  CLIENTS,
  REGISTRIES,
  SELECTORS,
  SERVERS,
  type Secure,
  STORES,
  type StoreParts,
  type Tools,
  TRANSPORTS,
} from "./known.ts";
import type { BotSettings, GlobalSettings } from "./settings.ts";

/** Makes what commands run with, out of settings; a test makes its own. */
export interface Makers {
  registry(settings: GlobalSettings, tools: Tools): Promise<Registry>;
  transport(settings: GlobalSettings): Promise<Transport>;
  /** How the bot answers calls; `undefined`: over the transport. */
  door(settings: GlobalSettings): Promise<Door | undefined>;
  /** Not started. */
  broker(parts: BrokerParts, settings: GlobalSettings, tools: Tools): Promise<Broker>;
  client(parts: ClientParts, settings: GlobalSettings, tools: Tools): Promise<Client>;
  /** Not started. @param usual the kind that it is when the settings name none */
  store(usual: keyof typeof STORES, settings: BotSettings, parts: Omit<StoreParts, "replicas">): Promise<Kv>;
}

export interface ClientParts {
  /** Where services are looked up. */
  readonly registry: Registry;
  readonly transport: Transport;
}

export const makers: Makers = {
  registry: async (settings, tools) => {
    const kinds = [...new Set(settings.registry)] as (keyof typeof REGISTRIES)[];
    const made = await Promise.all(
      kinds.map((kind) => {
        const addresses = addressesOf(kind, REGISTRIES, settings.registry_address, kinds.length === 1);
        return REGISTRIES[kind](addresses, tools);
      }),
    );
    if (made.length === 1) return made[0] as Registry;
    const [{ multiRegistry }, { cached }] = await Promise.all([
      import("../core/registry/multi.ts"),
      import("../core/registry/cache.ts"),
    ]);
    return multiRegistry(made.map((registry) => cached(registry, tools)))(tools);
  },
  transport: async (settings) => {
    const kind = settings.transport as keyof typeof TRANSPORTS;
    return TRANSPORTS[kind](addressesOf(kind, TRANSPORTS, settings.transport_address, true), await secureOf(settings));
  },
  door: (settings) => SERVERS[settings.server as keyof typeof SERVERS](),
  broker: (parts, settings, tools) => {
    const kind = settings.broker as keyof typeof BROKERS;
    return BROKERS[kind](parts, addressesOf(kind, BROKERS, settings.broker_address, true), tools);
  },
  client: async ({ registry, transport }, settings, tools) => {
    const { clock } = tools;
    const [selector, { rpcClient }] = await Promise.all([
      SELECTORS[settings.selector as keyof typeof SELECTORS]({
        registry,
        ...tools,
        labels: settings.selector_label,
        version: settings.selector_version,
        domain: settings.selector_domain,
      }),
      import("../core/client/rpc.ts"),
    ]);
    return rpcClient({
      profile: CLIENTS[settings.client as keyof typeof CLIENTS],
      timeoutMs: settings.client_request_timeout,
      retries: settings.client_retries,
      poolSize: settings.client_pool_size,
      poolTtlMs: settings.client_pool_ttl,
      name: settings.server_name,
    })({ transport, transports: otherTransports(settings), selector, clock });
  },
  store: (usual, settings, parts) => {
    const kind = (settings.store || usual) as keyof typeof STORES;
    const addresses = addressesOf(kind, STORES, settings.store_address, true);
    return STORES[kind](addresses, { ...parts, replicas: settings.store_replicas });
  },
};

/** Every transport there is, for nodes that name another one than ours. */
function otherTransports(settings: GlobalSettings): Readonly<Record<string, () => Promise<Transport>>> {
  const kinds = (Object.keys(TRANSPORTS) as (keyof typeof TRANSPORTS)[]).filter((kind) => kind !== "memory");
  return Object.fromEntries(
    kinds.map((kind) => [
      kind,
      async () => {
        const addresses = addressesOf(kind, TRANSPORTS, settings.transport_address, kind === settings.transport);
        return TRANSPORTS[kind](addresses, await secureOf(settings));
      },
    ]),
  );
}

/** @throws MicroError `invalid_argument` for a file that cannot be read */
async function secureOf(settings: GlobalSettings): Promise<Secure | undefined> {
  const { transport_ca: ca, transport_cert: cert, transport_key: key } = settings;
  const files = { ca, cert, key };
  const given = Object.entries(files).filter(([, path]) => path !== "");
  if (!settings.transport_secure && given.length === 0) return undefined;
  const read = await Promise.all(
    given.map(async ([name, path]): Promise<[string, string]> => {
      try {
        return [name, await readFile(path, "utf8")];
      } catch (error) {
        throw new MicroError("invalid_argument", `--transport_${name}: ${(error as Error).message}`, { cause: error });
      }
    }),
  );
  return { ...Object.fromEntries(read), insecureSkipVerify: settings.transport_skip_verify };
}

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
