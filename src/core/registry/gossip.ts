import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { sharedAbort } from "../abort.ts";
import { type Clock, systemClock } from "../clock.ts";
import { deadline, orAbort } from "../deadline.ts";
import { MicroError } from "../errors.ts";
import { type Log, silent } from "../log.ts";
import { createGossipCipher } from "./gossip-crypt.ts";
import { type GossipPart, type GossipPartInit, openGossipMember } from "./gossip-member.ts";
import { openGossipObserver } from "./gossip-observer.ts";
import { createGossipServices } from "./gossip-services.ts";
import { decodeUpdate, encodeUpdate } from "./gossip-update.ts";
import type { Registry, ServiceRecord } from "./registry.ts";
import { checkRegistrable, notFound } from "./versions.ts";
import { createWatchers } from "./watchers.ts";

export interface GossipRegistryInit {
  /** `host:port` of members to join through; one is enough. */
  readonly addresses: readonly string[];
  /** `host:port` to listen on, UDP and TCP, as a member; port 0 is any. Missing: observes from outside, opening no port. */
  readonly bind?: string | undefined;
  /**
   * 16, 24 or 32 bytes; with it all is encrypted, and who has it not is not heard. Go's `Secure` without a key of its own
   * uses `micro-gossip-key`.
   */
  readonly secretKey?: string | Uint8Array | undefined;
  /** The member's name, which nobody else may have. Default `micro-<hostname>-<uuid>`, as in Go. */
  readonly name?: string | undefined;
  /** How often a peer is asked for all it knows, in ms. Default 30 s for a member, 5 s for an observer, who hears nothing else. */
  readonly pullEveryMs?: number | undefined;
}

/** What was registered without a ttl lives this long in others, and is told again three times as often. */
const DEFAULT_TTL_MS = 60_000;
const REFRESH_EVERY_MS = DEFAULT_TTL_MS / 3;
/** How often what is over is dropped, as in Go, and lost peers are sought. */
const TICK_MS = 1000;
/** For what a peer told without a time, in pulls. */
const PULLS_BELIEVED = 3;
const START_MS = 5000;
/** For the first try to join, within `START_MS`. */
const JOIN_MS = 3000;
/** The state for one who joins; Go takes 20 MiB. */
const MAX_STATE_BYTES = 4 * 1024 * 1024;
const NS_PER_MS = 1_000_000n;

/**
 * Services told from process to process, without any server: Go Micro's gossip registry, which is SWIM by memberlist
 * (`wire.md §2.6`). What is registered stays until its ttl. Without a secret key anybody who reaches the port can add and
 * remove services, as in Go.
 */
