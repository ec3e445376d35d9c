import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, vi } from "vitest";
import { systemClock } from "../../../src/core/clock.ts";
import type { Change } from "../../../src/platform/kv/kv.ts";
import { sqliteKv } from "../../../src/platform/kv/sqlite.ts";
import { watchSqlite } from "../../../src/platform/kv/sqlite-watch.ts";

/** Nobody waits for a look that comes by itself. */
const pollMs = 600_000;

it("tells what others wrote before what was written here, each once", async () => {
  const folder = await mkdtemp(join(tmpdir(), "micro-watch-"));
  const path = join(folder, "store.db");
  const [here, elsewhere] = [sqliteKv({ path, pollMs }), sqliteKv({ path })];
  try {
    await Promise.all([here.start(), elsewhere.start()]);
    const watcher = await here.watch("a.");
    const told: string[] = [];
    const reading = (async () => {
      for await (const { key } of watcher) told.push(key);
    })();
    for (const n of [1, 2, 3]) {
      await elsewhere.put(`a.there${n}`, "");
      await elsewhere.put(`b.there${n}`, "");
      await here.put(`a.here${n}`, "");
      await here.put(`b.here${n}`, "");
    }
    const all = [1, 2, 3].flatMap((n) => [`a.there${n}`, `a.here${n}`]);
    await vi.waitFor(() => expect(told).toEqual(all), { timeout: 5000 });
    await watcher.close();
    await reading;
    expect(told).toEqual(all);
  } finally {
    await Promise.all([here.stop(), elsewhere.stop()]);
    await rm(folder, { recursive: true, force: true });
  }
});

it("hears of what is written while it gets ready to wait again", async () => {
  const written = (revision: number) => {
    const key = `a.${revision}`;
    return { key, revision, entry: { key, value: "", revision } };
  };
  const told: string[] = [];
  const ended = new AbortController();
  let meanwhile: (() => void) | undefined = () => watch.wake([written(2)]);
  const watch = watchSqlite({
    ...{ where: "a test", clock: systemClock, pollMs, prefix: "a.", revision: 0 },
    head: () => ({ revision: 1, swept: 0 }),
    version: () => 1,
    changes: () => [],
    transactions: {
      patiently: async (_, work) => {
        const result = work();
        meanwhile?.();
        meanwhile = undefined;
        return result;
      },
      run: async () => undefined,
    },
  });
  const following = watch.follow(({ key }: Change) => void told.push(key), ended.signal);
  watch.wake([written(1)]);
  await vi.waitFor(() => expect(told).toEqual(["a.1", "a.2"]), { timeout: 5000 });
  ended.abort();
  await following;
});
