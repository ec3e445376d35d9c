import type { Clock } from "../../core/clock.ts";
import { MicroError } from "../../core/errors.ts";
import type { Examination } from "../../core/health/examination.ts";
import type { Suspect } from "../../core/health/suspect.ts";
import type { CallOptions } from "../../core/lifecycle.ts";
import type { ServiceChange } from "../../core/registry/service-change.ts";

/** What is known of a service that an incident names. */
export interface Finding {
  readonly service: string;
  /** Epoch ms. */
  readonly at: number;
  readonly examination?: Examination;
  /** Why there is no examination, for people. */
  readonly missing?: string;
  /** Newest first. */
  readonly changes: readonly ServiceChange[];
  readonly suspect?: Suspect;
}

/** Whom to ask about a service; what is left out is not told. */
export interface Sources {
  /** How its nodes are now, and whose fault it may be (`examineAround`). @throws MicroError */
  examine?(service: string, options: CallOptions): Promise<Examined>;
  /** What changed in so many ms, newest first. @throws MicroError */
  changes?(service: string, sinceMs: number, options: CallOptions): Promise<readonly ServiceChange[]>;
}

export interface Examined {
  readonly examination: Examination;
  readonly suspect?: Suspect;
}

/** Services as they were when they were asked last: each is asked once in a while, whoever wants to know. */
export interface Findings {
  /** What was found last. */
  of(service: string): Finding | undefined;
  /** Asked now, unless that was done after `since` (epoch ms). Never rejects. */
  look(service: string, since: number): Promise<Finding>;
}

/** A change that came this long before may be why. */
const LATELY_MS = 3_600_000;
const LOOK_MS = 4000;
/** So many services are asked at once, and so many remembered. */
const AT_ONCE = 4;
const KEPT = 500;

export function createFindings(sources: Sources, clock: Clock, signal: AbortSignal): Findings {
  const found = new Map<string, Finding>();
  const asking = new Map<string, Promise<Finding>>();
  const waiting: (() => void)[] = [];
  let busy = 0;

  const ask = async (service: string): Promise<Finding> => {
    if (busy >= AT_ONCE) await new Promise<void>((resolve) => waiting.push(resolve));
    else busy++;
    const options = { signal, timeoutMs: LOOK_MS };
    try {
      const changes = sources.changes?.(service, LATELY_MS, options).catch(() => []) ?? Promise.resolve([]);
      const examined = await sources.examine?.(service, options).catch((error: unknown) => missing(service, error));
      const known = typeof examined === "string" ? { missing: examined } : examined;
      return { service, at: clock.now(), changes: await changes, ...known };
    } finally {
      const next = waiting.shift();
      if (next) next();
      else busy--;
    }
  };
  return {
    of: (service) => found.get(service),
    look: (service, since) => {
      const last = found.get(service);
      if (last && last.at >= since) return Promise.resolve(last);
      const running = asking.get(service);
      if (running) return running;
      const work = ask(service).then((finding) => {
        asking.delete(service);
        found.delete(service);
        found.set(service, finding);
        const oldest = found.size > KEPT ? found.keys().next().value : undefined;
        if (oldest !== undefined) found.delete(oldest);
        return finding;
      });
      asking.set(service, work);
      return work;
    },
  };
}

function missing(service: string, error: unknown): string {
  const { code } = MicroError.from(error);
  if (code === "not_found") return `${service} is not registered: none of its nodes is there`;
  return `${service} could not be asked (${code})`;
}
