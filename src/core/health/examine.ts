import type { Client } from "../client/client.ts";
import type { Clock } from "../clock.ts";
import { type Deadline, deadline } from "../deadline.ts";
import { MicroError } from "../errors.ts";
import type { CallOptions } from "../lifecycle.ts";
import type { Registry, ServiceNode, ServiceRecord } from "../registry/registry.ts";
import { eachAtMost } from "../registry/slices.ts";
import { type ErrorRecord, errorRecord, toRecord } from "../wire/error.ts";
import { isCallable } from "./callable.ts";
import { type Cause, causeOf, detailOf, groupOf } from "./cause.ts";
import { type LastKnown, type LastNode, MOST_LAST_NODES } from "./last.ts";
import { type Probes, probesOf } from "./probes.ts";

/** A node and how it was when it was asked. */
export interface ExaminedNode {
  readonly id: string;
  readonly address: string;
  readonly version: string;
  readonly ok: boolean;
  /** What it said of itself: `ok`. Empty where it said nothing. */
  readonly status: string;
  /** Of its answer, bad or good; absent where there was none. */
  readonly latencyMs?: number;
  /** Where it is not ok. */
  readonly cause?: Cause;
  /** Where it did not answer, or with an error. */
  readonly error?: ErrorRecord;
  /** Epoch ms, where it tells (`Debug.Stats`, metadata `started`). */
  readonly startedAt?: number;
  /** Epoch ms: since when it has been so, by what was seen before; `at` of the examination where that is nothing. */
  readonly since: number;
  /** It was seen before. */
  readonly before: boolean;
}

/** Nodes that are not well for one cause. */
export interface CauseGroup {
  readonly cause: Cause;
  /** What they said, of `failed` and `unwell`. */
  readonly said: string;
  /** Ids. */
  readonly nodes: readonly string[];
  /** Epoch ms: since when the first of them has been so. */
  readonly since: number;
}

/** How a service is: all its nodes, asked at one time. Survives JSON. */
export interface Examination {
  readonly service: string;
  /** Epoch ms. */
  readonly at: number;
  readonly withinMs: number;
  /** In the registry's order, version by version. */
  readonly nodes: readonly ExaminedNode[];
  /** How many of them are not ok. */
  readonly bad: number;
  /** The one with most nodes first. */
  readonly causes: readonly CauseGroup[];
  /** In the registry's order. */
  readonly versions: readonly { readonly version: string; readonly nodes: number; readonly bad: number }[];
  /** The node that has been up for longest, of those that tell. */
  readonly oldest?: { readonly id: string; readonly startedAt: number };
  /** Nodes that were there before and have not been for an hour at most. */
  readonly gone: readonly LastNode[];
  /** Services that it says it needs (metadata `depends` or `dependencies`: names with commas or blanks between), sorted. */
  readonly depends: readonly string[];
}

export interface ExamineParts {
  readonly client: Client;
  readonly registry: Registry;
  readonly clock: Clock;
  /** What was known before, and is known afterwards. Left out: nothing. */
  readonly last?: LastKnown;
  /** @default those that all who look into the registry share */
  readonly probes?: Probes;
}

export interface ExamineOptions extends CallOptions {
  /** Ask how long they are up, too, with `Debug.Stats` where they do not register it. @default true */
  readonly uptime?: boolean;
}

/** A deadline for all of it, where nothing else is said. */
const EXAMINE_MS = 3000;
/** A node that is well has so long to say since when, and costs the others no more than that. */
const STATS_MS = 500;
/** For how long a node that left is told of, and for how long it is remembered. */
const GONE_MS = 3_600_000;
/** Registries without a cache are asked for so many services at once. */
const LOOK_UPS = 32;

/**
 * Asks every node of a service with `Debug.Health`, all at once under one deadline (`timeoutMs`, default 3000 ms): nodes that hang
 * cost no more than that, however many. A node that fails is part of the answer.
 * @throws MicroError `not_found` (no such service), `unavailable` (the registry), `timeout` (of the registry), `cancelled`
 */
export async function examine(
  parts: ExamineParts,
  service: string,
  options: ExamineOptions = {},
): Promise<Examination> {
  using limit = deadline(options, EXAMINE_MS, `the registry at ${parts.registry.where}`);
  const records = await parts.registry.get(service, { signal: limit.signal });
  return await within(parts, service, records, options, limit);
}

