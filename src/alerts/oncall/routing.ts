import type { Severity } from "../alert.ts";
import { fits } from "../incidents/match.ts";
import { type QuietHours, quietUntil } from "./quiet.ts";
import { roomParts, type Target } from "./target.ts";

/** Where an incident is shown and who is told of it, by what it is. Survives JSON. */
export interface Route {
  /** Left out: whatever comes. What is given in it has to fit, each. */
  readonly match?: RouteMatch | undefined;
  /** `slack:C02`; left out: the bot's own rooms for alerts. */
  readonly rooms?: readonly string[] | undefined;
  /** A name of quiet hours. */
  readonly quiet?: string | undefined;
  /** The schedule whose people are woken. */
  readonly oncall?: string | undefined;
  /** By their time. */
  readonly escalate?: readonly Step[] | undefined;
  /** Those below are looked at as well. */
  readonly continue: boolean;
}

export interface RouteMatch {
  readonly severity?: readonly Severity[] | undefined;
  /** Patterns with `*`; one has to fit, of one service or owner. */
  readonly service?: readonly string[] | undefined;
  readonly owner?: readonly string[] | undefined;
  readonly source?: readonly string[] | undefined;
  /** Each has to fit. */
  readonly labels?: Readonly<Record<string, string>> | undefined;
}

/** So long after an incident began, who is told. */
export interface Step {
  /** Ms. */
  readonly after: number;
  readonly to: Target;
}

/** What rules see of an incident. */
export interface Facts {
  readonly severity: Severity;
  readonly services: readonly string[];
  readonly owners: readonly string[];
  readonly source: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** A room in which it is shown. */
export interface RoutedRoom {
  readonly input: string;
  readonly room: string;
  /** Epoch ms: it is quiet there until then, and this can wait. */
  readonly held?: number;
}

export interface Routed {
  readonly rooms: readonly RoutedRoom[];
  /** Of the first route that has any. */
  readonly steps: readonly Step[];
  readonly oncall?: string;
  /** Names of quiet hours that it is subject to. */
  readonly quiet: readonly string[];
}

export interface RoutingInit {
  readonly routes: readonly Route[];
  readonly quiet: Readonly<Record<string, QuietHours>>;
  /** Where what no route has rooms for is shown. */
  readonly usual: readonly { readonly input: string; readonly room: string }[];
}

/** Where an incident goes. What is critical waits for nothing. */
export function routeOf(facts: Facts, { routes, quiet, usual }: RoutingInit, now: number): Routed {
  const taken: Route[] = [];
  for (const route of routes) {
    if (!matches(facts, route.match)) continue;
    taken.push(route);
    if (!route.continue) break;
  }
  const rooms = new Map<string, RoutedRoom>();
  const add = (one: { readonly input: string; readonly room: string }, held: number | undefined) => {
    const key = `${one.input}:${one.room}`;
    const before = rooms.get(key);
    // Two routes may lead to one room: what may be said by one of them is said.
    if (before && before.held === undefined) return;
    const until = before?.held === undefined ? held : held && Math.min(held, before.held);
    rooms.set(key, { input: one.input, room: one.room, ...(until !== undefined && { held: until }) });
  };
  for (const route of taken) {
    const times = route.quiet === undefined ? undefined : quiet[route.quiet];
    const held = times === undefined || facts.severity === "critical" ? undefined : quietUntil(times, now);
    for (const room of route.rooms?.map(roomParts) ?? usual) add(room, held);
  }
  if (taken.length === 0) for (const room of usual) add(room, undefined);
  const escalates = taken.find(({ escalate = [] }) => escalate.length > 0);
  const oncall = (escalates ?? taken.find((route) => route.oncall !== undefined))?.oncall;
  return {
    rooms: [...rooms.values()],
    steps: escalates?.escalate ?? [],
    ...(oncall !== undefined && { oncall }),
    quiet: [...new Set(taken.flatMap((route) => route.quiet ?? []))],
  };
}

function matches(facts: Facts, match: RouteMatch | undefined): boolean {
  if (match === undefined) return true;
  const any = (values: readonly string[], patterns: readonly string[] | undefined) =>
    patterns === undefined || values.some((value) => patterns.some((pattern) => fits(value, pattern)));
  return (
    (match.severity === undefined || match.severity.includes(facts.severity)) &&
    any(facts.services, match.service) &&
    any(facts.owners, match.owner) &&
    any([facts.source], match.source) &&
    Object.entries(match.labels ?? {}).every(([name, wanted]) => fits(facts.labels[name], wanted))
  );
}
