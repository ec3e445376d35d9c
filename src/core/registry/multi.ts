import { type Clock, systemClock } from "../clock.ts";
import { deadline, orAbort } from "../deadline.ts";
import { type ErrorCode, MicroError } from "../errors.ts";
import type { CallOptions } from "../lifecycle.ts";
import { type Log, silent } from "../log.ts";
import { createFeedWatches } from "./feed.ts";
import { joinRecords } from "./join.ts";
import { openMultiFeed } from "./multi-feed.ts";
import type { Registry, ServiceNode, ServiceRecord } from "./registry.ts";
import { checkRegistrable, NO_VERSIONS, notFound, sortedNames, type Versions } from "./versions.ts";

const TIMEOUT_MS = 5000;
/** What of the time each registry gets, so that a frozen one does not take the answers of the others along. */
const SHARE = 0.8;
/** Services whose merged record is remembered. */
const MAX_MERGED = 20_000;
/** Errors that say nothing about the registry. */
const OURS: ReadonlySet<ErrorCode> = new Set(["cancelled", "invalid_argument", "not_found", "unimplemented"]);

/**
 * Several registries as one. Records are joined by name, version and node id; each node says in `origin` which registry it
 * was found in, by kind (or by where, when two are of one kind).
 *
 * - One that is down does not stop the others: it is warned of once and named in `lostWhere`. Only when a service is
 *   found nowhere and somebody could not be asked, `get` says `unavailable` and not `not_found`.
 * - `register` goes to all and fails when none took it: the heartbeat tries the others again. `deregister` goes to all and
 *   fails when one failed, since the node is still found there.
 * - A node that goes from one registry while another has it is no `delete`, but an `update` of its `origin`.
 *
 * It owns the registries: starts and stops them. Give it `cached` ones: then what a lost one knew is still answered.
 *
 * @throws MicroError `invalid_argument` when there is none
 */