/** The same of a service that was looked up. @throws MicroError `cancelled` */
export async function examineFound(
  parts: ExamineParts,
  service: string,
  records: readonly ServiceRecord[],
  options: ExamineOptions = {},
): Promise<Examination> {
  using limit = deadline(options, EXAMINE_MS, service);
  return await within(parts, service, records, options, limit);
}

/**
 * Several services under one deadline for all of them. One that is not registered, cannot be looked up in time, or
 * only subscribes to topics is left out.
 * @returns by name, in the order of `services` @throws MicroError `cancelled`
 */
export async function examineAll(
  parts: ExamineParts,
  services: Iterable<string>,
  options: ExamineOptions = {},
): Promise<ReadonlyMap<string, Examination>> {
  using limit = deadline(options, EXAMINE_MS, `the registry at ${parts.registry.where}`);
  const names = [...new Set(services)];
  const made = new Map<string, Promise<Examination>>();
  await eachAtMost(LOOK_UPS, names, async (name) => {
    const found = await parts.registry.get(name, { signal: limit.signal }).catch((thrown: unknown) => {
      if (options.signal?.aborted) throw MicroError.from(thrown);
      return [];
    });
    const records = found.filter(isCallable);
    if (records.length === 0) return;
    const examination = within(parts, name, records, options, limit);
    examination.catch(() => {});
    made.set(name, examination);
  });
  const all = new Map<string, Examination>();
  for (const name of names) {
    const examination = made.get(name);
    if (examination) all.set(name, await examination);
  }
  return all;
}

async function within(
  { client, registry, clock, last, probes = probesOf(registry, clock) }: ExamineParts,
  service: string,
  records: readonly ServiceRecord[],
  options: ExamineOptions,
  limit: Deadline,
): Promise<Examination> {
  const { uptime = true, signal } = options;
  const withinMs = options.timeoutMs ?? EXAMINE_MS;
  const remembered = last?.of(service) ?? Promise.resolve([]);
  const at = clock.now();
  const asked = await Promise.all(
    records.flatMap(({ name, version, nodes }) =>
      nodes.map(async (node) => ({
        node,
        version,
        ...(await look({ client, probes, limit, uptime, at }, name, node)),
      })),
    ),
  );
  if (signal?.aborted) throw new MicroError("cancelled", `${service}: cancelled`);
  const told = await remembered;
  const before = new Map(told?.map((node) => [node.id, node]));
  const nodes = asked.map(({ node: { id, address }, version, ...said }): ExaminedNode => {
    const known = before.get(id);
    const same = known !== undefined && known.ok === said.ok && known.goneAt === undefined;
    return { id, address, version, ...said, since: same ? known.since : at, before: known !== undefined };
  });
  const here = new Set(nodes.map(({ id }) => id));
  const gone = [...before.values()]
    .filter(({ id }) => !here.has(id))
    .map((node) => ({ ...node, goneAt: node.goneAt ?? at }))
    .filter(({ goneAt }) => at - goneAt < GONE_MS);
  const now = [...nodes.map(lastOf), ...gone].slice(0, MOST_LAST_NODES);
  if (last && told && isNews(now, before)) void last.keep(service, now);
  const oldest = nodes.reduce<Examination["oldest"]>((old, { id, startedAt }) => {
    if (startedAt === undefined || (old && old.startedAt <= startedAt)) return old;
    return { id, startedAt };
  }, undefined);
  return {
    ...{ service, at, withinMs, nodes, gone },
    bad: nodes.filter(({ ok }) => !ok).length,
    causes: grouped(nodes),
    versions: skew(nodes),
    ...(oldest && { oldest }),
    depends: dependenciesOf(records).filter((name) => name !== service),
  };
}

type Said = Pick<ExaminedNode, "ok" | "status" | "latencyMs" | "cause" | "error" | "startedAt">;

async function look(
  parts: { client: Client; probes: Probes; limit: Deadline; uptime: boolean; at: number },
  service: string,
  node: ServiceNode,
): Promise<Said> {
  const { client, probes, limit, uptime, at } = parts;
  const probe = await limit.race(probes.ask(client, service, node, "Debug.Health")).catch(() => undefined);
  if (probe === undefined) return { ok: false, status: "", cause: "timeout", error: LATE };
  const started = startedIn(node.metadata["started"], at);
  const startedAt = started === undefined ? {} : { startedAt: started };
  if (probe.error) {
    const cause = causeOf(probe.error);
    const heard = cause === "failed" || cause === "unknown" ? { latencyMs: probe.latencyMs } : {};
    return { ok: false, status: "", cause, error: toRecord(probe.error), ...heard, ...startedAt };
  }
  const status = statusOf(probe.answer);
  const ok = WELL.has(status.toLowerCase());
  const since = ok && uptime && started === undefined ? await startOf(parts, service, node) : startedAt;
  return { ok, status, latencyMs: probe.latencyMs, ...(ok ? {} : { cause: "unwell" }), ...since };
}

