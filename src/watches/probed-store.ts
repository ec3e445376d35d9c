import { keyOf } from "../platform/kv/keys.ts";
import type { Kv } from "../platform/kv/kv.ts";
import { type ProbedRecord, readProbed } from "./probed.ts";

/** What fires of services, in the store that replicas share: a key each. All throw `MicroError` as `Kv` does. */
export interface ProbedStore {
  /** Whatever was written before, and nothing where that is the same. @param record left out: nothing fires */
  keep(service: string, record: ProbedRecord | undefined): Promise<void>;
  list(): Promise<readonly ProbedRecord[]>;
}

const PREFIX = "watches.probed";

export function createProbedStore(kv: Kv): ProbedStore {
  /** What is there, by service; `undefined`: nobody knows, since a write was not answered. */
  const known = new Map<string, string | undefined>();
  return {
    keep: async (service, record) => {
      const key = `${PREFIX}.${keyOf(service)}`;
      const text = record && JSON.stringify(record);
      if (text === undefined ? !known.has(service) : known.get(service) === text) return;
      known.set(service, undefined);
      await (text === undefined ? kv.delete(key) : kv.put(key, text));
      if (text === undefined) known.delete(service);
      else known.set(service, text);
    },
    list: async () =>
      (await kv.list(`${PREFIX}.`)).flatMap(({ value }) => {
        const record = readProbed(value);
        if (record) known.set(record.service, value);
        return record ?? [];
      }),
  };
}
