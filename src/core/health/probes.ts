import type { Client } from "../client/client.ts";
import { type Clock, elapsedBy } from "../clock.ts";
import { MicroError } from "../errors.ts";
import type { Registry, ServiceNode } from "../registry/registry.ts";
import { errorRecord } from "../wire/error.ts";

/** How it went when a node was asked. */
export type Probe =
  | { readonly latencyMs: number; readonly answer: unknown; readonly error?: undefined }
  | { readonly latencyMs: number; readonly answer?: undefined; readonly error: MicroError };

export interface ProbesInit {
  readonly clock: Clock;
  /** So many questions are on their way at once, whoever asks. @default 1024 */
  readonly atOnce?: number;
  /** One node is asked one thing no more often than this; whoever asks within it gets the same answer. @default 1000 */
  readonly everyMs?: number;
  /** A question ends after so long at the latest, and does so for everybody who shares it. @default 3000 */
  readonly timeoutMs?: number;
}

/** Asks nodes how they are, so that many who ask are no storm for those that are asked. */
export interface Probes {
  /**
   * Resolves when there is an answer, never rejects, and is not cancelled, since others may wait for the same answer: who has less
   * time lets go of it. An error `exhausted` of `go.micro.client`: so much was asked that its turn did not come.
   */
  ask(client: Client, service: string, node: ServiceNode, endpoint: string): Promise<Probe>;
}

interface Asked {
  readonly began: number;
  readonly probe: Promise<Probe>;
  over: boolean;
}

export function createProbes({ clock, atOnce = 1024, everyMs = 1000, timeoutMs = 3000 }: ProbesInit): Probes {
  const elapsed = elapsedBy(clock);
  const asked = new Map<string, Asked>();
  const waiting = new Set<() => void>();
  let open = 0;

  /** Resolves to whether there is room for one more. */
  const turn = (): Promise<boolean> | boolean => {
    if (open < atOnce) {
      open++;
      return true;
    }
    return new Promise((resolve) => {
      const given = () => {
        clearTimeout(timer);
        waiting.delete(given);
        resolve(true);
      };
      const timer = setTimeout(() => {
        waiting.delete(given);
        resolve(false);
      }, timeoutMs);
      timer.unref();
      waiting.add(given);
    });
  };
  const leave = () => {
    const [next] = waiting;
    if (next) next();
    else open--;
  };
  const probe = async (client: Client, service: string, node: ServiceNode, endpoint: string): Promise<Probe> => {
    const came = turn();
    if (!(came === true || (await came))) return { latencyMs: 0, error: unasked(node) };
    const began = elapsed();
    const latencyMs = () => Math.max(0, Math.round((elapsed() - began) * 10) / 10);
    try {
      const answer = await client.request(service, endpoint, {}, { node, retries: 0, timeoutMs });
      return { latencyMs: latencyMs(), answer };
    } catch (thrown) {
      return { latencyMs: latencyMs(), error: MicroError.from(thrown) };
    } finally {
      leave();
    }
  };
  const forget = (now: number) => {
    for (const [key, { began, over }] of asked) if (over && now - began >= everyMs) asked.delete(key);
  };

  return {
    ask: (client, service, node, endpoint) => {
      const now = elapsed();
      const key = `${service} ${node.id} ${node.address} ${endpoint}`;
      const before = asked.get(key);
      if (before !== undefined && (!before.over || now - before.began < everyMs)) return before.probe;
      if (asked.size >= 2 * atOnce) forget(now);
      const one: Asked = { began: now, probe: probe(client, service, node, endpoint), over: false };
      asked.delete(key);
      asked.set(key, one);
      void one.probe.then(() => {
        one.over = true;
      });
      return one.probe;
    },
  };
}

function unasked({ address }: ServiceNode): MicroError {
  const detail = `${address} was not asked: too many others were at that moment`;
  return new MicroError("exhausted", detail, { details: { record: errorRecord("go.micro.client", 429, detail) } });
}

const ALL = new WeakMap<Registry, Probes>();

/**
 * The probes of everybody who looks into that registry. By the registry, because it is the one thing that all parts of a process
 * share: commands, cards and watches have clients of their own, which write down on whose behalf they ask.
 */
export function probesOf(registry: Registry, clock: Clock): Probes {
  let probes = ALL.get(registry);
  if (probes === undefined) {
    probes = createProbes({ clock });
    ALL.set(registry, probes);
  }
  return probes;
}
