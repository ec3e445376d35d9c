import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Sqlite from "libsql";
import { afterAll, describe, expect, it } from "vitest";
import { MIGRATIONS, migrate } from "../../../src/platform/db/migrations.ts";
import { sqliteDb } from "../../../src/platform/db/sqlite.ts";
import { dbContract } from "../../contract/db.contract.ts";
import { sqliteProcess } from "../../fakes/sqlite-process.ts";

const folder = mkdtempSync(join(tmpdir(), "micro-db-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let files = 0;
const fresh = () => {
  files += 1;
  return join(folder, `${files}`, "records.db");
};
const tables = { runs: { most: 10_000 } };

dbContract("sqlite", { create: (those) => sqliteDb({ path: fresh(), tables: those }) });

describe("a file of records", () => {
  const record = (n: number, size = 10) => ({ id: `r${n}`, at: n, facts: { n: String(n) }, value: "x".repeat(size) });

  it("is its owner's alone, and read by the next process", async () => {
    const path = fresh();
    const db = sqliteDb({ path, tables });
    await db.start();
    await db.put("runs", record(1));
    expect([path, `${path}-wal`].map((file) => statSync(file).mode & 0o777)).toEqual([0o600, 0o600]);
    await db.stop();
    const next = sqliteDb({ path, tables });
    await next.start();
    expect(await next.get("runs", "r1")).toEqual(record(1));
    await next.stop();
  });

  it("is brought to the newest version from each earlier one, with what it holds", async () => {
    for (let version = 0; version <= MIGRATIONS.length; version++) {
      const path = fresh();
      const first = sqliteDb({ path, tables });
      await first.start(); // makes the folder
      await first.stop();
      rmSync(path);
      const old = new Sqlite(path);
      migrate(old, MIGRATIONS.slice(0, version));
      expect(old.prepare("PRAGMA user_version").get()).toMatchObject({ user_version: version });
      if (version > 0) {
        old.exec("INSERT INTO record (tbl, id, at, value) VALUES ('runs', 'old', 1, 'v')");
        old.exec("INSERT INTO fact (tbl, id, name, value) VALUES ('runs', 'old', 'n', '1')");
      }
      old.close();
      const db = sqliteDb({ path, tables });
      await db.start();
      const found = await db.search("runs", { facts: { n: "1" }, limit: 10 });
      expect(found.records).toEqual(version === 0 ? [] : [{ id: "old", at: 1, facts: { n: "1" }, value: "v" }]);
      await db.put("runs", record(2));
      await db.stop();
      const looked = new Sqlite(path);
      expect(looked.prepare("PRAGMA user_version").get()).toMatchObject({ user_version: MIGRATIONS.length });
      looked.close();
    }
  });

  it("stays as it was when a step to a newer version fails half way", () => {
    const db = new Sqlite(":memory:");
    db.exec("BEGIN IMMEDIATE");
    migrate(db);
    db.exec("COMMIT; BEGIN IMMEDIATE");
    expect(() => migrate(db, [...MIGRATIONS, "CREATE TABLE more (a); INSERT INTO nowhere VALUES (1);"])).toThrow(
      "nowhere",
    );
    db.exec("ROLLBACK");
    expect(db.prepare("PRAGMA user_version").get()).toMatchObject({ user_version: MIGRATIONS.length });
    expect(db.prepare("SELECT count(*) AS n FROM sqlite_master WHERE name = 'more'").get()).toMatchObject({ n: 0 });
    db.close();
  });

  it("is refused when a newer program made it", async () => {
    const path = fresh();
    const db = sqliteDb({ path, tables });
    await db.start();
    await db.stop();
    const newer = new Sqlite(path);
    newer.exec("PRAGMA user_version = 99");
    newer.close();
    const again = sqliteDb({ path, tables });
    await expect(again.start()).rejects.toMatchObject({
      code: "unavailable",
      message: `records at ${path}: it was made by a newer Micro Bot (version 99, this one knows ${MIGRATIONS.length}): use that one`,
    });
    await again.stop();
  });

  it("says so when it is no store, or damaged, and which file that is", async () => {
    const garbage = fresh();
    const db = sqliteDb({ path: garbage, tables });
    await db.start();
    for (let n = 0; n < 200; n++) await db.put("runs", record(n, 2000));
    await db.stop();
    const damaged = readFileSync(garbage);
    damaged.fill(0x5a, 4096, damaged.length - 4096);
    writeFileSync(garbage, damaged);
    const again = sqliteDb({ path: garbage, tables });
    const failure = await again
      .start()
      .then(() => again.search("runs", { limit: 1000 }))
      .catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: "unavailable", message: expect.stringContaining(`records at ${garbage}: `) });
    expect((failure as Error).message).toMatch(/damaged: move it away, and a new one is begun/);
    await again.stop();
    const text = join(garbage, "..", "text.db");
    writeFileSync(text, "this is no database at all, and long enough to be looked at\n".repeat(100));
    const none = sqliteDb({ path: text, tables });
    await expect(none.start()).rejects.toThrow(/is no such store, or damaged: move it away/);
    await none.stop();
  });

  it("says that the disk is full, writes nothing by halves, and goes on when there is room", async () => {
    const path = fresh();
    const small = sqliteDb({ path, tables, maxPages: 60 });
    await small.start();
    let kept = 0;
    let failure: unknown;
    for (let n = 0; failure === undefined && n < 200; n++) {
      await small.put("runs", record(n, 3000)).then(
        () => kept++,
        (error: unknown) => {
          failure = error;
        },
      );
    }
    expect(kept).toBeGreaterThan(10);
    expect(failure).toMatchObject({
      code: "unavailable",
      message: expect.stringContaining("the disk is full, and nothing of it was written"),
    });
    // What could not be replaced is what it was.
    await expect(small.put("runs", record(0, 900_000))).rejects.toMatchObject({ code: "unavailable" });
    expect(await small.get("runs", "r0")).toEqual(record(0, 3000));
    const all = await small.search("runs", { limit: 1000 });
    expect(all.records).toHaveLength(kept);
    expect(all.records.every(({ id, facts, value }) => facts["n"] === id.slice(1) && value.length === 3000)).toBe(true);
    await small.stop();
    const roomy = sqliteDb({ path, tables });
    await roomy.start();
    await roomy.put("runs", record(500, 3000));
    expect((await roomy.search("runs", { limit: 1000 })).records).toHaveLength(kept + 1);
    await roomy.stop();
  });

  it("keeps what was acknowledged when a process that writes is killed, and nothing of what was not", async () => {
    const path = fresh();
    const db = sqliteDb({ path, tables });
    await db.start();
    const other = sqliteProcess(
      path,
      `for (let n = 0; ; n++) {
        db.exec("BEGIN IMMEDIATE");
        db.prepare("INSERT INTO record (tbl, id, at, value) VALUES ('runs', ?, ?, 'v')").run("k" + n, n);
        db.prepare("INSERT INTO fact (tbl, id, name, value) VALUES ('runs', ?, 'k', 'yes')").run("k" + n);
        db.exec("COMMIT");
        say(String(n));
      }`,
    );
    let last = -1;
    while (last < 30) last = Number(await other.line());
    await other.kill();
    const { records } = await db.search("runs", { facts: { k: "yes" }, limit: 1000 });
    expect(records.length).toBeGreaterThan(last);
    expect((await db.search("runs", { limit: 1000 })).records).toHaveLength(records.length);
    await db.put("runs", record(1));
    await db.stop();
  });

  it("finds the newest of somebody among thousands", async () => {
    const path = fresh();
    const db = sqliteDb({ path, tables });
    await db.start();
    for (let n = 0; n < 3000; n += 200) {
      await Promise.all(
        Array.from({ length: 200 }, (_, k) =>
          db.put("runs", { ...record(n + k, 500), facts: { by: `p${(n + k) % 50}`, n: "1" } }, { timeoutMs: 30_000 }),
        ),
      );
    }
    const began = performance.now();
    for (let n = 0; n < 50; n++) {
      const { records } = await db.search("runs", { facts: { by: `p${n}` }, limit: 20 });
      expect(records).toHaveLength(20);
    }
    expect((performance.now() - began) / 50).toBeLessThan(250);
    await db.stop();
  }, 60_000);
});
