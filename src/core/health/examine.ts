import type { Client } from "../client/client.ts";
import type { Clock } from "../clock.ts";
import { type Deadline, deadline } from "../deadline.ts";
import { MicroError } from "../errors.ts";
import type { CallOptions } from "../lifecycle.ts";
import type { Registry, ServiceRecord } from "../registry/registry.ts";
import { eachAtMost } from "../registry/slices.ts";
import { askNode } from "./ask-node.ts";
import { isCallable } from "./callable.ts";
import { dependenciesOf } from "./depends.ts";
import { causesOf, type Examination, oldestOf, versionsOf } from "./examination.ts";
import type { LastKnown } from "./last.ts";
import { type Probes, probesOf } from "./probes.ts";
import { compared } from "./since.ts";

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
      nodes.map(async (node) => {
        const said = await askNode({ client, probes, limit, uptime, at }, name, node);
        return { id: node.id, address: node.address, version, ...said };
      }),
    ),
  );
  if (signal?.aborted) throw new MicroError("cancelled", `${service}: cancelled`);
  const told = await remembered;
  const { nodes, gone, news } = compared(asked, told, at);
  if (told && news) void last?.keep(service, news);
  const oldest = oldestOf(nodes);
  return {
    ...{ service, at, withinMs, nodes, gone },
    bad: nodes.filter(({ ok }) => !ok).length,
    causes: causesOf(nodes),
    versions: versionsOf(nodes),
    ...(oldest && { oldest }),
    depends: dependenciesOf(records).filter((name) => name !== service),
  };
}
