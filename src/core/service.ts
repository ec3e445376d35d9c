import type { z } from "zod";
import type { Client, Endpoint } from "./client/client.ts";
import { type RpcClientInit, rpcClient } from "./client/rpc.ts";
import { type Clock, systemClock } from "./clock.ts";
import type { Startable } from "./lifecycle.ts";
import { type Log, silent } from "./log.ts";
import { cached } from "./registry/cache.ts";
import { mdnsRegistry } from "./registry/mdns.ts";
import type { Registry } from "./registry/registry.ts";
import { defaultSelector } from "./selector/default.ts";
import type { Selector } from "./selector/selector.ts";
import { type RpcServerInit, rpcServer } from "./server/rpc.ts";
import type { CallContext, Server } from "./server/server.ts";
import { httpTransport } from "./transport/http.ts";
import type { Transport } from "./transport/transport.ts";

export interface ServiceInit extends RpcServerInit {
  /** @default mDNS on every interface, behind a cache. The service starts and stops it. */
  readonly registry?: Registry;
  /** @default HTTP */
  readonly transport?: Transport;
  /** @default random, over the registry */
  readonly selector?: Selector;
  readonly client?: RpcClientInit;
  readonly clock?: Clock;
  readonly log?: Log;
}

/** A service: it answers, it calls, and it is registered from `start()` to `stop()`. */
export interface Service extends Startable {
  readonly client: Client;
  readonly server: Server;
  readonly registry: Registry;
  /** Short for `server.handle`. */
  handle<I extends z.ZodType, O extends z.ZodType>(
    to: Endpoint<I, O>,
    handler: (input: z.output<I>, context: CallContext) => Promise<z.input<O>> | z.input<O>,
  ): void;
}

/** Keeps the types of an endpoint's schemas for whoever serves and whoever calls it. */
export function defineEndpoint<I extends z.ZodType, O extends z.ZodType>(endpoint: Endpoint<I, O>): Endpoint<I, O> {
  return endpoint;
}

/** Puts a service together; what is not given is filled in here and nowhere else. */
export function createService(init: ServiceInit): Service {
  const { clock = systemClock, log = silent, transport = httpTransport() } = init;
  const registry = init.registry ?? cached(mdnsRegistry()({ clock }), { clock, log });
  const selector = init.selector ?? defaultSelector()({ registry, clock });
  const client = rpcClient({ name: init.name, ...init.client })({ transport, selector, clock });
  const server = rpcServer(init)({ transport, registry, clock, log });
  return {
    client,
    server,
    registry,
    handle: server.handle,
    start: async (options) => {
      await registry.start(options);
      try {
        await server.start(options);
      } catch (error) {
        await registry.stop();
        throw error;
      }
    },
    stop: async () => {
      await server.stop();
      await client.close();
      await registry.stop();
    },
  };
}
