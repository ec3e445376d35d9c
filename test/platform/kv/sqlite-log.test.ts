import { mkdtemp, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { sqliteDb } from "../../../src/platform/db/sqlite.ts";
import { sqliteKv } from "../../../src/platform/kv/sqlite.ts";
import { openLog } from "../../../src/platform/kv/sqlite-log.ts";

/** A disk that fails from now on, for whoever opens a log. */
const disk = vi.hoisted(() => ({ failing: false }));
vi.mock("../../../src/platform/kv/sqlite-log.ts", async (original) => {
  const { openLog } = await original<typeof import("../../../src/platform/kv/sqlite-log.ts")>();
  return {
    openLog: async (path: string) => {
      const [real, broken] = [await openLog(path), await openLog(`${path}-broken`).catch(() => undefined)];
      return {
        check: () => (broken ?? real).check(),
        sync: () => (disk.failing ? (broken ?? real) : real).sync(),
        close: async () => void (await Promise.all([real.close(), broken?.close()])),
      };
    },
  };
});

let folder = "";
let path = "";
beforeEach(async () => {
  disk.failing = false;
  folder = await mkdtemp(join(tmpdir(), "micro-log-"));
  path = join(folder, "store.db");
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** What takes everything and cannot be synced. */
const breakLog = (of: string) => symlink("/dev/null", `${of}-wal`);
const told = { code: "unavailable", message: expect.stringMatching(/the disk did not keep .*start the bot again$/) };

describe("the log of SQLite", () => {
  it("is put on the disk", async () => {
    await writeFile(`${path}-wal`, "what was committed");
    const log = await openLog(path);
    await log.sync();
    log.check();
    await log.close();
  });

  it("is not asked again once the disk has failed: what is lost then is never reported", async () => {
    await breakLog(path);
    const log = await openLog(path);
    log.check();
    await expect(log.sync()).rejects.toMatchObject(told);
    expect(() => log.check()).toThrow("the disk did not keep");
    await log.close();
  });

  it("is waited for by whoever writes an entry, and nothing is written after it was lost", async () => {
    await breakLog(`${path}-broken`);
    const kv = sqliteKv({ path });
    await kv.start();
    await kv.put("a", "before");
    disk.failing = true;
    await expect(kv.put("a", "lost")).rejects.toMatchObject(told);
    disk.failing = false;
    await expect(kv.put("b", "after")).rejects.toMatchObject(told);
    expect(await kv.get("b")).toBeUndefined();
    await kv.stop();
    // Somebody has looked at the disk.
    await rename(`${path}-broken-wal`, `${path}-gone`);
    await kv.start();
    expect(await kv.put("b", "again")).toBeGreaterThan(0);
    await kv.stop();
  });

  it("is waited for by whoever keeps a record", async () => {
    await breakLog(`${path}-broken`);
    const db = sqliteDb({ path, tables: { notes: { most: 10 } } });
    await db.start();
    const record = { id: "1", at: 1, facts: {}, value: "kept" };
    await db.put("notes", record);
    disk.failing = true;
    await expect(db.put("notes", { ...record, id: "2" })).rejects.toMatchObject(told);
    await db.stop();
  });
});
