import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import type { LastNode } from "../../src/core/health/last.ts";
import type { ServiceChange } from "../../src/core/registry/service-change.ts";
import { createChanges } from "../../src/history/changes.ts";
import { createKeptHealth } from "../../src/history/last.ts";
import { HISTORY_TABLES } from "../../src/history/tables.ts";
import type { Db } from "../../src/platform/db/db.ts";
import { memoryDb } from "../../src/platform/db/memory.ts";
import { sqliteDb } from "../../src/platform/db/sqlite.ts";

const closing: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function started(db: Db): Promise<Db> {
  await db.start();
  closing.push(() => db.stop());
  return db;
}
const folder = () => {
  const path = mkdtempSync(join(tmpdir(), "micro-history-"));
  closing.push(() => rmSync(path, { recursive: true, force: true }));
  return path;
};

const change = (at: number, service = "p"): ServiceChange => ({ at, service, kind: "came", words: `${at}` });

describe("changes", () => {
  it("are the newest of each service, whatever the others do", async () => {
    const changes = createChanges({ db: await started(memoryDb(HISTORY_TABLES)), mostOfOne: 10 });
    await changes.add([change(1, "quiet")]);
    for (let at = 1; at <= 40; at++) await changes.add([change(at)]);
    const kept = await changes.lately({ service: "p", since: 0, limit: 100 });
    expect(kept.length).toBeLessThanOrEqual(11);
    expect(kept[0]?.words).toBe("40");
    expect(await changes.lately({ service: "quiet", since: 0, limit: 100 })).toHaveLength(1);
    expect((await changes.lately({ since: 39, limit: 100 })).map(({ at }) => at)).toEqual([40, 39]);
  });

  it("are there after a restart, in the order in which they were told", async () => {
    const path = join(folder(), "records.db");
    const db = sqliteDb({ path, tables: HISTORY_TABLES });
    await db.start();
    await createChanges({ db }).add([
      { ...change(5), words: "first" },
      { ...change(5), words: "second" },
    ]);
    await db.stop();
    const again = createChanges({ db: await started(sqliteDb({ path, tables: HISTORY_TABLES })) });
    expect((await again.lately({ since: 0, limit: 9 })).map(({ words }) => words)).toEqual(["second", "first"]);
  });
});

describe("the last known health", () => {
  const node: LastNode = { id: "a", address: "x:1", version: "1", ok: false, since: 7 };

  it("is there after a restart", async () => {
    const path = join(folder(), "records.db");
    const db = sqliteDb({ path, tables: HISTORY_TABLES });
    await db.start();
    const kept = createKeptHealth({ db });
    expect(await kept.of("p")).toEqual([]);
    void kept.keep("p", [{ ...node, since: 6 }]);
    void kept.keep("p", [node]);
    await kept.settled();
    await db.stop();
    expect(await createKeptHealth({ db: await started(sqliteDb({ path, tables: HISTORY_TABLES })) }).of("p")).toEqual([
      node,
    ]);
  });

  it("is known by heart where it cannot be written, and nobody's guess where it cannot be read", async () => {
    const kept = createKeptHealth({ db: memoryDb(HISTORY_TABLES) });
    expect(await kept.of("p")).toBeUndefined();
    await kept.keep("p", [node]);
    expect(await kept.of("p")).toEqual([node]);
  });
});