async function startOf(
  { client, probes, limit, at }: { client: Client; probes: Probes; limit: Deadline; at: number },
  service: string,
  node: ServiceNode,
): Promise<Pick<ExaminedNode, "startedAt">> {
  using own = deadline({ signal: limit.signal }, STATS_MS, node.id);
  const probe = await own.race(probes.ask(client, service, node, "Debug.Stats")).catch(() => undefined);
  const { started, uptime } = (probe?.answer ?? {}) as { readonly started?: unknown; readonly uptime?: unknown };
  const upSeconds = Number(uptime ?? 0);
  // By its uptime, since its clock may be another than ours.
  if (upSeconds > 0 && Number.isFinite(upSeconds)) return { startedAt: at - upSeconds * 1000 };
  const known = startedIn(started === undefined ? undefined : String(started), at);
  return known === undefined ? {} : { startedAt: known };
}

/** Unix seconds or milliseconds, or a date as RFC 3339 has it. */
function startedIn(text: string | undefined, now: number): number | undefined {
  if (text === undefined || text === "") return undefined;
  const number = Number(text);
  const ms = Number.isFinite(number) ? (number < 1e11 ? number * 1000 : number) : Date.parse(text);
  return ms > 0 && ms <= now + 60_000 ? ms : undefined;
}

/** What a node says that is well; one that leaves it out says nothing bad (`wire.md §9`). */
const WELL: ReadonlySet<string> = new Set(["", "ok", "healthy", "up", "passing", "serving"]);

/** What a node says of itself. */
function statusOf(answer: unknown): string {
  const status = (answer as { readonly status?: unknown } | null)?.status;
  return typeof status === "string" ? status : "";
}

/** In the words of Go's client. */
const LATE = errorRecord("go.micro.client", 408, "call timeout: context deadline exceeded");

function grouped(nodes: readonly ExaminedNode[]): readonly CauseGroup[] {
  const groups = new Map<string, { cause: Cause; said: string; nodes: string[]; since: number }>();
  for (const { id, cause, error, status, since } of nodes) {
    if (cause === undefined) continue;
    const said = cause === "unwell" ? status : cause === "failed" && error ? detailOf(error) : "";
    const key = groupOf(cause, said);
    const group = groups.get(key) ?? { cause, said, nodes: [], since };
    group.nodes.push(id);
    group.since = Math.min(group.since, since);
    groups.set(key, group);
  }
  return [...groups.values()].sort((a, b) => b.nodes.length - a.nodes.length);
}

function skew(nodes: readonly ExaminedNode[]): Examination["versions"] {
  const versions = new Map<string, { version: string; nodes: number; bad: number }>();
  for (const { version, ok } of nodes) {
    const one = versions.get(version) ?? { version, nodes: 0, bad: 0 };
    one.nodes += 1;
    if (!ok) one.bad += 1;
    versions.set(version, one);
  }
  return [...versions.values()];
}

function lastOf({ id, address, version, ok, cause, since }: ExaminedNode): LastNode {
  return { id, address, version, ok, ...(cause && { cause }), since };
}

/** Whether anything is to be written down: not that all is as it was. */
function isNews(now: readonly LastNode[], before: ReadonlyMap<string, LastNode>): boolean {
  if (now.length !== before.size) return true;
  return now.some(({ id, ok, since, goneAt }) => {
    const was = before.get(id);
    return was === undefined || was.ok !== ok || was.since !== since || was.goneAt !== goneAt;
  });
}

/** More names are not looked at. */
const MOST_DEPENDENCIES = 50;

/** Services that a service says it needs. */
export function dependenciesOf(records: readonly ServiceRecord[]): readonly string[] {
  const names = new Set<string>();
  for (const { metadata, nodes } of records) {
    for (const of of [metadata, ...nodes.slice(0, 1).map((node) => node.metadata)]) {
      for (const name of `${of["depends"] ?? ""},${of["dependencies"] ?? ""}`.split(/[\s,;]+/)) {
        if (name !== "" && name.length <= 200) names.add(name);
      }
    }
  }
  return [...names].sort().slice(0, MOST_DEPENDENCIES);
}
