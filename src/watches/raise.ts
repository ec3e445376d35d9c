import type { Inbox } from "../alerts/alert.ts";
import { createAgenda } from "../core/agenda.ts";
import type { Clock } from "../core/clock.ts";
import { MicroError } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import type { Registry } from "../core/registry/registry.ts";
import type { Kv } from "../platform/kv/kv.ts";
import { GONE_AWAY_MS, HOLD_MS } from "./damping.ts";
import { like } from "./like.ts";
import { type Firing, goneFiring, nodeFiring, notificationOf, type Over, recordOf } from "./probed.ts";
import { createProbedStore } from "./probed-store.ts";
import type { Facts } from "./state.ts";

export interface RaiseInit {
  readonly inbox: Inbox;
  /** How often each node is asked. */
  readonly everyMs: number;
  /** Names of services, `*` for anything; none: all. */
  readonly services?: readonly string[];
  /** So many bad answers of a node in a row are an alert. @default 2 */
  readonly badInRow?: number;
}

/** Raises alerts of services that are asked on an interval, without anybody who watches them. */
export interface Raise {
  /** How often a service is to be asked; `undefined`: it is none of ours. */
  wanted(service: string): number | undefined;
  onFacts(service: string, facts: Facts, probed: boolean): void;
  onName(service: string): void;
  /** Looks for services from the beginning. */
  onBegin(): void;
  /** Until the signal. Never rejects. */
  run(signal: AbortSignal): Promise<void>;
}

interface Probed {
  readonly service: string;
  /** Bad answers in a row, by node. */
  readonly bad: Map<string, number>;
  readonly firing: Map<string, Firing>;
  gone: Firing | undefined;
  over: Over[];
  nodes: ReadonlySet<string>;
  /** Of those that went since the last that came: whether they had answered before they went. */
  left: { good: number; bad: number };
  /** What is in the store is as it is here. */
  told: boolean;
  /** It fired before this process looked. */
  loaded: boolean;
  /** It fired before this process looked, and who wrote that down may not have lived to tell it. */
  untold: boolean;
  telling: boolean;
}

const AGAIN_MS = 5000;
/** More services are not asked. */
const MOST_SERVICES = 10_000;

/**
 * A node fires after `badInRow` bad answers, and no more when it answers or has left the registry. Who stops properly deregisters while
 * it still answers, and who dies stays registered and answers no more until its ttl is over: so a service whose last nodes went without
 * an answer before has died, and that is an alert until a node is back.
 */
