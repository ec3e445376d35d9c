import { sharedAbort } from "../core/abort.ts";
import type { Client } from "../core/client/client.ts";
import { type Clock, elapsedBy } from "../core/clock.ts";
import { MicroError } from "../core/errors.ts";
import { isCallable } from "../core/health/callable.ts";
import { type NodeStats, nodeStats } from "../core/health/node-stats.ts";
import { type Probes, probesOf } from "../core/health/probes.ts";
import type { Log } from "../core/log.ts";
import type { Registry, ServiceNode } from "../core/registry/registry.ts";
import type { Sample } from "./chunk.ts";
import type { Samples } from "./samples.ts";

export interface SamplerInit {
  readonly registry: Registry;
  readonly client: Client;
  readonly samples: Samples;
  readonly clock: Clock;
  readonly log: Log;
  /** How often each node is asked; 10 s at least. */
  readonly everyMs: number;
  /** @default those that all who look into the registry share */
  readonly probes?: Probes;
}

/** What a node published of itself. */
export interface Heard {
  readonly service: string;
  readonly node: string;
  readonly sample: Sample;
}

/** Asks every node of every service with `Debug.Stats`, again and again, from `start` to `stop`. */
export interface Sampler {
  start(): Promise<void>;
  stop(): Promise<void>;
  /** What a node does not say when it is asked is taken from this, once. */
  hear(heard: Heard): void;
  /** Epoch ms: when the next samples are taken. */
  nextAt(): number;
}

/** Services are asked one after the other, so far apart at most: neither they nor we have all to do at once. */
const APART_MS = 100;
/** And within so much of the time between two samples. */
const SHARE = 0.8;
/** More nodes of one service are not asked. */
const MOST_NODES = 100;
const MOST_HEARD = 20_000;
/** So many services are asked at once, where some of them hang. */
const MOST_AT_ONCE = 64;
const MINUTE_MS = 60_000;

export function createSampler(init: SamplerInit): Sampler {
  const { registry, client, samples, clock, log, everyMs, probes = probesOf(registry, clock) } = init;
  const elapsed = elapsedBy(clock);
  const ended = sharedAbort();
  const { signal } = ended;
  let counted = new Map<string, Counted>();
  let heard = new Map<string, Sample>();
  let failed = false;
  let going: Promise<void> | undefined;

  const nextAt = () => (Math.floor(clock.now() / everyMs) + 1) * everyMs;

  /** Counters of this node and of those before it, and what they make of a minute or second. */
  const sampleOf = (key: string, latencyMs: number, stats: NodeStats, now: Map<string, Counted>): Sample => {
    const count: Counted = { stats, at: elapsed() };
    now.set(key, count);
    const before = counted.get(key);
    const since = before && grownSince(before, count);
    return {
      latency: latencyMs,
      // A server that leaves it out has not none.
      ...(stats.memory > 0 && { memory: stats.memory }),
      ...(stats.threads > 0 && { threads: stats.threads }),
      ...(since && stats.memory > 0 && { gc: (since("gc") / 1e6) * (MINUTE_MS / since.ms) }),
      ...(since && stats.requests !== undefined && { requests: (since("requests") * 1000) / since.ms }),
      ...(since && stats.errors !== undefined && { errors: (since("errors") * 1000) / since.ms }),
    };
  };
  const sampleService = async (service: string, at: number, now: Map<string, Counted>, told: typeof heard) => {
    const records = (await registry.get(service, { signal })).filter(isCallable);
    const nodes = records.flatMap((record) => record.nodes.map((node) => ({ name: record.name, node })));
    const found = await Promise.all(
      nodes.slice(0, MOST_NODES).map(async ({ name, node }): Promise<readonly [string, Sample]> => {
        const key = keyOf(service, node);
        const { latencyMs, answer, error } = await probes.ask(client, name, node, "Debug.Stats");
        const asked = error ? {} : sampleOf(key, latencyMs, nodeStats(answer), now);
        return [node.id, { ...told.get(`${service} ${node.id}`), ...asked }];
      }),
    );
    if (found.length > 0 && !signal.aborted) await samples.add(service, at, new Map(found), { signal });
  };
  const warn = (error: unknown) => {
    if (signal.aborted || failed) return;
    failed = true;
    log.warn({ reason: MicroError.from(error).message }, "not all samples could be taken; I try again");
  };
  const round = async (at: number) => {
    const names = (await registry.list({ signal })).filter((name) => !name.startsWith("topic:"));
    const apart = Math.min(APART_MS, (everyMs * SHARE) / Math.max(1, names.length));
    const now = new Map<string, Counted>();
    const told = heard;
    heard = new Map();
    const began = elapsed();
    const working = new Set<Promise<void>>();
    let well = true;
    for (const [place, name] of names.entries()) {
      const early = began + place * apart - elapsed();
      if (early > 0) await clock.sleep(early, { signal });
      if (working.size >= MOST_AT_ONCE) await Promise.race(working);
      const work = sampleService(name, at, now, told)
        .catch((error: unknown) => {
          // It went meanwhile.
          if (MicroError.from(error).code === "not_found") return;
          well = false;
          warn(error);
        })
        .finally(() => working.delete(work));
      working.add(work);
    }
    await Promise.all(working);
    counted = now;
    if (well) failed = false;
  };
  const follow = async () => {
    while (!signal.aborted) {
      const at = nextAt();
      await clock.sleep(at - clock.now(), { signal }).catch(() => {});
      if (!signal.aborted) await round(at).catch(warn);
    }
  };

  return {
    nextAt,
    hear: ({ service, node, sample }) => {
      const key = `${service} ${node}`;
      if (heard.size < MOST_HEARD || heard.has(key)) heard.set(key, { ...heard.get(key), ...sample });
    },
    start: async () => {
      going ??= follow();
    },
    stop: async () => {
      ended.abort();
      await going;
    },
  };
}

interface Counted {
  readonly stats: NodeStats;
  readonly at: number;
}

/** How much a counter grew; one that is less than it was began anew. */
function grownSince(before: Counted, now: Counted) {
  const grown = (name: "gc" | "requests" | "errors") => {
    const [was = 0, is = 0] = [before.stats[name], now.stats[name]];
    return is >= was ? is - was : is;
  };
  return Object.assign(grown, { ms: Math.max(1, now.at - before.at) });
}

function keyOf(service: string, { id, address }: ServiceNode): string {
  return `${service} ${id} ${address}`;
}
