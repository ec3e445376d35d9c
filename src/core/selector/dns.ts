import { Resolver } from "node:dns/promises";
import { isIP } from "node:net";
import { type Clock, systemClock } from "../clock.ts";
import { deadline, orAbort } from "../deadline.ts";
import { MicroError } from "../errors.ts";
import type { ServiceNode } from "../registry/registry.ts";
import { noNodeLeft, type Selector } from "./selector.ts";
import { random } from "./strategies.ts";

export interface DnsInit {
  /** Where services are looked for: `_greeter._tcp.<domain>`. @default "local" */
  readonly domain?: string;
  /** `host:port` of name servers. @default those of the system */
  readonly servers?: readonly string[];
  /** How long an answer is believed. @default 5000 */
  readonly believeMs?: number;
}

/** How many services it remembers. */
const MAX_REMEMBERED = 10_000;

/**
 * Nodes from DNS: SRV records of `_<service>._tcp.<domain>`, or the addresses of a name that brings its port. They carry no
 * metadata, so they are spoken to in the envelopes of 2016, as Go's clients do (`wire.md §4.3`, §10).
 */
export function dnsSelector(init: DnsInit = {}): (parts?: { readonly clock?: Clock }) => Selector {
  const { domain = "local", servers = [], believeMs = 5000 } = init;
  return ({ clock = systemClock } = {}) => {
    const resolver = new Resolver({ timeout: 2000, tries: 2 });
    if (servers.length > 0) resolver.setServers(servers);
    const known = new Map<string, { readonly nodes: readonly ServiceNode[]; readonly until: number }>();
    const pick = random();
    const failed = new Map<string, number>();

    const look = async (service: string): Promise<readonly ServiceNode[]> => {
      const found = known.get(service);
      if (found && found.until > clock.now()) return found.nodes;
      const nodes = await nodesOf(service, resolver, domain);
      if (known.size >= MAX_REMEMBERED) known.clear();
      known.set(service, { nodes, until: clock.now() + believeMs });
      return nodes;
    };

    return {
      select: async (service, options = {}) => {
        using limit = deadline(options, 5000, `looking up ${service}`);
        const all = await orAbort(look(service), limit.signal);
        const untried = all.filter(({ id }) => !options.exclude?.has(id));
        const well = untried.filter(({ id }) => (failed.get(id) ?? 0) <= clock.now());
        const nodes = well.length > 0 ? well : untried;
        if (nodes.length === 0) throw noNodeLeft(service);
        return pick(nodes);
      },
      mark: (_service, node, outcome) => {
        if (outcome === "ok") failed.delete(node.id);
        else {
          if (failed.size >= MAX_REMEMBERED) failed.clear();
          failed.set(node.id, clock.now() + 10_000);
        }
      },
    };
  };
}

/** @throws MicroError `not_found` (no such name), `unavailable` (no answer) */
async function nodesOf(service: string, resolver: Resolver, domain: string): Promise<readonly ServiceNode[]> {
  const [, host, port] = /^(.+):(\d+)$/.exec(service) ?? [];
  try {
    if (host !== undefined && port !== undefined) {
      if (isIP(host)) return [nodeAt(service)];
      return (await resolver.resolve4(host)).map((ip) => nodeAt(`${ip}:${port}`));
    }
    const records = await resolver.resolveSrv(`_${service}._tcp.${domain}`);
    return records.map(({ name, port }) => nodeAt(`${name}:${port}`));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const missing = code === "ENOTFOUND" || code === "ENODATA";
    throw new MicroError(missing ? "not_found" : "unavailable", missing ? `DNS knows no ${service}` : message, {
      cause: error,
    });
  }
}

function nodeAt(address: string): ServiceNode {
  return { id: address, address, metadata: {} };
}