export function createRaise(
  { inbox, everyMs, services = [], badInRow = 2 }: RaiseInit,
  parts: {
    readonly registry: Registry;
    readonly kv: Kv;
    readonly clock: Clock;
    readonly log: Log;
    /** What is wanted of that service has changed. */
    readonly want: (service: string) => void;
  },
): Raise {
  const { registry, kv, clock, log, want } = parts;
  const store = createProbedStore(kv);
  const all = new Map<string, Probed>();
  const agenda = createAgenda(clock);
  const working = new Set<Promise<void>>();
  let ended: AbortSignal | undefined;
  const isOurs = (service: string) =>
    !service.startsWith("topic:") && (services.length === 0 || services.some((pattern) => like(service, pattern)));

  const add = (service: string): Probed | undefined => {
    const known = all.get(service);
    if (known || !isOurs(service) || all.size >= MOST_SERVICES) return known;
    const fresh: Probed = {
      ...{ service, bad: new Map(), firing: new Map(), gone: undefined, over: [], nodes: new Set() },
      ...{ left: { good: 0, bad: 0 }, told: true, telling: false, loaded: false },
      untold: false,
    };
    all.set(service, fresh);
    return fresh;
  };
  const over = (one: Probed, firing: Firing | undefined, node?: string) => {
    if (firing) one.over.push({ firing, at: clock.now(), ...(node !== undefined && { node }) });
    one.told = false;
  };
  /** It is known by now how it is, so what was written down before is told, or that it is over. */
  const sure = (one: Probed) => {
    if (one.untold) one.told = false;
    one.untold = false;
  };
  /** Who came and who went. */
  const counted = (one: Probed, seen: NonNullable<Facts["seen"]>) => {
    const here = new Set(seen.nodes.map(({ id }) => id));
    let came = false;
    for (const id of here) if (!one.nodes.has(id)) came = true;
    if (came) one.left = { good: 0, bad: 0 };
    for (const id of one.nodes) {
      if (here.has(id)) continue;
      if ((one.bad.get(id) ?? 0) > 0) one.left.bad += 1;
      else one.left.good += 1;
      one.bad.delete(id);
    }
    one.nodes = here;
    if (here.size > 0 && one.gone) {
      over(one, one.gone);
      one.gone = undefined;
    }
    const absent = here.size === 0 || [...one.firing.keys()].some((id) => !here.has(id));
    if (absent && agenda.dueOf(one.service) === undefined)
      agenda.set(one.service, clock.now() + (one.loaded ? GONE_AWAY_MS : HOLD_MS));
  };
  const asked = (one: Probed, examination: NonNullable<Facts["examination"]>) => {
    for (const node of examination.nodes) {
      const { id, ok, cause } = node;
      if (!one.nodes.has(id) || cause === "unasked") continue;
      // One that does not know the question has answered.
      if (ok || cause === "unknown") {
        one.bad.delete(id);
        const was = one.firing.get(id);
        if (one.firing.delete(id)) over(one, was, id);
        continue;
      }
      const times = (one.bad.get(id) ?? 0) + 1;
      one.bad.set(id, times);
      if (times < badInRow || one.firing.has(id)) continue;
      one.firing.set(id, nodeFiring(node, examination, clock.now()));
      one.told = false;
    }
  };
  /** What was not there for a while has gone. */
  const settle = (one: Probed) => {
    one.loaded = false;
    sure(one);
    for (const [id, firing] of [...one.firing]) {
      if (one.nodes.has(id)) continue;
      one.firing.delete(id);
      over(one, firing, id);
    }
    if (one.nodes.size > 0 || one.gone) return;
    const { good, bad } = one.left;
    if (bad > 0 && good === 0) {
      one.gone = goneFiring(one.service, bad, clock.now());
      one.told = false;
    }
  };
  const write = (one: Probed, ends: readonly Over[]) =>
    store.keep(one.service, recordOf(one.service, one.firing, one.gone, ends));
  /**
   * Written down before it is told that it fires, and until it is told that it is over: told twice it is known in the inbox, and
   * what nobody knows of would never end there.
   */
  const put = async (one: Probed) => {
    const ends = [...one.over];
    one.told = true;
    try {
      const firing = [...one.firing.values(), ...(one.gone ? [one.gone] : [])];
      const said = notificationOf(one.service, firing, ends, clock.now());
      await write(one, ends);
      await inbox.put(said);
      one.over = one.over.filter((each) => !ends.includes(each));
      await write(one, one.over);
    } catch (error) {
      one.told = false;
      agenda.set(one.service, clock.now() + AGAIN_MS);
      log.warn({ service: one.service, reason: MicroError.from(error).message }, "an alert waits: it cannot be kept");
    }
  };
  const tell = (one: Probed) => {
    if (one.told || one.telling || ended?.aborted !== false) return;
    one.telling = true;
    const work: Promise<void> = put(one).then(() => {
      one.telling = false;
      working.delete(work);
      if (one.told) forget(one);
      else if (agenda.dueOf(one.service) === undefined) tell(one);
    });
    working.add(work);
  };
  const forget = (one: Probed) => {
    if (one.nodes.size > 0 || one.firing.size > 0 || one.gone || agenda.dueOf(one.service) !== undefined) return;
    all.delete(one.service);
    want(one.service);
  };
  const onDue = (service: string) => {
    const one = all.get(service);
    if (one === undefined) return;
    settle(one);
    tell(one);
    if (one.told && !one.telling) forget(one);
  };
  /** What fired when another looked after it. */
  const load = async () => {
    for (const record of await store.list()) {
      const one = add(record.service);
      if (one === undefined) {
        // Nobody asks it any more, so nobody would ever say that it is over.
        const firing = [...Object.values(record.nodes), ...(record.gone ? [record.gone] : [])];
        const now = clock.now();
        await inbox.put(
          notificationOf(
            record.service,
            [],
            firing.map((each) => ({ firing: each, at: now })),
            now,
          ),
        );
        await store.keep(record.service, undefined);
        continue;
      }
      for (const [id, firing] of Object.entries(record.nodes)) {
        one.firing.set(id, firing);
        one.bad.set(id, badInRow);
      }
      one.nodes = new Set([...one.nodes, ...Object.keys(record.nodes)]);
      one.gone = record.gone;
      one.loaded = true;
      one.untold = true;
    }
  };
  const find = async () => {
    const names = await registry.list({ ...(ended && { signal: ended }) }).catch(() => []);
    for (const name of names) if (add(name)) want(name);
  };
  const patiently = async (signal: AbortSignal, work: () => Promise<void>) => {
    while (!signal.aborted) {
      try {
        return await work();
      } catch (error) {
        if (signal.aborted) return;
        log.warn({ reason: MicroError.from(error).message }, "what fired before cannot be read; I look again");
        await clock.sleep(AGAIN_MS, { signal }).catch(() => {});
      }
    }
  };

  return {
    wanted: (service) => (all.has(service) ? everyMs : undefined),
    onFacts: (service, { seen, examination }, probed) => {
      const one = all.get(service);
      if (one === undefined || seen === undefined || ended === undefined) return;
      counted(one, seen);
      if (probed && examination) {
        asked(one, examination);
        sure(one);
      }
      tell(one);
    },
    onName: (service) => {
      if (ended && !all.has(service) && add(service)) want(service);
    },
    onBegin: () => {
      if (ended) void find();
    },
    run: async (signal) => {
      await patiently(signal, load);
      ended = signal;
      for (const service of all.keys()) want(service);
      await find();
      await agenda.run(onDue, signal);
      await Promise.all(working);
    },
  };
}
