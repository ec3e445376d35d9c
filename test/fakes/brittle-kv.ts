import { MicroError } from "../../src/core/errors.ts";
import type { Kv } from "../../src/platform/kv/kv.ts";
import { type MemoryShelf, memoryKv, memoryShelf } from "../../src/platform/kv/memory.ts";

/** `unreached`: nothing happens. `unanswered`: what is asked happens, and nobody hears of it. `full`: it can only be read. */
export type Failure = "unreached" | "unanswered" | "full" | undefined;

/** A store in memory that fails when it is told to, for this process alone: what is on its shelf others may share. */
export interface BrittleKv extends Kv {
  /** Until it is told otherwise. */
  fail(how: Failure): void;
  /** The same shelf, never failing. */
  readonly sound: Kv;
}

/** It is started already, and there is nothing to stop. */
export async function brittleKv(shelf: MemoryShelf = memoryShelf()): Promise<BrittleKv> {
  const sound = memoryKv({ shelf });
  await sound.start();
  let how: Failure;
  const failing =
    <A extends readonly unknown[], R>(work: (...args: A) => Promise<R>, writes = false) =>
    async (...args: A): Promise<R> => {
      if (how === "full" && writes) throw new MicroError("unavailable", "the store's disk is full");
      if (how === "unreached") throw new MicroError("unavailable", "the store is away");
      const result = await work(...args);
      if (how === "unanswered") throw new MicroError("timeout", "the store does not answer");
      return result;
    };
  return {
    ...sound,
    sound,
    get: failing(sound.get),
    list: failing(sound.list),
    put: failing(sound.put, true),
    create: failing(sound.create, true),
    update: failing(sound.update, true),
    delete: failing(sound.delete, true),
    watch: failing(sound.watch),
    fail: (now) => {
      how = now;
    },
  };
}
