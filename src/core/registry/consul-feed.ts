import type { Clock } from "../clock.ts";
import { MicroError } from "../errors.ts";
import { readCatalogue } from "./consul-catalogue.ts";
import { criticalKey, type HealthDecoder } from "./consul-health.ts";
import type { ConsulAnswer, ConsulHttp } from "./consul-http.ts";
import type { RegistryEvent } from "./registry.ts";
import { eachAtMost } from "./slices.ts";
import { changes, NO_VERSIONS, type Versions } from "./versions.ts";

export interface FeedParts {
  readonly http: ConsulHttp;
  readonly decoder: HealthDecoder;
  readonly clock: Clock;
  publish(event: RegistryEvent): void;
}

/** What is known of one service. */
interface Known {
  readonly versions: Versions;
  readonly critical: ReadonlySet<string>;
  readonly machines: readonly string[];
  /** Consul's index of the answer; the same index again means the same answer. */
  readonly index: number;
}

/** All of a Consul catalogue, kept up to date until it fails. */
export interface ConsulFeed {
  /** What is there now, by name. */
  current(): ReadonlyMap<string, Versions>;
  /** Runs until the signal aborts or Consul is lost; rejects in both cases. */
  follow(): Promise<never>;
}

const FETCHES = 8;
/** How long a blocking query waits for something to happen. The catalogue's answer is large, so it is asked for rarely. */
const CATALOGUE_WAIT_MS = 60_000;
/** The critical checks are few; asking for them is also how a frozen agent is noticed. */
const CRITICAL_WAIT_MS = 10_000;
/** Changes come in bursts: this is waited for after each, at least, or twice as long as working on it took. */
const SETTLE_MS = 20;
/** How long after a change of the catalogue everything is looked through, see `follow`. */
const VERIFY_AFTER_MS = 300;

/**
 * Follows Consul without polling and on ten connections, however many services there are: one blocking query waits on the
 * list of services, one on the critical checks; both only tell *that* something changed, so what they tell is compared
 * with what is known, and the services that differ are read again, eight at once.
 *
 * - A name that came or went, or whose tags have another length, is read at once.
 * - A service is also read again when the critical checks that it was read with are not the ones there are now. So a node
 *   whose ttl ended, or that passed its first check, is noticed whatever came in which order.
 * - The list does not tell when an instance came or went whose tags others have too. So some time after each change of the
 *   list all services are read once; what has the same index is not decoded.
 *
 * The index starts again at 0 when it goes down (`wire.md §2.1`). Any failure ends the feed; whoever wants more opens another.
 */
