import type { Db, DbRecord, DbTables } from "./db.ts";
import { createDb } from "./engine.ts";

/** Records that live as long as the process. */
export function memoryDb(tables: DbTables): Db {
  const kept = new Map<string, Map<string, DbRecord>>();
  const of = (table: string) => {
    const there = kept.get(table) ?? new Map<string, DbRecord>();
    kept.set(table, there);
    return there;
  };
  return createDb(
    {
      kind: "memory",
      where: "memory",
      open: async () => {},
      close: async () => {},
      put: async (table, record, most) => {
        const records = of(table);
        records.set(record.id, structuredClone(record));
        if (records.size > most) for (const { id } of newest(records).slice(most)) records.delete(id);
      },
      get: async (table, id) => of(table).get(id),
      search: async (table, { facts = {}, since, before, limit }) => {
        const fits = (record: DbRecord) =>
          (since === undefined || record.at >= since) &&
          (before === undefined || byNewest(before, record) < 0) &&
          Object.entries(facts).every(
            ([name, value]) => Object.hasOwn(record.facts, name) && record.facts[name] === value,
          );
        return newest(of(table)).filter(fits).slice(0, limit);
      },
      delete: async (table, id) => of(table).delete(id),
    },
    tables,
  );
}

function newest(records: ReadonlyMap<string, DbRecord>): DbRecord[] {
  return [...records.values()].sort(byNewest);
}

type Placed = Pick<DbRecord, "at" | "id">;

function byNewest(a: Placed, b: Placed): number {
  return b.at - a.at || Buffer.compare(Buffer.from(b.id), Buffer.from(a.id));
}