export function multiRegistry(
  registries: readonly Registry[],
): (parts?: { readonly clock?: Clock; readonly log?: Log }) => Registry {
  if (registries.length === 0) throw new MicroError("invalid_argument", "several registries need at least one");
  return ({ clock = systemClock, log = silent } = {}) => {
    const where = registries.map((each) => each.where).join(" and ");
    const origins = registries.map(({ kind, where: at }) =>
      registries.filter((each) => each.kind === kind).length === 1 ? kind : at,
    );
    /** Epoch ms since when a registry fails, as far as its answers tell. */
    const failing = new Map<Registry, number>();
    const merged = new Map<string, { readonly said: readonly Versions[]; readonly versions: Versions }>();

    const answered = (registry: Registry) => {
      if (failing.delete(registry)) log.info({ registry: registry.kind, where: registry.where }, "registry is back");
    };
    const failed = (registry: Registry, error: unknown) => {
      const { code, message } = MicroError.from(error, "unavailable");
      if (OURS.has(code) || failing.has(registry)) return;
      failing.set(registry, clock.now());
      log.warn(
        { registry: registry.kind, where: registry.where, code, err: message },
        "registry lost, going on without",
      );
    };
    const lost = () => registries.filter((each) => each.lostAt !== undefined || failing.has(each));

    const merge = (said: readonly Versions[], before: Versions): Versions => {
      const found = new Map<string, string[]>();
      const key = ({ version }: ServiceRecord, { id }: ServiceNode) => JSON.stringify([version, id]);
      for (const [at, versions] of said.entries()) {
        for (const record of versions) {
          for (const node of record.nodes) {
            const places = found.get(key(record, node)) ?? [];
            found.set(key(record, node), [...places, origins[at] as string]);
          }
        }
      }
      const tagged = said.flat().map((record) => ({
        ...record,
        nodes: record.nodes.map((node) =>
          Object.freeze({ ...node, origin: found.get(key(record, node))?.join(", ") ?? "" }),
        ),
      }));
      return joinRecords(tagged, before);
    };
    /** The same again when all registries say the same again. */
    const mergedOf = (name: string, said: readonly Versions[]): Versions => {
      const known = merged.get(name);
      if (known?.said.every((versions, at) => versions === said[at])) return known.versions;
      const versions = merge(said, known?.versions ?? NO_VERSIONS);
      merged.delete(name);
      if (merged.size >= MAX_MERGED) merged.delete(merged.keys().next().value as string);
      if (versions.length > 0) merged.set(name, { said, versions });
      return versions;
    };

    /** Asks all; an answer or an error of each. `fine`: errors that are answers. */
    const askAll = async <T>(
      options: CallOptions,
      ask: (registry: Registry, options: CallOptions) => Promise<T>,
      fine: (error: MicroError) => boolean = () => false,
    ): Promise<readonly (T | MicroError)[]> => {
      const { timeoutMs = TIMEOUT_MS } = options;
      using limit = deadline(options, TIMEOUT_MS, where);
      limit.check();
      const each = { signal: limit.signal, timeoutMs: Math.ceil(timeoutMs * SHARE) };
      const one = async (registry: Registry): Promise<T | MicroError> => {
        try {
          const answer = await ask(registry, each);
          answered(registry);
          return answer;
        } catch (thrown) {
          const error = MicroError.from(thrown);
          if (fine(error)) answered(registry);
          else failed(registry, error);
          return error;
        }
      };
      return await orAbort(Promise.all(registries.map(one)), limit.signal);
    };

    const watches = createFeedWatches(where, (publish, signal) =>
      openMultiFeed({ registries, clock, merge, publish, answered, failed }, signal),
    );

    const peeks = registries.flatMap((each) => each.peek?.bind(each) ?? []);
    const peek = (name: string): Versions | undefined => {
      const said = peeks.map((each) => each(name) ?? NO_VERSIONS);
      const versions = mergedOf(name, said);
      return versions.length === 0 ? undefined : versions;
    };
    const maxAges = registries.flatMap(({ maxAgeMs }) => maxAgeMs ?? []);

    return {
      kind: "multi",
      where,
      outlives: registries.some((each) => each.outlives),
      maxAgeMs: maxAges.length === 0 ? undefined : Math.min(...maxAges),
      get lostAt() {
        const since = lost().flatMap((each) => each.lostAt ?? failing.get(each) ?? []);
        return since.length === 0 ? undefined : Math.min(...since);
      },
      get lostWhere() {
        const gone = lost();
        return gone.length === 0 ? undefined : gone.map((each) => each.where).join(" and ");
      },
      start: async (options = {}) => {
        const answers = await askAll(options, (each, call) => each.start(call));
        if (answers.every((answer) => answer instanceof MicroError)) throw answers[0];
      },
      stop: async () => {
        await watches.stop(new MicroError("unavailable", `the registry (${where}) was stopped`));
        await Promise.all(registries.map((each) => each.stop()));
        failing.clear();
        merged.clear();
      },
      register: async (service, options = {}) => {
        checkRegistrable(service);
        const { ttlMs } = options;
        const record = withoutOrigin(service);
        const answers = await askAll(options, (each, call) =>
          each.register(record, { ...call, ...(ttlMs !== undefined && { ttlMs }) }),
        );
        if (answers.every((answer) => answer instanceof MicroError)) throw answers[0];
      },
      deregister: async (service, options = {}) => {
        const record = withoutOrigin(service);
        const answers = await askAll(options, (each, call) => each.deregister(record, call));
        for (const answer of answers) if (answer instanceof MicroError) throw answer;
      },
      get: async (name, options = {}) => {
        const absent = ({ code }: MicroError) => code === "not_found";
        const answers = await askAll(options, (each, call) => each.get(name, call), absent);
        const versions = mergedOf(
          name,
          answers.map((answer) => (answer instanceof MicroError ? NO_VERSIONS : answer)),
        );
        if (versions.length > 0) return versions;
        for (const answer of answers) {
          if (!(answer instanceof MicroError) || absent(answer)) continue;
          const message = `no service "${name}" was found, and not all could be asked: ${answer.message}`;
          throw new MicroError(answer.code, registries.length === 1 ? answer.message : message, { cause: answer });
        }
        throw notFound(name, where);
      },
      ...(peeks.length === registries.length && { peek }),
      list: async (options = {}) => {
        const answers = await askAll(options, (each, call) => each.list(call));
        const lists = answers.flatMap((answer) => (answer instanceof MicroError ? [] : [answer]));
        if (lists.length === 0) throw answers[0];
        return sortedNames(new Set(lists.flat()));
      },
      watch: watches.watch,
    };
  };
}

/** As it is registered: where a node was found is no part of it. */
function withoutOrigin(service: ServiceRecord): ServiceRecord {
  if (service.nodes.every(({ origin }) => origin === undefined)) return service;
  return { ...service, nodes: service.nodes.map(({ origin: _, ...node }) => node) };
}
