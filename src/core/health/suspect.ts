import { MicroError } from "../errors.ts";
import { dependenciesOf } from "./depends.ts";
import type { Examination } from "./examination.ts";
import { type ExamineOptions, type ExamineParts, examineAll } from "./examine.ts";
import { headlineOf } from "./explain.ts";
import { meant } from "./short-name.ts";

/** A service whose fault it may be that another one is not well. */
export interface Suspect {
  readonly service: string;
  /** Services on the way to it, itself last: `["orders", "db"]`. */
  readonly path: readonly string[];
  /** How it is. */
  readonly headline: string;
}

/** Dependencies are followed so far, and so many services are asked. */
const DEPTH = 4;
const MOST = 30;

/**
 * Looks at a service and at those that it needs, and they need in turn, all under one deadline (`examine`).
 * @param may which services may be asked; the others are not mentioned
 * @throws MicroError `not_found`, `unavailable`, `timeout`, `cancelled`
 */
export async function examineAround(
  parts: ExamineParts,
  service: string,
  options: ExamineOptions & { readonly may?: (service: string) => boolean } = {},
): Promise<{ readonly examination: Examination; readonly suspect?: Suspect }> {
  const { may = () => true, ...rest } = options;
  const began = performance.now();
  // To be missed is to be told of as such.
  const own = await parts.registry.get(service, { ...(rest.signal && { signal: rest.signal }) });
  const needed = await around(parts, dependenciesOf(own), may, rest);
  const leftMs =
    rest.timeoutMs === undefined ? {} : { timeoutMs: Math.max(1, rest.timeoutMs - (performance.now() - began)) };
  const all = await examineAll(parts, [service, ...needed.values()], { ...rest, ...leftMs });
  const examination = all.get(service);
  if (examination === undefined) {
    // It has gone, or the registry has, since it was asked above: whoever is asked again says which.
    await parts.registry.get(service, { ...(rest.signal && { signal: rest.signal }) });
    throw new MicroError("unavailable", `${service} could not be looked up in time; ask again in a moment`);
  }
  const suspect =
    examination.bad > 0 || examination.nodes.length === 0 ? firstFailing(service, byNeed(all, needed)) : undefined;
  return { examination, ...(suspect && { suspect }) };
}

/** By the name that they are needed by, which may be a short one, the name that they are registered by. */
async function around(
  { registry }: ExamineParts,
  first: readonly string[],
  may: (service: string) => boolean,
  { signal }: ExamineOptions,
): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  let level = first;
  if (level.length === 0) return found;
  const names = await registry.list({ ...(signal && { signal }), timeoutMs: 500 }).catch(() => []);
  for (let depth = 0; depth < DEPTH && level.length > 0; depth++) {
    const fresh: string[] = [];
    for (const said of level) {
      const [name, ...others] = meant(said, names);
      if (name === undefined || others.length > 0 || found.has(said) || found.size >= MOST || !may(name)) continue;
      found.set(said, name);
      fresh.push(name);
    }
    const below = await Promise.all(
      fresh.map((name) => registry.get(name, { ...(signal && { signal }), timeoutMs: 500 }).catch(() => [])),
    );
    level = [...new Set(below.flatMap(dependenciesOf))];
  }
  return found;
}

function byNeed(all: ReadonlyMap<string, Examination>, needed: ReadonlyMap<string, string>) {
  const named = new Map(all);
  for (const [said, name] of needed) {
    const one = all.get(name);
    if (one) named.set(said, one);
  }
  return named;
}

/**
 * Of the failing services that one needs, by way of failing ones, the one that needs no failing service itself. Services that need
 * each other are each other's fault, so the first that was met twice is named.
 */
function firstFailing(service: string, all: ReadonlyMap<string, Examination>): Suspect | undefined {
  const seen = new Set([service]);
  const path: string[] = [];
  let at = all.get(service);
  for (;;) {
    const next = worst(at?.depends ?? [], all, seen);
    if (next === undefined) break;
    seen.add(next.service);
    path.push(next.service);
    at = next;
  }
  if (path.length === 0 || at === undefined) return undefined;
  return { service: at.service, path, headline: headlineOf(at) };
}

/** The one with the largest share of failing nodes. */
function worst(
  names: readonly string[],
  all: ReadonlyMap<string, Examination>,
  seen: ReadonlySet<string>,
): Examination | undefined {
  const share = ({ bad, nodes }: Examination) => (nodes.length === 0 ? 1 : bad / nodes.length);
  return names
    .flatMap((name) => all.get(name) ?? [])
    .filter((one) => !seen.has(one.service) && share(one) > 0)
    .sort((a, b) => share(b) - share(a))[0];
}
