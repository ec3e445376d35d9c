import { createHash } from "node:crypto";
import { z } from "zod";
import type { KeptRows, LastRows } from "../commands/pipe/pipe.ts";
import type { Clock } from "../core/clock.ts";
import { MicroError } from "../core/errors.ts";
import { type Log, silent } from "../core/log.ts";
import { keyOf } from "../platform/kv/keys.ts";
import type { Kv } from "../platform/kv/kv.ts";

export interface ResultsInit {
  /** Shared, so that any replica goes on with what another has answered. */
  readonly kv: Kv;
  readonly clock: Clock;
  readonly log?: Log;
  /** @default 1800000 */
  readonly keepMs?: number;
  /** @default 128000 */
  readonly maxBytes?: number;
}

/** The rows of everybody's last answers. */
export interface Results {
  readonly last: LastRows;
  /** Writes them down. Resolves when they are. Never rejects: without them people have to say the command again. */
  keep(person: string, room: string, rows: KeptRows): Promise<void>;
}

/** So many answers are kept at most: each has a place by whose and where it is, and a new one takes that of an older. */
const PLACES = 512;
const PREFIX = "lastrows";

const schema = z.object({
  person: z.string(),
  room: z.string(),
  kept: z.object({
    id: z.string(),
    command: z.string(),
    line: z.string(),
    at: z.number(),
    whisper: z.literal(true).optional(),
    tooMany: z.number().optional(),
    fields: z.array(z.string()),
    rows: z.array(z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()]))),
  }),
});

export function createResults({
  kv,
  clock,
  log = silent,
  keepMs = 1_800_000,
  maxBytes = 128_000,
}: ResultsInit): Results {
  /** When the places were filled that this process knows of, to empty them in time. */
  const filled = new Map<string, number>();
  const writing = new Map<string, Promise<void>>();
  let looked = false;

  const sweep = async () => {
    if (!looked) {
      looked = true;
      for (const { key, value } of await kv.list(`${PREFIX}.`))
        if (!filled.has(key)) filled.set(key, read(value)?.kept.at ?? 0);
    }
    for (const [key, at] of filled) {
      if (at >= clock.now() - keepMs) continue;
      filled.delete(key);
      const there = await kv.get(key);
      if (there === undefined) continue;
      const written = read(there.value)?.kept.at ?? 0;
      if (written < clock.now() - keepMs) await kv.delete(key, { revision: there.revision });
      else filled.set(key, written);
    }
  };
  const write = async (key: string, value: string) => {
    try {
      await kv.put(key, value);
      await sweep();
    } catch (error) {
      log.warn({ reason: MicroError.from(error).message }, "the rows of an answer could not be kept");
    }
  };

  return {
    last: async (person, room) => {
      const key = placeOf(person, room);
      await writing.get(key);
      const entry = await kv.get(key);
      const found = entry && read(entry.value);
      if (found?.person !== person || found.room !== room || found.kept.at < clock.now() - keepMs) return undefined;
      const { whisper, tooMany, ...kept } = found.kept;
      return { ...kept, ...(whisper && { whisper }), ...(tooMany !== undefined && { tooMany }) };
    },
    keep: async (person, room, rows) => {
      const key = placeOf(person, room);
      const whole = JSON.stringify({ person, room, kept: rows });
      const fits = Buffer.byteLength(whole) <= maxBytes;
      const value = fits
        ? whole
        : JSON.stringify({ person, room, kept: { ...rows, rows: [], tooMany: rows.rows.length } });
      filled.set(key, rows.at);
      const before = writing.get(key) ?? Promise.resolve();
      const work = before.then(() => write(key, value));
      writing.set(key, work);
      await work;
      if (writing.get(key) === work) writing.delete(key);
    },
  };
}

function placeOf(person: string, room: string): string {
  const digest = createHash("sha256")
    .update(JSON.stringify([person, room]))
    .digest();
  return keyOf(PREFIX, String(digest.readUInt32BE(0) % PLACES));
}

function read(value: string): z.infer<typeof schema> | undefined {
  try {
    return schema.safeParse(JSON.parse(value)).data;
  } catch {
    return undefined;
  }
}
