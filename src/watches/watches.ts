import type { Extension, House } from "../commands/house.ts";
import { sharedAbort } from "../core/abort.ts";
import type { Client } from "../core/client/client.ts";
import type { LastKnown } from "../core/health/last.ts";
import type { Registry } from "../core/registry/registry.ts";
import { createLeading } from "../platform/leading.ts";
import type { Lease } from "../platform/lease.ts";
import { watchCommands } from "./commands.ts";
import { createEngine, type Engine } from "./engine.ts";
import { createLookout, type Lookout } from "./lookout.ts";
import { createRaise, type Raise, type RaiseInit } from "./raise.ts";
import { createWatchStore } from "./store.ts";
import { createTeller } from "./teller.ts";

export interface WatchesInit {
  readonly registry: Registry;
  readonly client: Client;
  /** How nodes were before, so that since when can be told. */
  readonly last?: LastKnown;
  /** Alerts of what is asked on an interval, whoever watches it. Left out: none. */
  readonly raise?: RaiseInit;
  /** How many watches one person may have. @default 100 */
  readonly maxOwn?: number;
  /** And all people. @default 10000 */
  readonly max?: number;
  /** How long the others wait before one of them takes over. @default 10000 */
  readonly leaseMs?: number;
}

const KEY = "watches.worker";
/** How often it is looked whether it is this process's turn. */
const TURN_MS = 500;
/** What is being said when the bot stops has so long to be said. */
const DRAIN_MS = 5000;

/**
 * `watch …`: people are told when something changes. Watches are keys in the store, so they outlive the bot; one of all replicas looks
 * after them, and raises alerts.
 */
export function watches(init: WatchesInit): (house: House) => Extension {
  return (house) => {
    const { kv, clock, log } = house;
    const store = createWatchStore(kv);
    const ended = sharedAbort();
    const leading = createLeading({
      ...{ kv, key: KEY, clock, log, what: "watches", turnMs: TURN_MS },
      ...(init.leaseMs !== undefined && { leaseMs: init.leaseMs }),
    });
    const { lease } = leading;

    let going: Promise<unknown> | undefined;
    return {
      commands: watchCommands({ ...init, house, store }),
      start: async () => {
        going = leading.run((signal) => [lookAfter(init, house, store, lease, signal)], ended.signal);
      },
      stop: async () => {
        ended.abort();
        const over = new AbortController();
        await Promise.race([going, clock.sleep(DRAIN_MS, { signal: over.signal }).catch(() => {})]);
        over.abort();
        await lease.stop();
      },
    };
  };
}

async function lookAfter(
  init: WatchesInit,
  house: House,
  store: ReturnType<typeof createWatchStore>,
  lease: Lease,
  signal: AbortSignal,
): Promise<void> {
  const { registry, client, last } = init;
  const { kv, clock, log } = house;
  const raise: Raise | undefined =
    init.raise && createRaise(init.raise, { registry, kv, clock, log, want: (service) => engine.want(service) });
  const lookout: Lookout = createLookout({
    ...{ registry, client, clock, log, ...(last && { last }) },
    onFacts: (service, facts, probed) => {
      engine.onFacts(service, facts, probed);
      raise?.onFacts(service, facts, probed);
    },
    ...(raise && { onName: raise.onName, onBegin: raise.onBegin }),
  });
  const engine: Engine = createEngine({
    ...{ house, store, lookout, teller: createTeller(house, store), leads: () => lease.held() },
    ...(raise && { wanted: raise.wanted }),
  });
  await Promise.all([lookout.run(signal), engine.run(signal), raise?.run(signal)]);
}