export function gossipRegistry(
  init: GossipRegistryInit,
): (parts?: { readonly clock?: Clock; readonly log?: Log }) => Registry {
  const { addresses, bind, secretKey } = init;
  const pullEveryMs = init.pullEveryMs ?? (bind === undefined ? 5000 : 30_000);
  const cipher = secretKey === undefined ? undefined : createGossipCipher(secretKey);
  return ({ clock = systemClock, log = silent } = {}) => {
    const through = addresses.length === 0 ? "" : ` through ${addresses.join(", ")}`;
    const where = bind === undefined ? `gossip${through}` : `gossip on ${bind}${through}`;
    const watchers = createWatchers(where);
    let services = createGossipServices(watchers.publish);
    /** Registered here, by node. */
    const own = new Map<string, Own>();
    let session: Session | undefined;
    let member: GossipPart | undefined;
    let lost: MicroError | undefined;

    const onUpdate = (body: Buffer) => {
      const update = decodeUpdate(body);
      if (update === undefined) return;
      if (update.action === "delete") {
        for (const [key] of byNode(update.service)) {
          own.delete(key);
          member?.forget(key);
        }
        services.remove(update.service, clock.now());
        return;
      }
      const expiresAt = update.expires === 0n ? Number.POSITIVE_INFINITY : Number(update.expires / NS_PER_MS);
      if (expiresAt > clock.now()) services.add(update.service, expiresAt);
    };
    const parts: GossipPartInit = {
      clock,
      log,
      addresses,
      cipher,
      onUpdate: (body) => {
        try {
          onUpdate(body);
        } catch (error) {
          log.debug({ error: MicroError.from(error).message }, "gossip update ignored");
        }
      },
      onState: (peer, state) => {
        const now = clock.now();
        services.replace(peer, state, now + PULLS_BELIEVED * pullEveryMs + TICK_MS, now);
      },
    };
    const localState = () => {
      services.prune(clock.now());
      return services.state(MAX_STATE_BYTES);
    };

    const open = async (signal: AbortSignal): Promise<GossipPart> => {
      // A new one for each start: others do not take back a name that comes from another port.
      const name = init.name ?? `micro-${hostname()}-${randomUUID()}`;
      const part =
        bind === undefined
          ? openGossipObserver(parts)
          : await openGossipMember({ ...parts, name, bind, localState, onLost: (error) => void close(error) });
      member = part;
      try {
        await part.pull({ signal, timeoutMs: JOIN_MS });
        lost = undefined;
      } catch (error) {
        if (bind === undefined || signal.aborted) {
          await part.leave();
          throw error;
        }
        // The others may not be there yet; they are sought from now on.
        log.warn({ error: MicroError.from(error).message }, "no gossip member could be joined yet");
      }
      for (const loop of [keepTrue(part, signal), keepTold(part, signal)]) {
        loop.catch((error: unknown) => {
          if (!signal.aborted) void close(MicroError.from(error));
        });
      }
      return part;
    };
    const close = async (reason: MicroError): Promise<void> => {
      const closing = session;
      session = undefined;
      member = undefined;
      own.clear();
      watchers.end(reason);
      closing?.stopped.abort(reason);
      const part = await closing?.part.catch(() => undefined);
      await part?.leave();
    };
    const keepTrue = async (part: GossipPart, signal: AbortSignal): Promise<void> => {
      let pullAt = clock.now() + pullEveryMs;
      while (!signal.aborted) {
        await clock.sleep(Math.min(TICK_MS, pullEveryMs), { signal });
        services.prune(clock.now());
        const seeking = bind !== undefined && part.alone && addresses.length > 0;
        if (clock.now() < pullAt && !seeking) continue;
        pullAt = clock.now() + pullEveryMs;
        const wasAlone = part.alone;
        await part.pull({ signal }).then(
          async () => {
            lost = undefined;
            if (wasAlone) for (const key of own.keys()) await tellAgain(part, key, signal);
          },
          (error: unknown) => {
            if (signal.aborted || bind !== undefined) return;
            lost = MicroError.from(error);
            watchers.end(lost);
          },
        );
      }
    };
    const keepTold = async (part: GossipPart, signal: AbortSignal): Promise<void> => {
      while (!signal.aborted) {
        await clock.sleep(REFRESH_EVERY_MS, { signal });
        for (const [key, each] of own) {
          if (each.renewed) {
            own.set(key, { ...each, expiresAt: Math.ceil(clock.now() + DEFAULT_TTL_MS) });
            await tellAgain(part, key, signal);
          } else if (each.expiresAt <= clock.now()) own.delete(key);
        }
      }
    };
    /** Tells what was registered here as it stands. @throws MicroError `unavailable` */
    const tell = async (part: GossipPart, key: string, signal: AbortSignal): Promise<void> => {
      const told = own.get(key);
      if (told === undefined || told.expiresAt <= clock.now()) return;
      const { record: service, expiresAt } = told;
      services.add(service, expiresAt);
      const expires = BigInt(expiresAt) * NS_PER_MS;
      await part.broadcast(key, encodeUpdate({ expires, action: "create", service }), { signal });
    };
    /** Who is not reached now is reached the next time. */
    const tellAgain = async (part: GossipPart, key: string, signal: AbortSignal): Promise<void> => {
      await tell(part, key, signal).catch((error: unknown) => {
        if (signal.aborted) throw error;
        log.debug({ error: MicroError.from(error).message }, "a service could not be told again");
      });
    };
    /** Up, and what it knows is not from yesterday. */
    const ready = async (signal: AbortSignal): Promise<GossipPart> => {
      if (session === undefined) throw new MicroError("unavailable", `the registry (${where}) is not started`);
      const part = await orAbort(session.part, signal);
      if (lost !== undefined) throw lost;
      services.prune(clock.now());
      return part;
    };

    return {
      kind: "gossip",
      where,
      outlives: true,
      start: async (options = {}) => {
        using limit = deadline(options, START_MS, where);
        limit.check();
        if (session === undefined) {
          lost = undefined;
          services = createGossipServices(watchers.publish);
          const stopped = sharedAbort();
          session = { stopped, part: open(stopped.signal) };
        }
        const opening = session;
        await orAbort(opening.part, limit.signal).catch(async (error: unknown) => {
          if (session === opening) await close(MicroError.from(error));
          throw error;
        });
      },
      stop: () => close(new MicroError("unavailable", `the registry (${where}) was stopped`)),
      register: async (service, options = {}) => {
        using limit = deadline(options, START_MS, where);
        limit.check();
        checkRegistrable(service);
        const part = await ready(limit.signal);
        const { ttlMs = 0 } = options;
        for (const [key, record] of byNode(service)) {
          const expiresAt = Math.ceil(clock.now() + (ttlMs > 0 ? ttlMs : DEFAULT_TTL_MS));
          own.set(key, { record, expiresAt, renewed: ttlMs <= 0 });
          await tell(part, key, limit.signal);
        }
      },
      deregister: async (service, options = {}) => {
        using limit = deadline(options, START_MS, where);
        limit.check();
        const part = await ready(limit.signal);
        for (const [key, record] of byNode(service)) {
          own.delete(key);
          services.remove(record, clock.now());
          const body = encodeUpdate({ expires: 0n, action: "delete", service: record });
          await part.broadcast(key, body, { signal: limit.signal });
        }
      },
      get: async (service, options = {}) => {
        using limit = deadline(options, START_MS, where);
        limit.check();
        await ready(limit.signal);
        const versions = services.get(service);
        if (versions.length === 0) throw notFound(service, where);
        return versions;
      },
      list: async (options = {}) => {
        using limit = deadline(options, START_MS, where);
        limit.check();
        await ready(limit.signal);
        return services.names();
      },
      watch: async (options = {}) => {
        using limit = deadline(options, START_MS, where);
        limit.check();
        await ready(limit.signal);
        return watchers.add(options);
      },
    };
  };
}

interface Own {
  readonly record: ServiceRecord;
  readonly expiresAt: number;
  /** Registered without a ttl: told again before it is over. */
  readonly renewed: boolean;
}

interface Session {
  readonly part: Promise<GossipPart>;
  readonly stopped: AbortController;
}

/** A record for each node: packets stay small, and each is deregistered as it was registered. */
function byNode(service: ServiceRecord): readonly (readonly [key: string, record: ServiceRecord])[] {
  return service.nodes.map((node) => [
    JSON.stringify([service.name, service.version, node.id]),
    { ...service, nodes: [node] },
  ]);
}
