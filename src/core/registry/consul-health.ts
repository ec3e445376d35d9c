import { createHash } from "node:crypto";
import { MicroError } from "../errors.ts";
import { joinAddress } from "../wire/record.ts";
import { decodeTags, type TagFacts } from "./consul-tags.ts";
import type { ServiceNode } from "./registry.ts";
import { createPause } from "./slices.ts";
import type { Versions } from "./versions.ts";

/** What `/v1/health/service/<name>` says. */
export interface ServiceHealth {
  /** Live nodes by version; a version without any is not there. */
  readonly versions: Versions;
  /** Critical checks, as `criticalKey` names them; why nodes are missing. */
  readonly critical: readonly string[];
  /** Consul's nodes (machines) that instances are on. */
  readonly machines: readonly string[];
}

/** Decodes answers, and remembers each service's last one: the same bytes again cost a hash. */
export interface HealthDecoder {
  /** @throws MicroError `unavailable` when the bytes are not what Consul says */
  decode(name: string, bytes: Uint8Array): ServiceHealth;
  /** Forgets names that are gone. */
  keepOnly(names: { has(name: string): boolean }): void;
}

export function createHealthDecoder(): HealthDecoder {
  const last = new Map<string, { readonly digest: string; readonly health: ServiceHealth }>();
  return {
    decode: (name, bytes) => {
      const digest = createHash("sha1").update(bytes).digest("base64");
      const known = last.get(name);
      if (known?.digest === digest) return known.health;
      const health = decodeHealth(name, bytes);
      last.set(name, { digest, health });
      return health;
    },
    keepOnly: (names) => {
      for (const name of last.keys()) if (!names.has(name)) last.delete(name);
    },
  };
}

/**
 * Decodes a whole catalogue, one answer of `/v1/health/service/<name>` for each name, in slices that let the event loop go
 * on. Pass the same decoder again to refresh.
 */
export async function decodeCatalogue(
  answers: Iterable<readonly [name: string, bytes: Uint8Array]>,
  decoder: HealthDecoder = createHealthDecoder(),
): Promise<Map<string, Versions>> {
  const pause = createPause();
  const catalogue = new Map<string, Versions>();
  for (const [name, bytes] of answers) {
    catalogue.set(name, decoder.decode(name, bytes).versions);
    await pause();
  }
  return catalogue;
}

/** One check, wherever it is told: checks of a machine have no service id. */
export function criticalKey(machine: string, checkId: string): string {
  return `${machine}\n${checkId}`;
}

/**
 * `GetService` of `wire.md §2.1`, except that versions whose nodes were all dropped are dropped too.
 * @throws MicroError `unavailable` when the bytes are not what Consul says
 */
export function decodeHealth(name: string, bytes: Uint8Array): ServiceHealth {
  const entries = parse(name, bytes);
  try {
    return healthOf(name, entries);
  } catch (error) {
    // To check every field of every entry would cost more than the rest.
    throw unusable(name, error);
  }
}

function healthOf(name: string, entries: readonly HealthEntry[]): ServiceHealth {
  const versions = new Map<string, { readonly facts: TagFacts; readonly nodes: ServiceNode[] }>();
  const critical: string[] = [];
  const machines = new Set<string>();
  const factsOf = decodeRuns();
  for (const { Node, Service, Checks } of entries) {
    if (Service.Service !== name) continue;
    machines.add(Node.Node);
    const facts = factsOf(Service.Tags ?? []);
    let version = versions.get(facts.version);
    if (version === undefined) {
      version = { facts, nodes: [] };
      versions.set(facts.version, version);
    }
    const failing = (Checks ?? []).filter(({ Status }) => Status === "critical");
    if (failing.length > 0) critical.push(...failing.map((check) => criticalKey(check.Node, check.CheckID)));
    else version.nodes.push(nodeOf(Service.ID, Service.Address || Node.Address, Service.Port ?? 0, facts));
  }
  return {
    versions: Object.freeze(
      [...versions.values()]
        .filter(({ nodes }) => nodes.length > 0)
        .map(({ facts: { version, endpoints }, nodes }) =>
          Object.freeze({ name, version, metadata: NONE, endpoints, nodes: Object.freeze(nodes) }),
        ),
    ),
    critical,
    machines: [...machines],
  };
}

const NONE: Readonly<Record<string, string>> = Object.freeze({});

/** Nodes of one version have the same tags, mostly; comparing them with the last is cheaper than looking each up. */
function decodeRuns(): (tags: readonly string[]) => TagFacts {
  let last: { readonly tags: readonly string[]; readonly facts: TagFacts } | undefined;
  return (tags) => {
    const same = last?.tags.length === tags.length && last.tags.every((tag, at) => tag === tags[at]);
    if (last === undefined || !same) last = { tags, facts: decodeTags(tags) };
    return last.facts;
  };
}

function nodeOf(id: string, host: string, port: number, { metadata }: TagFacts): ServiceNode {
  return Object.freeze({ id, address: joinAddress(host, port), metadata });
}

interface HealthEntry {
  readonly Node: { readonly Node: string; readonly Address: string };
  readonly Service: {
    readonly ID: string;
    readonly Service: string;
    readonly Tags?: readonly string[] | null;
    readonly Address?: string | null;
    readonly Port?: number | null;
  };
  readonly Checks?: readonly { readonly Node: string; readonly CheckID: string; readonly Status: string }[] | null;
}

function parse(name: string, bytes: Uint8Array): readonly HealthEntry[] {
  let json: unknown;
  try {
    json = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString());
  } catch (error) {
    throw new MicroError("unavailable", `consul's answer about ${name} is not JSON`, { cause: error });
  }
  const usable = Array.isArray(json) && json.every((entry) => entry?.Node != null && entry.Service != null);
  if (!usable) throw unusable(name);
  return json as readonly HealthEntry[];
}

function unusable(name: string, cause?: unknown): MicroError {
  return new MicroError("unavailable", `consul's answer about ${name} is not a list of its instances`, { cause });
}
