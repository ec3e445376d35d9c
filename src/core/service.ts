import type { z } from "zod";
import type { Broker, BrokerEvent } from "./broker/broker.ts";
import type { Client, Endpoint } from "./client/client.ts";
import { type RpcClientInit, rpcClient } from "./client/rpc.ts";
import { type Clock, systemClock } from "./clock.ts";
import { deadline, orAbort } from "./deadline.ts";
import type { Startable } from "./lifecycle.ts";
import { type Log, silent } from "./log.ts";
import { cached } from "./registry/cache.ts";
import { mdnsRegistry } from "./registry/mdns.ts";
import type { Registry } from "./registry/registry.ts";
import { defaultSelector } from "./selector/default.ts";
import type { Selector } from "./selector/selector.ts";
import type { Door } from "./server/door.ts";
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
  /** For `subscribe` and for what the service publishes. The service starts and stops it. */
  readonly broker?: Broker | undefined;
  /** How calls come in; `grpcDoor()` for a fleet of 2020. @default go-micro's own RPC over the transport */
  readonly door?: Door;
  /** How nodes are reached that name another transport than the service's own. */
  readonly transports?: Readonly<Record<string, () => Promise<Transport>>>;
  readonly client?: RpcClientInit;
  readonly clock?: Clock;
  readonly log?: Log;
}

/** A service: it answers, it calls, and it is registered from `start()` to `stop()`. */
export interface Service extends Startable {
  readonly client: Client;
  readonly server: Server;
  readonly registry: Registry;
  readonly broker: Broker | undefined;
  /** Short for `server.handle`. */
  handle<I extends z.ZodType, O extends z.ZodType>(
    to: Endpoint<I, O>,
    handler: (input: z.output<I>, context: CallContext) => Promise<z.input<O>> | z.input<O>,
  ): void;
  /** Short for `server.handleStream`. */
  handleStream: Server["handleStream"];
  /** Short for `server.subscribe`. */
  subscribe(
    topic: string,
    handler: (event: BrokerEvent) => void | Promise<void>,
    options?: { readonly queue?: string; readonly name?: string },
  ): void;
}

/** Keeps the types of an endpoint's schemas for whoever serves and whoever calls it. */
export function defineEndpoint<I extends z.ZodType, O extends z.ZodType>(endpoint: Endpoint<I, O>): Endpoint<I, O> {
  return endpoint;
}

/** Puts a service together; what is not given is filled in here and nowhere else. */
export function createService(init: ServiceInit): Service {
  const { clock = systemClock, log = silent, transport = httpTransport(), broker, transports, door } = init;
  const registry = init.registry ?? cached(mdnsRegistry()({ clock }), { clock, log });
  const selector = init.selector ?? defaultSelector()({ registry, clock });
  const client = rpcClient({ name: init.name, ...init.client })({
    transport,
    ...(transports === undefined ? {} : { transports }),
    selector,
    clock,
  });
  const server = rpcServer(init)({
    transport,
    registry,
    ...(broker === undefined ? {} : { broker }),
    ...(door === undefined ? {} : { door }),
    clock,
    log,
  });
  return {
    client,
    server,
    registry,
    broker,
    handle: server.handle,
    handleStream: server.handleStream,
    subscribe: server.subscribe,
    start: async (options = {}) => {
      using limit = deadline(options, 0, `starting ${init.name}`);
      const { signal } = limit;
      try {
        await registry.start({ signal });
        await broker?.start({ signal });
        await orAbort(server.start({ signal }), signal);
      } catch (error) {
        if (signal.aborted) await server.stop();
        await broker?.stop();
        await registry.stop();
        throw error;
      }
    },
    stop: async () => {
      const failures: unknown[] = [];
      const parts = [() => server.stop(), () => client.close(), () => broker?.stop(), () => registry.stop()];
      // One that fails leaves none of the others open.
      for (const stop of parts) await Promise.resolve(stop()).catch((error: unknown) => failures.push(error));
      if (failures.length > 0) throw failures[0];
    },
  };
}
