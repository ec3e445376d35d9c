import { afterEach, describe, expect, it } from "vitest";
import type { Db, DbRecord, DbTables } from "../../src/platform/db/db.ts";

export interface DbContractInit {
  /** Not started, and empty. */
  readonly create: (tables: DbTables) => Db;
}

/** What every store of records does. */
export function dbContract(kind: string, { create }: DbContractInit): void {
  describe(`the ${kind} records`, () => {
    const started: Db[] = [];
    afterEach(async () => {
      for (const each of started.splice(0)) await each.stop();
    });
    const fresh = async (tables: DbTables = { runs: { most: 100 }, results: { most: 5 } }) => {
      const db = create(tables);
      started.push(db);
      await db.start();
      return db;
    };
    const record = (id: string, at: number, facts: Record<string, string> = {}): DbRecord => ({
      id,
      at,
      facts,
      value: JSON.stringify({ id, text: "so\u00df \u{1f600}" }),
    });

    it("keep a record whole, and the newest with an id", async () => {
      const db = await fresh();
      expect(await db.get("runs", "a")).toBeUndefined();
      const first = record("a", 1, { runbook: "drain", person: "ann" });
      await db.put("runs", first);
      expect(await db.get("runs", "a")).toEqual(first);
      const second = record("a", 2, { runbook: "fill" });
      await db.put("runs", second);
      expect(await db.get("runs", "a")).toEqual(second);
      expect((await db.search("runs", { facts: { person: "ann" }, limit: 10 })).records).toEqual([]);
      expect((await db.search("runs", { limit: 10 })).records).toEqual([second]);
      expect(await db.get("results", "a")).toBeUndefined();
      expect(await db.delete("runs", "a")).toBe(true);
      expect(await db.delete("runs", "a")).toBe(false);
      expect(await db.get("runs", "a")).toBeUndefined();
    });

    it("find newest first, by facts and time, page by page", async () => {
      const db = await fresh();
      for (let n = 0; n < 30; n++) {
        await db.put(
          "runs",
          record(`r${String(n).padStart(2, "0")}`, 1000 + (n >> 1), {
            even: String(n % 2 === 0),
            by: n < 15 ? "ann" : "bob",
          }),
        );
      }
      const ids: string[] = [];
      let after: string | undefined;
      do {
        const page = await db.search("runs", { limit: 7, ...(after !== undefined && { after }) });
        ids.push(...page.records.map(({ id }) => id));
        after = page.next;
      } while (after !== undefined);
      expect(ids).toEqual(Array.from({ length: 30 }, (_, n) => `r${String(29 - n).padStart(2, "0")}`));
      const both = await db.search("runs", { facts: { even: "true", by: "ann" }, since: 1004, limit: 10 });
      expect(both.records.map(({ id }) => id)).toEqual(["r14", "r12", "r10", "r08"]);
      expect(both.next).toBeUndefined();
      expect((await db.search("runs", { facts: { nothing: "x" }, limit: 10 })).records).toEqual([]);
    });

    it("let the oldest go beyond what a table keeps, whatever was written first", async () => {
      const db = await fresh();
      for (const at of [50, 10, 40, 20, 30, 60, 5]) await db.put("results", record(`n${at}`, at, { at: String(at) }));
      expect((await db.search("results", { limit: 10 })).records.map(({ at }) => at)).toEqual([60, 50, 40, 30, 20]);
      expect((await db.search("results", { facts: { at: "10" }, limit: 10 })).records).toEqual([]);
    });

    it("take what looks like something else as it is", async () => {
      const db = await fresh();
      const odd = {
        id: "'; DROP TABLE record; --",
        at: -1,
        facts: { "a'b": '"%_', __proto__x: "", constructor: "c" },
        value: "\u0001\n'",
      };
      await db.put("runs", odd);
      expect(await db.get("runs", odd.id)).toEqual(odd);
      expect((await db.search("runs", { facts: { "a'b": '"%_' }, limit: 1 })).records).toEqual([odd]);
      expect((await db.search("runs", { facts: { toString: "c" }, limit: 1 })).records).toEqual([]);
    });

    it("are not changed by who holds a record", async () => {
      const db = await fresh();
      const facts: Record<string, string> = { a: "1" };
      await db.put("runs", { id: "a", at: 1, facts, value: "v" });
      facts["a"] = "2";
      expect((await db.get("runs", "a"))?.facts).toEqual({ a: "1" });
    });

    it("refuse what cannot be kept, and change nothing", async () => {
      const db = await fresh();
      const good = record("a", 1);
      await db.put("runs", good);
      const bad: readonly DbRecord[] = [
        { ...good, id: "" },
        { ...good, id: "x".repeat(201) },
        { ...good, at: 0.5 },
        { ...good, value: "x".repeat((1 << 20) + 1) },
        { ...good, value: "\ud800" },
        { ...good, value: "a\0b" },
        { ...good, facts: { a: "x".repeat(201) } },
        { ...good, facts: Object.fromEntries(Array.from({ length: 17 }, (_, n) => [`f${n}`, ""])) },
      ];
      for (const one of bad) await expect(db.put("runs", one)).rejects.toMatchObject({ code: "invalid_argument" });
      await expect(db.put("nothing", good)).rejects.toMatchObject({ code: "invalid_argument" });
      await expect(db.get("constructor", "a")).rejects.toMatchObject({ code: "invalid_argument" });
      await expect(db.search("runs", { limit: 0 })).rejects.toMatchObject({ code: "invalid_argument" });
      await expect(db.search("runs", { limit: 1, after: "soon" })).rejects.toMatchObject({ code: "invalid_argument" });
      expect((await db.search("runs", { limit: 10 })).records).toEqual([good]);
    });

    it("can be used between start and stop only, and give up when told to", async () => {
      const db = create({ runs: { most: 5 } });
      await expect(db.get("runs", "a")).rejects.toMatchObject({ code: "unavailable" });
      await db.stop();
      await Promise.all([db.start(), db.start()]);
      await expect(db.get("runs", "a", { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: "cancelled" });
      await db.stop();
      await db.stop();
      await expect(db.put("runs", record("a", 1))).rejects.toMatchObject({ code: "unavailable" });
      await db.start();
      await db.put("runs", record("a", 1));
      await db.stop();
    });
  });
}
