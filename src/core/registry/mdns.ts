import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { hostname } from "node:os";
import { isDeepStrictEqual } from "node:util";
import type { Packet } from "dns-packet";
import { sharedAbort } from "../abort.ts";
import { type Clock, systemClock } from "../clock.ts";
import { deadline, orAbort } from "../deadline.ts";
import { MicroError } from "../errors.ts";
import type { CallOptions } from "../lifecycle.ts";
import { joinAddress, splitAddress } from "../wire/record.ts";
import { type MdnsLink, openMdnsLink } from "./mdns-link.ts";
import { decodePacket, encodeQuery } from "./mdns-packet.ts";
import { createResponder, type Responder } from "./mdns-responder.ts";
import {
  checkName,
  heardNames,
  heardNodes,
  listName,
  markerZone,
  nodeZone,
  TTL_SECONDS,
  typeName,
  type Zone,
} from "./mdns-zone.ts";
import type { Registry, ServiceNode, ServiceRecord } from "./registry.ts";
import { checkRegistrable, NO_VERSIONS, notFound, sortedNames, type Versions, withRecord } from "./versions.ts";
import { createWatchers } from "./watchers.ts";

export interface MdnsRegistryInit {
  /** Names or IPv4 addresses of interfaces: `lo`, `127.0.0.1`. Empty: all that take multicast, loopback included. */
  readonly addresses?: readonly string[] | undefined;
  /** `micro` since v1.10, `local` before; the two do not see each other (`wire.md §2.2`). Default `micro`. */
  readonly domain?: string | undefined;
  /** How long answers are collected, in ms; `get` and `list` always wait it out. Default 100. */
  readonly timeoutMs?: number | undefined;
}

/** Services that one question may bring; a bound for a link where anybody answers. */
const MAX_HEARD = 20_000;

/**
 * Services on this link, without any server: Go Micro's default registry (`wire.md §2.2`). A process answers for what it
 * registered as long as it lives, so `ttlMs` plays no part, and one that is killed says no goodbye. IPv4 multicast; nodes
 * may have IPv6 addresses. A node needs `host:port`.
 */
