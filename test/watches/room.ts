import { afterEach, expect } from "vitest";
import type { Notification } from "../../src/alerts/alert.ts";
import { readPolicy } from "../../src/bot/policy.ts";
import { health } from "../../src/commands/health.ts";
import { memoryRegistry } from "../../src/core/registry/memory.ts";
import type { Registry, ServiceRecord } from "../../src/core/registry/registry.ts";
import { type MemoryInput, memoryInput } from "../../src/inputs/memory/memory.ts";
import type { Kv } from "../../src/platform/kv/kv.ts";
import { memoryKv, memoryShelf } from "../../src/platform/kv/memory.ts";
import type { RaiseInit } from "../../src/watches/raise.ts";
import { readWatch, type Watch } from "../../src/watches/watch.ts";
import { watches } from "../../src/watches/watches.ts";
import { botOn, textOf } from "../bot/run-bot.ts";
import { type Behaviour, nodesThat, refused } from "../core/health/fake-nodes.ts";
import { type ManualClock, manualClock } from "../fakes/clock.ts";
import { type MortalKv, mortalKv } from "../fakes/mortal-kv.ts";

const NOON = Date.UTC(2026, 0, 1, 12);
export const PAY = "go.micro.srv.payments";

const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

/** What outlives a bot: its store, its registry, the nodes, the network, and time. */
export interface World {
  readonly clock: ManualClock;
  readonly shelf: ReturnType<typeof memoryShelf>;
  readonly registry: Registry;
  readonly nodes: ReturnType<typeof nodesThat>;
  readonly raised: Notification[];
}

export async function world(): Promise<World> {
  const clock = manualClock(NOON);
  const registry = memoryRegistry()({ clock });
  await registry.start();
  ends.push(() => registry.stop());
  return { clock, shelf: memoryShelf(), registry, nodes: nodesThat({}), raised: [] };
}

export interface Init {
  readonly world?: World;
  readonly rules?: string;
  readonly input?: MemoryInput;
  readonly maxOwn?: number;
  readonly max?: number;
  readonly raise?: Partial<RaiseInit>;
  readonly replica?: string;
}

let said = 0;

/** A bot that watches for people, by a clock that goes when it is told to. */
export async function watching(init: Init = {}) {
  const around = init.world ?? (await world());
  const { clock, registry, nodes, raised } = around;
  const input = init.input ?? memoryInput({ clock });
  const kv: MortalKv = mortalKv(memoryKv({ shelf: around.shelf }));
  await kv.start();
  const inbox = {
    put: async (notification: Notification) => {
      if (raised.some(({ id }) => id === notification.id)) return "known" as const;
      raised.push(notification);
      return "taken" as const;
    },
  };
  const bot = botOn([input], {
    ...{ registry, client: nodes.client, clock, store: kv, limit: "none", drainMs: 0, maxAgeMs: 3_600_000_000 },
    policy: readPolicy(init.rules ?? "members: ['*:*']", "test"),
    ...(init.replica !== undefined && { replica: { name: init.replica } }),
    // For rules that name it.
    commands: [health],
    extensions: [
      watches({
        ...{ registry, client: nodes.client },
        ...(init.maxOwn !== undefined && { maxOwn: init.maxOwn }),
        ...(init.max !== undefined && { max: init.max }),
        ...(init.raise && { raise: { inbox, everyMs: 30_000, ...init.raise } }),
      }),
    ],
  });
  await bot.start();
  const pass = async (ms: number) => {
    const until = clock.now() + ms;
    do {
      await clock.advance(Math.min(1000, Math.max(0, until - clock.now())));
      for (let turn = 0; turn < 8; turn++) await clock.advance(0);
    } while (clock.now() < until);
  };
  let over = false;
  const leave = async () => {
    if (over) return;
    const stopping = bot.stop().then(() => {
      over = true;
    });
    while (!over) await clock.advance(500);
    await stopping;
    await kv.stop();
  };
  /** The process is no more, without a good-bye. */
  const die = () => kv.die();
  ends.push(async () => {
    kv.bury();
    await leave();
  });
  /** What is said by itself from now on; each is told once. */
  let read = input.sent.length;
  const heard = (): readonly string[] => {
    const news = input.sent.slice(read).map(textOf);
    read = input.sent.length;
    return news;
  };
  const ask = async (text: string, from = "ann", room = "room"): Promise<string> => {
    const before = input.sent.length;
    input.say(text, { from, room, id: `said-${++said}` });
    await expect.poll(() => input.sent.length).toBe(before + 1);
    read = input.sent.length;
    return textOf(input.sent.at(-1));
  };
  const kept = async (): Promise<readonly Watch[]> =>
    (await inStore(around, (store) => store.list("watch."))).flatMap(({ value }) => readWatch(value) ?? []);
  // The lease is taken, and what there is is read.
  await pass(1000);
  return { ...around, world: around, bot, input, kv, pass, leave, die, heard, ask, kept };
}

/** What somebody else sees in the store, or writes there. */
export async function inStore<T>({ shelf }: Pick<World, "shelf">, work: (kv: Kv) => Promise<T>): Promise<T> {
  const kv = memoryKv({ shelf });
  await kv.start();
  try {
    return await work(kv);
  } finally {
    await kv.stop();
  }
}

/** A version of a service with nodes at `10.0.0.<n>:1`, of ids `n<n>`. */
export function version(name: string, which: string, ...numbers: readonly number[]): ServiceRecord {
  const nodes = numbers.map((n) => ({ id: `n${n}`, address: `10.0.0.${n}:1`, metadata: {} }));
  return { name, version: which, metadata: {}, endpoints: [], nodes };
}

/** What nodes do from now on. */
export function behave({ nodes }: Pick<World, "nodes">, how: "fail" | Behaviour, ...numbers: readonly number[]): void {
  for (const n of numbers) nodes.behaviours[`10.0.0.${n}:1`] = how === "fail" ? refused(`10.0.0.${n}:1`) : how;
}

export const WELL = { status: "ok" };

export const idIn = (text: string) => /watch ([0-9a-f]{6})/.exec(text)?.[1] ?? "";
