import { createHash, randomBytes } from "node:crypto";
import type { CallOptions } from "../core/lifecycle.ts";
import type { ServiceChange, ServiceChanges } from "../core/registry/service-change.ts";
import type { Db, DbRecord } from "../platform/db/db.ts";

/** What changed, kept in the table `changes` of a `Db`: the newest of each service. */
export interface Changes extends ServiceChanges {
  /** Resolves when all are on the disk. @throws MicroError `unavailable` */
  add(changes: readonly ServiceChange[], options?: CallOptions): Promise<void>;
}

export interface ChangesInit {
  /** With the tables `HISTORY_TABLES`; started and stopped by whoever made it. */
  readonly db: Db;
  /** So many of each service are kept, and up to a tenth more. @default 200 */
  readonly mostOfOne?: number;
}

const TABLE = "changes";
/** One line in a room. */
const MOST_WORDS = 400;
/** So many services' numbers are known by heart. */
const MOST_COUNTED = 10_000;

export function createChanges({ db, mostOfOne = 200 }: ChangesInit): Changes {
  /** How many were added since the service's were last looked through. */
  const added = new Map<string, number>();

  const letGo = async (service: string, options: CallOptions) => {
    const facts = { service: factOf(service) };
    const { next } = await db.search(TABLE, { facts, limit: mostOfOne }, options);
    for (let after = next; after !== undefined; ) {
      const old = await db.search(TABLE, { facts, limit: 1000, after }, options);
      for (const { id } of old.records) await db.delete(TABLE, id, options);
      after = old.next;
    }
  };

  return {
    add: async (changes, options = {}) => {
      await Promise.all(changes.map((change) => db.put(TABLE, recordOf(change), options)));
      for (const service of new Set(changes.map((change) => change.service))) {
        const count = (added.get(service) ?? mostOfOne) + changes.filter((one) => one.service === service).length;
        if (added.size >= MOST_COUNTED) added.clear();
        const full = count >= mostOfOne / 10;
        added.set(service, full ? 0 : count);
        if (full) await letGo(service, options);
      }
    },
    lately: async ({ service, since, limit }, options) => {
      const facts = service === undefined ? {} : { facts: { service: factOf(service) } };
      const { records } = await db.search(TABLE, { ...facts, since, limit }, options);
      return records.flatMap((record) => read(record) ?? []);
    },
  };
}

function recordOf(change: ServiceChange): DbRecord {
  const { service, kind } = change;
  const kept = { ...change, words: cut(change.words) };
  const facts = { service: factOf(service), kind };
  // Of one moment in the order in which they are told: of the same time the greater id is the newer.
  return {
    id: `${change.at}.${count()}.${randomBytes(4).toString("hex")}`,
    at: change.at,
    facts,
    value: JSON.stringify(kept),
  };
}

let last = 0;
function count(): string {
  last = (last + 1) % 1_000_000;
  return String(last).padStart(6, "0");
}

/** A service's name as a fact, which has 200 characters at most. */
function factOf(service: string): string {
  return service.length <= 150 ? service : createHash("sha256").update(service).digest("hex");
}

function cut(words: string): string {
  return words.length <= MOST_WORDS ? words : `${words.slice(0, MOST_WORDS - 1).replace(/[\ud800-\udbff]$/, "")}…`;
}

function read({ value }: DbRecord): ServiceChange | undefined {
  try {
    return JSON.parse(value) as ServiceChange;
  } catch {
    // A line that cannot be read is none; the others are.
    return undefined;
  }
}