export async function openConsulFeed(
  { http, decoder, clock, publish }: FeedParts,
  signal: AbortSignal,
): Promise<ConsulFeed> {
  const services = new Map<string, Known>();
  /** Names in the catalogue, and how many bytes their tags have. */
  let names: ReadonlyMap<string, number> = new Map();
  let byService: ReadonlyMap<string, ReadonlySet<string>> = new Map();
  let byMachine: ReadonlyMap<string, ReadonlySet<string>> = new Map();
  /** Counts the answers about critical checks, to tell what was read before the last of them. */
  let criticalSeen = 0;
  const dirty = new Set<string>();
  let reading: Promise<void> | undefined;
  /** While it opens, what is found is the beginning and no news. */
  let live = false;
  const tell = (before: Versions, after: Versions) => {
    if (live) for (const event of changes(before, after)) publish(event);
  };

  const read = async (name: string): Promise<void> => {
    const readAt = criticalSeen;
    const { index, bytes } = await http.health(name, { signal });
    if (!names.has(name)) return; // it went while it was read
    const before = services.get(name);
    if (before === undefined || index === 0 || index !== before.index) {
      const { versions, critical, machines } = decoder.decode(name, bytes);
      const after = { versions, critical: new Set(critical), machines, index };
      services.set(name, after);
      tell(before?.versions ?? NO_VERSIONS, versions);
      if (readAt < criticalSeen && disagrees(name, after)) dirty.add(name);
    }
  };
  /** Reads what is dirty, until nothing is. One at a time; later calls wait for the same. */
  const readDirty = async (): Promise<void> => {
    if (dirty.size === 0) return reading;
    reading ??= (async () => {
      try {
        while (dirty.size > 0) {
          const batch = [...dirty];
          dirty.clear();
          await eachAtMost(FETCHES, batch, read);
        }
      } finally {
        reading = undefined;
      }
    })();
    return reading;
  };
  /** Its critical checks are not those that it was read with. */
  const disagrees = (name: string, { critical, machines }: Known): boolean => {
    const now = new Set(byService.get(name));
    for (const machine of machines) for (const key of byMachine.get(machine) ?? []) now.add(key);
    return now.size !== critical.size || [...now].some((key) => !critical.has(key));
  };

  const takeCatalogue = async ({ bytes }: ConsulAnswer): Promise<void> => {
    const before = names;
    const now = await readCatalogue(bytes);
    names = now;
    for (const name of before.keys()) {
      if (now.has(name)) continue;
      const known = services.get(name);
      services.delete(name);
      dirty.delete(name);
      tell(known?.versions ?? NO_VERSIONS, NO_VERSIONS);
    }
    for (const [name, length] of now) if (before.get(name) !== length) dirty.add(name);
    decoder.keepOnly(now);
  };
  const takeCritical = ({ bytes }: ConsulAnswer): void => {
    ({ byService, byMachine } = readCritical(bytes));
    criticalSeen += 1;
    for (const [name, known] of services) if (disagrees(name, known)) dirty.add(name);
  };

  /** Asks again and again, waiting at Consul; hands over only what is new. */
  const wait = async (
    ask: (index: number) => Promise<ConsulAnswer>,
    from: number,
    take: (answer: ConsulAnswer) => Promise<void>,
  ): Promise<never> => {
    let index = from;
    for (;;) {
      const answer = await ask(index);
      const began = performance.now();
      if (answer.index !== index || index === 0) {
        // Down means that Consul began anew, for instance a server restored from a backup.
        const again = answer.index < index;
        index = again ? 0 : answer.index;
        if (again) for (const [name, known] of services) services.set(name, { ...known, index: 0 });
        await take(answer);
        if (again) for (const name of names.keys()) dirty.add(name);
        await readDirty();
      }
      // Without an index there is nothing to wait on: this is polling then, and slow.
      const pauseMs = index === 0 ? 1000 : Math.max(SETTLE_MS, 2 * (performance.now() - began));
      await clock.sleep(pauseMs, { signal });
    }
  };

  let changed = () => {};
  let changedAt: Promise<void> = new Promise((resolve) => {
    changed = resolve;
  });
  const verify = async (): Promise<never> => {
    for (;;) {
      await changedAt;
      changedAt = new Promise((resolve) => {
        changed = resolve;
      });
      await clock.sleep(VERIFY_AFTER_MS, { signal });
      const began = performance.now();
      for (const name of names.keys()) dirty.add(name);
      await readDirty();
      await clock.sleep(performance.now() - began, { signal });
    }
  };

  const [catalogue, critical] = await Promise.all([http.services({ signal }), http.critical({ signal })]);
  takeCritical(critical);
  await takeCatalogue(catalogue);
  await readDirty();
  live = true;

  return {
    current: () =>
      new Map([...services].flatMap(([name, { versions }]) => (versions.length > 0 ? [[name, versions]] : []))),
    follow: () => {
      // The one that fails takes the others along, through the signal that the caller aborts then.
      const ended = new Promise<never>((_, reject) => {
        signal.addEventListener("abort", () => reject(MicroError.from(signal.reason)), { once: true });
      });
      const catalogueLoop = wait(
        (index) => http.services({ index, waitMs: CATALOGUE_WAIT_MS, signal }),
        catalogue.index,
        async (answer) => {
          await takeCatalogue(answer);
          changed();
        },
      );
      const criticalLoop = wait(
        (index) => http.critical({ index, waitMs: CRITICAL_WAIT_MS, signal }),
        critical.index,
        async (answer) => takeCritical(answer),
      );
      return Promise.race([ended, catalogueLoop, criticalLoop, verify()]);
    },
  };
}

/** Critical checks by service, and those of whole machines, which are checks without a service. */
function readCritical(bytes: Buffer): {
  readonly byService: ReadonlyMap<string, ReadonlySet<string>>;
  readonly byMachine: ReadonlyMap<string, ReadonlySet<string>>;
} {
  const byService = new Map<string, Set<string>>();
  const byMachine = new Map<string, Set<string>>();
  for (const { Node, CheckID, ServiceID, ServiceName } of parse(bytes)) {
    const [map, key] = ServiceID ? [byService, ServiceName] : [byMachine, Node];
    const keys = map.get(key) ?? new Set();
    map.set(key, keys.add(criticalKey(Node, CheckID)));
  }
  return { byService, byMachine };
}

interface CriticalCheck {
  readonly Node: string;
  readonly CheckID: string;
  readonly ServiceID: string;
  readonly ServiceName: string;
}

function parse(bytes: Buffer): readonly CriticalCheck[] {
  try {
    const json: unknown = JSON.parse(bytes.toString());
    if (Array.isArray(json)) return json;
  } catch {
    // said below
  }
  throw new MicroError("unavailable", "consul's list of critical checks is not JSON of the expected shape");
}
