import { afterEach, expect } from "vitest";
import type { BotInit } from "../../src/bot/bot.ts";
import { readPolicy } from "../../src/bot/policy.ts";
import { type MemoryInput, memoryInput } from "../../src/inputs/memory/memory.ts";
import type { Kv } from "../../src/platform/kv/kv.ts";
import { botOn } from "../bot/run-bot.ts";
import { type ManualClock, manualClock } from "./clock.ts";
import { type MortalKv, mortalKv } from "./mortal-kv.ts";
import { type SharedChat, sharedChat } from "./shared-chat.ts";
import type { Space } from "./stores.ts";

const opened: { bury(): void; stop(): Promise<void> }[] = [];
afterEach(async () => {
  // First all of them end, then what hangs in them is cleared away.
  for (const one of opened) one.bury();
  await Promise.all(opened.splice(0).map((one) => one.stop()));
});

const STEP_MS = 1000;
/** A store that answers at all has done by then whatever is waited for. */
const PATIENCE_MS = 30_000;

/** One process of a bot, as a test makes it beside what all of them have. */
export interface Made {
  readonly bot: Partial<BotInit>;
  /** After the bot. */
  stop?(): Promise<void>;
}

export type Replica<T> = T & {
  readonly by: number;
  readonly kv: MortalKv;
  readonly own: MemoryInput;
  /** It is stopped properly. */
  leave(): Promise<void>;
};

export interface Replicas<T> {
  readonly all: readonly Replica<T>[];
  /** Those that have neither died nor left. */
  alive(): readonly Replica<T>[];
  readonly chat: SharedChat;
  readonly clock: ManualClock;
  /** The store as somebody sees it who is none of them. */
  readonly eye: Kv;
  pass(ms: number): Promise<void>;
  /** Time goes by until that is so. @param what it is, for who reads why a test has failed */
  until(what: string, so: () => boolean | Promise<boolean>): Promise<void>;
  /** One more, or one that was started again. */
  another(): Promise<Replica<T>>;
}

/** So many bots on one store and one network, by one clock that goes when it is told to. */
export async function replicasOn<T extends Made>(
  space: Space,
  count: number,
  startAt: number,
  make: (kv: MortalKv, clock: ManualClock, input: MemoryInput) => Promise<T>,
): Promise<Replicas<T>> {
  const clock = manualClock(startAt);
  const chat = sharedChat();
  const all: Replica<T>[] = [];
  const another = async () => {
    const by = all.length;
    const kv = mortalKv(space());
    await kv.start();
    const own = memoryInput({ clock });
    const made = await make(kv, clock, own);
    const bot = botOn([chat.input(kv, own)], {
      ...{ clock, store: kv, limit: "none", drainMs: 0, maxAgeMs: 3_600_000_000 },
      policy: readPolicy("members: ['*:*']", "test"),
      replica: { name: `r${by}` },
      ...made.bot,
    });
    await bot.start();
    const stop = async () => {
      let over = false;
      const stopping = bot.stop().then(() => {
        over = true;
      });
      while (!over) await clock.advance(STEP_MS);
      await stopping;
      await made.stop?.();
      await kv.stop();
      kv.bury();
    };
    let gone: Promise<void> | undefined;
    const leave = () => {
      gone ??= stop();
      return gone;
    };
    opened.push({ bury: kv.bury, stop: leave });
    const one = { ...made, by, kv, own, leave };
    all.push(one);
    return one;
  };
  for (let by = 0; by < count; by++) await another();
  const alive = () => all.filter(({ kv }) => !kv.dead);
  /** Nobody has anything left to ask of the store. */
  const quiet = async () => {
    for (let turns = 0; turns < 4; ) {
      await new Promise((resolve) => setImmediate(resolve));
      turns = alive().some(({ kv }) => kv.pending > 0) ? 0 : turns + 1;
    }
  };
  const pass = async (ms: number) => {
    const end = clock.now() + ms;
    while (clock.now() < end) {
      await clock.advance(Math.min(STEP_MS, end - clock.now()));
      await quiet();
    }
  };
  // Whose process ends while it is asked never answers.
  const eye = space();
  await eye.start();
  opened.push({ bury: () => {}, stop: () => eye.stop() });
  const until = async (what: string, so: () => boolean | Promise<boolean>) => {
    for (const end = performance.now() + PATIENCE_MS; !(await so()); ) {
      if (performance.now() > end) {
        expect.unreachable(`${what}\n${JSON.stringify({ seen: chat.seen, store: await eye.list("") }, undefined, 1)}`);
      }
      await pass(STEP_MS);
      // What a store tells by itself takes its own time.
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  };
  return { all, alive, chat, clock, eye, pass, until, another };
}

/** Where a process may die. */
export interface Point {
  readonly where: string;
  readonly when: "before" | "after";
  /** Over every kind of store, and not only in memory. */
  readonly everywhere?: true;
}

/** All points where a process may die; over what differs only in how it is asked, some. */
export const pointsFor = <T extends Point>(kind: string, points: readonly T[]): readonly T[] =>
  kind === "memory" ? points : points.filter(({ everywhere }) => everywhere);
