import { existsSync } from "node:fs";
import { mkdtemp, readdir, readlink, rename, rm, symlink, writeFile } from "node:fs/promises";
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
    openLog: async (path: string, signal: AbortSignal) => {
      const broken = await openLog(`${path}-broken`, signal).catch(() => undefined);
      const real = await openLog(path, signal);
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

const { signal: never } = new AbortController();
/** What takes everything and cannot be synced. */
const breakLog = (of: string) => symlink("/dev/null", `${of}-wal`);
const told = { code: "unavailable", message: expect.stringMatching(/the disk did not keep .*start the bot again$/) };

describe("the log of SQLite", () => {
  it.skipIf(!existsSync("/proc/self/fd"))("leaves no file open where nobody wants it any more", async () => {
    await writeFile(`${path}-wal`, "what was committed");
    const leaving = new AbortController();
    const opening = openLog(path, leaving.signal);
    leaving.abort(new Error("too late"));
    await expect(opening).rejects.toThrow("too late");
    const open = (await readdir("/proc/self/fd")).map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => ""));
    expect((await Promise.all(open)).filter((file) => file.startsWith(folder))).toEqual([]);
  });

  it("is put on the disk", async () => {
    await writeFile(`${path}-wal`, "what was committed");
    const log = await openLog(path, never);
    await log.sync();
    log.check();
    await log.close();
  });

  it("is not asked again once the disk has failed: what is lost then is never reported", async () => {
    await breakLog(path);
    const log = await openLog(path, never);
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
