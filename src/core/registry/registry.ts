import type { CallOptions, Closable, Startable } from "../lifecycle.ts";

/** Shape of a message: a name, a type and, for a structure or list, its parts (`wire.md §1.5`). */
export interface ValueRecord {
  readonly name: string;
  readonly type: string;
  readonly values: readonly ValueRecord[];
}

export interface EndpointRecord {
  /** `Say.Hello`, or a function's name for a subscriber. */
  readonly name: string;
  /** Missing when the service did not say. */
  readonly request?: ValueRecord | undefined;
  readonly response?: ValueRecord | undefined;
  /** `{"stream":"true"}`, `{"topic":"…","subscriber":"true"}`. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** One process that answers for a service. */
export interface ServiceNode {
  /** `<service>-<server id>`. */
  readonly id: string;
  /** `host:port`, `[v6]:port`, or a bare queue name. */
  readonly address: string;
  /** `protocol` tells how to speak to it; a missing one means the 2016 envelope (`wire.md §12.2`). */
  readonly metadata: Readonly<Record<string, string>>;
  /**
   * Which registry it was found in, where several are asked: `consul`, or `consul, mdns`. Only they set it, and it never
   * travels (`metadata.registry` is what the node itself said).
   */
  readonly origin?: string;
}

/** One version of a service and the nodes that run it. Records are frozen in effect: nobody changes one, ever. */
export interface ServiceRecord {
  readonly name: string;
  readonly version: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly endpoints: readonly EndpointRecord[];
  readonly nodes: readonly ServiceNode[];
}

/**
 * Something happened to a service. `create` and `update` bring the nodes that came or changed, `delete` the nodes that
 * went; a `delete` without nodes means that the whole service is gone (`wire.md §2`).
 */
export interface RegistryEvent {
  readonly action: "create" | "update" | "delete";
  readonly service: ServiceRecord;
}

/** Live once `watch()` resolved. Leaving the loop or `close()` ends it. Iterating throws `unavailable` if the backend is lost. */
export interface Watcher extends AsyncIterable<RegistryEvent>, Closable {
  /**
   * What was registered when the watch became live, by name, when the registry had to read it all anyway (consul): a
   * cache then need not read it again.
   */
  readonly initial?: ReadonlyMap<string, readonly ServiceRecord[]> | undefined;
}

/**
 * Where services say that they exist: in `mdns.ts`, `consul.ts` and so on, one file each, which `REGISTRIES` of
 * `src/app/known.ts` names. All pass `test/contract/registry.contract.ts`.
 * Every method may be called between `start()` and `stop()` only.
 */
export interface Registry extends Startable {
  /** `consul`, `mdns`, `memory`: what nodes carry as `registry` in their metadata. */
  readonly kind: string;
  /** Where it is, for people: `consul at 127.0.0.1:8500`. Carries no secret. */
  readonly where: string;
  /** What is registered stays when this process ends (until its ttl). */
  readonly outlives: boolean;
  /**
   * Since when (epoch ms) the backend has been out of reach and answers are remembered ones; `undefined`: answers are
   * true now. Only a cache remembers; of several registries, the first
   * that was lost.
   */
  readonly lostAt?: number | undefined;
  /** What of `where` is out of reach, when that is only a part of it. */
  readonly lostWhere?: string | undefined;
  /**
   * How long (ms) what was seen may be believed, where services can vanish without a word (mdns: no goodbye from a process
   * that was killed). Missing: `watch` tells every departure.
   */
  readonly maxAgeMs?: number | undefined;
  /**
   * Adds or refreshes the record's nodes; other nodes of the version stay. `ttlMs`: gone unless registered again in time.
   * @throws MicroError `invalid_argument` (no name, no node), `unavailable`
   */
  register(service: ServiceRecord, options?: CallOptions & { readonly ttlMs?: number }): Promise<void>;
  /** Removes the record's nodes (by id); the version goes with its last node. Unknown nodes are no error. */
  deregister(service: ServiceRecord, options?: CallOptions): Promise<void>;
  /** All versions, each with at least one node. @throws MicroError `not_found` (none), `unavailable` (no backend) */
  get(name: string, options?: CallOptions): Promise<readonly ServiceRecord[]>;
  /** What `get` would answer at once, from memory: for the hot path, without a promise. `undefined`: ask `get`. */
  peek?(name: string): readonly ServiceRecord[] | undefined;
  /** Names, each once, by code point. @throws MicroError `unavailable` */
  list(options?: CallOptions): Promise<readonly string[]>;
  /** Live once the promise resolves; the past is not replayed. `service` narrows it to one name. */
  watch(options?: CallOptions & { readonly service?: string }): Promise<Watcher>;
}
