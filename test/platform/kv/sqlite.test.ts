import { mkdtempSync, readdirSync, readlinkSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import type { Change } from "../../../src/platform/kv/kv.ts";
import { REMEMBERED, sqliteKv } from "../../../src/platform/kv/sqlite.ts";
import { kvContract, lossOf } from "../../contract/kv.contract.ts";
import { within } from "../../contract/kv-faults.contract.ts";
import { type SqliteProcess, sqliteProcess } from "../../fakes/sqlite-process.ts";

const folder = mkdtempSync(join(tmpdir(), "micro-kv-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let files = 0;
const fresh = () => {
  files += 1;
  return join(folder, `${files}`, "kv.sqlite");
};

const processes: SqliteProcess[] = [];
afterEach(async () => {
  for (const each of processes.splice(0)) await each.kill();
});
const elsewhere = (path: string, script: string) => {
  const made = sqliteProcess(path, `${script}; setInterval(() => {}, 1000);`);
  processes.push(made);
  return made;
};

/** What another process does to write one entry. */
const WRITE = `
  const write = (key, value) => {
    db.exec("BEGIN IMMEDIATE");
    const { revision } = db.prepare("UPDATE kv_head SET revision = revision + 1 RETURNING revision").get();
    db.prepare("INSERT OR REPLACE INTO kv VALUES (?, ?, ?)").run(key, Buffer.from(value), revision);
    db.exec("COMMIT");
    return revision;
  };`;

kvContract("sqlite", { create: () => sqliteKv({ path: join(folder, "a", "kv.sqlite"), pollMs: 20 }), settleMs: 3000 });

describe("a SQLite file", () => {
  it("is its owner's alone, and left closed", async () => {
    const path = fresh();
    const kv = sqliteKv({ path });
    await kv.start();
    await kv.put("a", "1");
    const modes = [path, `${path}-wal`, `${path}-shm`].map((file) => statSync(file).mode & 0o777);
    expect(modes).toEqual([0o600, 0o600, 0o600]);
    expect(statSync(join(path, "..")).mode & 0o777).toBe(0o700);
    await kv.stop();
    // The library lets go of a file when its statements are collected.
    setFlagsFromString("--expose-gc");
    const open = () => {
      runInNewContext("gc")();
      return readdirSync("/proc/self/fd").map((fd) => linkOf(`/proc/self/fd/${fd}`));
    };
    await within(3000, () => expect(open().filter((file) => file.startsWith(path))).toEqual([]));
  });

  it("is watched for what other processes write", async () => {
    const path = fresh();
    const kv = sqliteKv({ path, pollMs: 20 });
    await kv.start();
    const watcher = await kv.watch("jobs.");
    const seen: Change[] = [];
    const reading = (async () => {
      for await (const change of watcher) seen.push(change);
    })();
    const other = sqliteProcess(
      path,
      `${WRITE} write("other", "0"); say(String(write("jobs.a", "1"))); setInterval(() => {}, 1000);`,
    );
    const revision = Number(await other.line());
    const told = { key: "jobs.a", entry: { key: "jobs.a", value: "1", revision } };
    await within(5000, () => expect(seen).toEqual([told]));
    await watcher.close();
    await reading;
    await other.kill();
    await kv.stop();
  });

  it("keeps what was acknowledged when a process that writes is killed, and is not left locked", async () => {
    const path = fresh();
    const kv = sqliteKv({ path });
    await kv.start();
    let highest = 0;
    for (let round = 0; round < 3; round++) {
      const other = elsewhere(
        path,
        `${WRITE}
        const pause = new Int32Array(new SharedArrayBuffer(4));
        for (let n = 0; ; n++) {
          say("${round}." + n + " " + write("killed.${round}." + n, String(n)));
          Atomics.wait(pause, 0, 0, 5);
        }`,
      );
      const acknowledged = new Map<string, number>();
      while (acknowledged.size < 40) {
        const [key, revision] = (await other.line()).split(" ");
        acknowledged.set(`killed.${key}`, Number(revision));
        await kv.put("busy", "1");
      }
      await other.kill();
      const kept = new Map((await kv.list(`killed.${round}.`)).map((entry) => [entry.key, entry.revision]));
      for (const [key, revision] of acknowledged) expect(kept.get(key)).toBe(revision);
      highest = Math.max(highest, ...kept.values());
      const revision = await kv.put("after", "1");
      expect(revision).toBeGreaterThan(highest);
    }
    await kv.stop();
  }, 60_000);

  it("gives up in time while a process stands still that is writing, goes on reading, and stops", async () => {
    const path = fresh();
    const [kv, leaving] = [sqliteKv({ path }), sqliteKv({ path })];
    await Promise.all([kv.start(), leaving.start()]);
    const first = await kv.put("a", "1");
    const other = sqliteProcess(
      path,
      `db.exec("BEGIN IMMEDIATE; UPDATE kv_head SET revision = revision + 1"); say("held"); setInterval(() => {}, 1000);`,
    );
    expect(await other.line()).toBe("held");
    other.freeze();
    const began = performance.now();
    let turns = 0;
    const turning = setInterval(() => turns++, 5);
    const failures = await Promise.allSettled([
      kv.put("b", "1", { timeoutMs: 300 }),
      kv.create("c", "1", { timeoutMs: 300 }),
      kv.delete("a", { timeoutMs: 300 }),
    ]);
    clearInterval(turning);
    expect(failures.map((each) => each.status === "rejected" && each.reason.code)).toEqual(Array(3).fill("timeout"));
    expect(performance.now() - began).toBeLessThan(5000);
    // The process itself went on meanwhile.
    expect(turns).toBeGreaterThan(10);
    expect(await kv.get("a")).toEqual({ key: "a", value: "1", revision: first });
    expect(await kv.list("")).toHaveLength(1);
    const waiting = leaving.put("d", "1").catch((error: unknown) => error);
    await leaving.stop();
    expect(await waiting).toMatchObject({ code: "unavailable" });
    const late = kv.put("e", "1");
    await other.kill();
    expect(await late).toBeGreaterThan(first);
    // What was given up while it had to wait was not done later.
    expect((await kv.list("")).map(({ key }) => key)).toEqual(["a", "e"]);
    await kv.stop();
  }, 30_000);

  it("says what is wrong with a file that cannot be used, and with a folder", async () => {
    const path = fresh();
    const good = sqliteKv({ path });
    await good.start();
    await good.stop();
    const garbage = join(path, "..", "garbage.sqlite");
    writeFileSync(garbage, "this is no database at all, and long enough to be looked at\n".repeat(100));
    for (const bad of [garbage, join(garbage, "below.sqlite")]) {
      const kv = sqliteKv({ path: bad });
      await expect(kv.start()).rejects.toMatchObject({ code: "unavailable", message: expect.stringContaining(bad) });
      await kv.stop();
    }
  });

  it("forgets old deletions, keeps the rest, and a watch that would have needed one ends", async () => {
    const path = fresh();
    const kv = sqliteKv({ path });
    await kv.start();
    for (let n = 0; n < 50; n++) await kv.put(`gone.${n}`, "1");
    const kept = await kv.put("kept", "1");
    for (let n = 0; n < 50; n++) await kv.delete(`gone.${n}`);
    let wake = () => {};
    const sleep = () =>
      new Promise<void>((resolve) => {
        wake = resolve;
      });
    const slow = sqliteKv({ path, clock: { now: () => 0, sleep } });
    await slow.start();
    const ended = lossOf(await slow.watch("gone."));
    await kv.put("gone.0", "back");
    for (let n = 0; n < REMEMBERED + 1000; n += 500) {
      await Promise.all(Array.from({ length: 500 }, () => kv.put("busy", "1", { timeoutMs: 30_000 })));
    }
    const other = sqliteProcess(
      path,
      `say(String(db.prepare("SELECT count(*) AS n FROM kv").get().n)); setInterval(() => {}, 1000);`,
    );
    expect(await other.line()).toBe("3"); // kept, busy, and the one that came back
    await other.kill();
    expect((await kv.get("kept"))?.revision).toBe(kept);
    expect((await kv.get("gone.0"))?.value).toBe("back");
    expect(await kv.create("gone.1", "1")).toBeGreaterThan(REMEMBERED);
    wake();
    expect(await ended).toMatchObject({ code: "unavailable", message: expect.stringContaining("missed") });
    await Promise.all([kv.stop(), slow.stop()]);
  }, 60_000);
});

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return ""; // it was closed just now
  }
}
