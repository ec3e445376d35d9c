import { createHash } from "node:crypto";
import { MicroError } from "../../core/errors.ts";
import type { Log } from "../../core/log.ts";
import { keyOf } from "../../platform/kv/keys.ts";
import type { Kv } from "../../platform/kv/kv.ts";
import type { BrainEntry } from "./protocol.ts";

/** Characters of a piece: no more than the bytes of a value (`kv.ts`), whatever letters they are. */
const PIECE = 120_000;

const PREFIX = "hubot-brain";

/** `robot.brain` in the bot's store: each of its keys is a value, and a large one is cut into pieces. */
export interface BrainStore {
  /** @throws MicroError when the store cannot be read */
  load(): Promise<void>;
  current(): readonly BrainEntry[];
  /** Writes what has changed, one after the other; what cannot be written is logged, and tried again with the next change. */
  save(entries: readonly BrainEntry[]): void;
  /** Resolves when all is written, or could not be. */
  settled(): Promise<void>;
}

/** What stands under a key of the brain. The pieces of a large value are written before it points to them. */
interface Head {
  readonly name: string;
  readonly json?: string;
  /** Names the pieces: what is written anew has others. */
  readonly pieces?: { readonly of: string; readonly count: number };
}

export function createBrainStore(kv: Kv, log: Log): BrainStore {
  const known = new Map<string, string>();
  const pending = new Map<string, string | undefined>();
  let writing: Promise<void> | undefined;

  const headKey = (name: string) => keyOf(PREFIX, "key", name);
  const pieceKey = (name: string, of: string, at: number) => keyOf(PREFIX, "piece", name, `${of}-${at}`);

  const pieces = async (name: string, of: string, count: number) => {
    const found = await Promise.all(Array.from({ length: count }, (_, at) => kv.get(pieceKey(name, of, at))));
    return found.every((one) => one !== undefined) ? found.map((one) => one?.value).join("") : undefined;
  };
  const dropPieces = async (name: string, { pieces }: Head) => {
    for (let at = 0; at < (pieces?.count ?? 0); at++) await kv.delete(pieceKey(name, pieces?.of ?? "", at));
  };
  const write = async (name: string, json: string | undefined) => {
    const key = headKey(name);
    const before = await kv.get(key);
    const old = before && (JSON.parse(before.value) as Head);
    if (json === undefined) await kv.delete(key);
    else if (json.length <= PIECE) await kv.put(key, JSON.stringify({ name, json } satisfies Head));
    else {
      const of = createHash("sha256").update(json).digest("hex").slice(0, 16);
      // A character outside the first plane may be cut in two, and a store takes no half: escaped, it is whole.
      const text = escaped(json);
      const count = Math.ceil(text.length / PIECE);
      for (let at = 0; at < count; at++) {
        await kv.put(pieceKey(name, of, at), text.slice(at * PIECE, (at + 1) * PIECE));
      }
      await kv.put(key, JSON.stringify({ name, pieces: { of, count } } satisfies Head));
      if (old?.pieces?.of === of) return;
    }
    if (old?.pieces) await dropPieces(name, old);
  };
  const writeAll = async () => {
    // What changes meanwhile is written next.
    for (;;) {
      const [next] = pending;
      if (next === undefined) break;
      const [name, json] = next;
      pending.delete(name);
      try {
        await write(name, json);
      } catch (error) {
        const reason = MicroError.from(error).message;
        log.warn({ key: name, reason }, "robot.brain could not be written; it is tried again with the next change");
        if (!pending.has(name)) unwritten.set(name, json);
      }
    }
    writing = undefined;
  };
  const unwritten = new Map<string, string | undefined>();

  return {
    load: async () => {
      for (const { key, value } of await kv.list(`${PREFIX}.key.`)) {
        const head = JSON.parse(value) as Head;
        const json = head.pieces ? await pieces(head.name, head.pieces.of, head.pieces.count) : head.json;
        if (json === undefined) log.warn({ key }, "a key of robot.brain is not whole, so it is left out");
        else known.set(head.name, json);
      }
    },
    current: () => [...known],
    save: (entries) => {
      for (const [name, json] of unwritten) if (!pending.has(name)) pending.set(name, json);
      unwritten.clear();
      for (const [name, json] of entries) {
        if (json === undefined) known.delete(name);
        else known.set(name, json);
        pending.set(name, json);
      }
      writing ??= writeAll();
    },
    settled: async () => {
      await writing;
    },
  };
}

function escaped(json: string): string {
  return json.replace(/[\ud800-\udfff]/g, (half) => `\\u${half.charCodeAt(0).toString(16)}`);
}