export function mdnsRegistry(init: MdnsRegistryInit = {}): (parts?: { readonly clock?: Clock }) => Registry {
  const { addresses = [], domain = "micro", timeoutMs: windowMs = 100 } = init;
  const interfaces = addresses.length > 0 ? addresses : undefined;
  return ({ clock = systemClock } = {}) => {
    const where = `mDNS domain ${domain}${interfaces === undefined ? "" : ` on ${interfaces.join(", ")}`}`;
    /** What this process answers for, by instance. */
    const own = new Map<string, { readonly zone: Zone; readonly service: ServiceRecord }>();
    const watchers = createWatchers(where);
    const pending = new Set<(packet: Packet) => void>();
    let session: Promise<Session> | undefined;

    const open = async (): Promise<Session> => {
      const stopped = sharedAbort();
      const link = await openMdnsLink({
        interfaces,
        onAnswer: (bytes) => {
          const packet = pending.size > 0 ? decodePacket(bytes) : undefined;
          if (packet !== undefined) for (const take of pending) take(packet);
        },
        onGroup: (bytes, from) => {
          const packet = decodePacket(bytes);
          if (packet?.type === "query") responder.answer(bytes, packet, from);
          else if (packet !== undefined && watchers.size > 0) tell(packet);
        },
        onLost: (error) => void close(error),
      });
      const responder = createResponder(link, clock);
      if (own.size > 0) await link.listen();
      for (const { zone } of own.values()) responder.add(zone);
      return { link, responder, stopped };
    };
    const close = async (reason: MicroError): Promise<void> => {
      const closing = session;
      session = undefined;
      const { link, responder, stopped } = (await closing?.catch(() => undefined)) ?? {};
      stopped?.abort(reason);
      await responder?.stop();
      await link?.close();
      watchers.end(reason);
    };
    const tell = (packet: Packet): void => {
      for (const { service, ttl } of heardNodes(packet, domain)) {
        // Go's watchers take no entry without a version.
        if (service.version !== "") watchers.publish({ action: ttl === 0 ? "delete" : "create", service });
      }
    };
    const started = async (): Promise<Session> => {
      if (session === undefined) throw new MicroError("unavailable", `the registry (${where}) is not started`);
      return session;
    };

    /** Asks for `name` and hands over what is answered until the window closes. */
    const collect = async (name: string, options: CallOptions, take: (packet: Packet) => void): Promise<void> => {
      using limit = deadline(options, 5000, where);
      limit.check();
      const { link, stopped } = await started();
      const mine = (packet: Packet) => {
        const echoed = packet.questions?.[0]; // missing before v2.9
        if (echoed === undefined || echoed.name.toLowerCase() === name.toLowerCase()) take(packet);
      };
      pending.add(mine);
      try {
        await link.ask(encodeQuery(Math.trunc(Math.random() * 0x10000), checkName(name)));
        await orAbort(clock.sleep(windowMs, { signal: stopped.signal }), limit.signal);
      } catch (error) {
        throw stopped.signal.aborted ? stopped.signal.reason : error;
      } finally {
        pending.delete(mine);
      }
    };
    const isListed = (name: string) => [...own.values()].some(({ service }) => service.name === name);

    return {
      kind: "mdns",
      where,
      outlives: false,
      maxAgeMs: TTL_SECONDS * 1000,
      start: async (options = {}) => {
        using limit = deadline(options, 5000, where);
        limit.check();
        session ??= open();
        const opening = session;
        await orAbort(opening, limit.signal).catch(async (error: unknown) => {
          if (session === opening) await close(MicroError.from(error));
          throw error;
        });
      },
      stop: async () => {
        await close(new MicroError("unavailable", `the registry (${where}) was stopped`));
        own.clear();
      },
      register: async (service, options = {}) => {
        using limit = deadline(options, 5000, where);
        limit.check();
        checkRegistrable(service);
        const { link, responder } = await started();
        await orAbort(link.listen(), limit.signal);
        const host = hostname() || "localhost";
        for (const node of service.nodes) {
          const { ip, port } = await orAbort(resolve(node), limit.signal);
          const zone = nodeZone(service, node, { ip, port, host, domain });
          const told = asTold(service, node, joinAddress(ip, port));
          const known = own.get(zone.instance);
          if (known !== undefined && isDeepStrictEqual(known.service, told)) continue;
          const marker = markerZone(service.name, host, domain);
          if (!isListed(service.name)) responder.add(marker);
          own.set(zone.instance, { zone, service: told });
          responder.add(zone);
          watchers.publish({ action: known === undefined ? "create" : "update", service: told });
        }
      },
      deregister: async (service, options = {}) => {
        using limit = deadline(options, 5000, where);
        limit.check();
        const { responder } = await started();
        for (const { id } of service.nodes) {
          const instance = `${id}.${typeName(service.name, domain)}`;
          const known = own.get(instance);
          if (known === undefined) continue;
          own.delete(instance);
          await responder.remove(instance);
          if (!isListed(service.name)) await responder.remove(`${service.name}.${listName(domain)}`);
          watchers.publish({ action: "delete", service: known.service });
        }
      },
      get: async (name, options = {}) => {
        let versions: Versions = NO_VERSIONS;
        let left = MAX_HEARD;
        await collect(typeName(name, domain), options, (packet) => {
          for (const { service, ttl } of heardNodes(packet, domain)) {
            if (service.name !== name || ttl === 0 || left <= 0) continue;
            versions = withRecord(versions, service);
            left -= 1;
          }
        });
        if (versions.length === 0) throw notFound(name, where);
        return versions;
      },
      list: async (options = {}) => {
        const names = new Set<string>();
        await collect(listName(domain), options, (packet) => {
          for (const name of heardNames(packet, domain)) if (names.size < MAX_HEARD) names.add(name);
        });
        return sortedNames(names);
      },
      watch: async (options = {}) => {
        using limit = deadline(options, 5000, where);
        limit.check();
        const { link } = await started();
        await orAbort(link.listen(), limit.signal);
        return watchers.add(options);
      },
    };
  };
}

interface Session {
  readonly link: MdnsLink;
  readonly responder: Responder;
  /** Aborts when it is closed, with what waiting calls are told. */
  readonly stopped: AbortController;
}

/** The record as others will read it: one node, no metadata of the service. */
function asTold(
  { name, version, endpoints }: ServiceRecord,
  { id, metadata }: ServiceNode,
  address: string,
): ServiceRecord {
  const node = Object.freeze({ id, address, metadata });
  return Object.freeze({ name, version, metadata: {}, endpoints, nodes: Object.freeze([node]) });
}

/** @throws MicroError `invalid_argument` when the address cannot become an A or AAAA record */
async function resolve(node: ServiceNode): Promise<{ readonly ip: string; readonly port: number }> {
  const { host, port } = splitAddress(node.address);
  const say = (what: string, cause?: unknown) =>
    new MicroError("invalid_argument", `mDNS cannot announce ${node.id} at "${node.address}": ${what}`, { cause });
  if (port === 0) throw say('it needs host and port, such as "10.0.0.5:9090"');
  if (isIP(host) !== 0) return { ip: host, port };
  const found = await lookup(host, { family: 4 }).catch((error: unknown) => {
    throw say(`the host's address is not known`, error);
  });
  return { ip: found.address, port };
}
