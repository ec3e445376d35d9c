import type { JetStreamManager } from "@nats-io/jetstream";
import type { KV, KvEntry } from "@nats-io/kv";
import { sharedAbort } from "../../core/abort.ts";
import { backoff } from "../../core/backoff.ts";
import { type Clock, systemClock } from "../../core/clock.ts";
import { deadline, orAbort } from "../../core/deadline.ts";
import { MicroError } from "../../core/errors.ts";
import { type NatsInit, type NatsSession, natsLink } from "../../core/transport/nats-link.ts";
import { createKv } from "./engine.ts";
import type { Entry, Kv } from "./kv.ts";
import { listNats } from "./nats-list.ts";
import { sweepDeletions } from "./nats-sweep.ts";

export interface NatsKvInit extends NatsInit {
  /** Made where it is not there. @default "micro-bot" */
  readonly bucket?: string;
  /** How many servers of the cluster keep it, when it is made: 1, 3 or 5. @default 1 */
  readonly replicas?: number;
  readonly clock?: Clock;
}

const BUCKET = "micro-bot";
/** How often a quiet server is asked whether it is still there, and how long it has to say so. */
const PING_MS = 10_000;
const PONG_MS = 5000;
/** How long what has begun may take to end when the store is stopped. */
const GOODBYE_MS = 1000;
/** How often, in own writes, deletions are looked for that nobody needs to know of any more. */
const SWEEP_EVERY = 5000;

/**
 * Entries in a bucket of NATS JetStream; a revision is the sequence number of its stream. What is read is read from the
 * stream's leader, never from a copy. A server that loses its power may lose what it took in the last two minutes, unless
 * there are replicas or it is set to sync (`jetstream { sync_interval: always }`).
 */
export function natsKv(init: NatsKvInit = {}): Kv {
  const { bucket = BUCKET, replicas = 1, clock = systemClock } = init;
  const link = natsLink(init);
  const { where } = link;
  let opened:
    | {
        readonly session: NatsSession;
        readonly kv: KV;
        readonly manager: JetStreamManager;
        readonly wrongRevision: (error: unknown) => boolean;
      }
    | undefined;
  let writes = 0;
  let sweeping: { readonly abort: AbortController; readonly done: Promise<void> } | undefined;

  /** The bucket, once the server is there: what is asked of a lost one would be sent when nobody waits for it any more. */
  const ready = async (signal: AbortSignal) => {
    if (opened === undefined) throw new MicroError("unavailable", `the store (${where}) is not started`);
    if (!opened.session.up) await (await link.join({ signal })).leave();
    return opened;
  };
  /** What the library is beginning: cut off from its server in the middle of that it would leave a timer behind. */
  const beginnings = new Set<Promise<unknown>>();
  const begun = <T>(beginning: Promise<T>): Promise<T> => {
    const done = () => void beginnings.delete(beginning);
    beginnings.add(beginning);
    beginning.then(done, done);
    return beginning;
  };
  const sweep = () => {
    const { session } = opened ?? {};
    if (session === undefined || sweeping !== undefined) return;
    const abort = sharedAbort();
    const done = sweepDeletions(session.connection, bucket, abort.signal)
      .catch(() => {}) // the next one does it
      .finally(() => {
        sweeping = undefined;
      });
    sweeping = { abort, done };
  };

  return createKv({
    kind: "nats",
    where,
    open: async (signal) => {
      const [{ Kvm }, { JetStreamApiCodes, JetStreamApiError, jetstream, jetstreamManager }] = await Promise.all([
        import("@nats-io/kv"),
        import("@nats-io/jetstream"),
      ]);
      const session = await link.join({ signal });
      try {
        const made = new Kvm(jetstream(session.connection));
        const making = made.create(bucket, { history: 1, replicas, allow_direct: false });
        const kv = await orAbort(making, signal).catch((error: unknown) => {
          throw signal.aborted ? error : explain(error, where, bucket);
        });
        const wrongRevision = (error: unknown) =>
          error instanceof JetStreamApiError &&
          (error.code === JetStreamApiCodes.StreamWrongLastSequence ||
            error.code === JetStreamApiCodes.StreamWrongLastSequenceUnknown);
        const manager = await orAbort(jetstreamManager(session.connection, { checkAPI: false }), signal);
        opened = { session, kv, manager, wrongRevision };
      } catch (error) {
        await session.leave();
        throw error;
      }
      sweep();
    },
    close: async () => {
      const was = opened;
      opened = undefined;
      const last = sweeping;
      last?.abort.abort();
      using limit = deadline({}, GOODBYE_MS, where);
      await limit.race(Promise.allSettled([...beginnings, last?.done])).catch(() => {}); // the server is silent
      await was?.session.leave();
    },
    get: async (key, { signal }) => entryOf(await (await ready(signal)).kv.get(key)),
    list: async (prefix, { signal }) => {
      const { kv, manager } = await ready(signal);
      const found = await listNats({ kv, manager, bucket, clock, begun }, prefix, signal);
      return found.flatMap((entry) => entryOf(entry) ?? []);
    },
    write: async (key, value, expected, { signal }) => {
      const { kv, wrongRevision } = await ready(signal);
      const put = async (previousSeq: number): Promise<number | undefined> => {
        try {
          return await kv.put(key, value ?? "", { previousSeq });
        } catch (error) {
          if (wrongRevision(error)) return undefined;
          throw error;
        }
      };
      writes += 1;
      if (writes % SWEEP_EVERY === 0) sweep();
      if (value !== undefined && expected === undefined) return kv.put(key, value);
      if (value !== undefined && expected !== 0) return put(expected as number);
      if (value !== undefined) {
        const first = await put(0);
        if (first !== undefined) return first;
      }
      // Where something was deleted there is a mark of it, with a number of its own.
      for (let attempt = 0; ; attempt++) {
        signal.throwIfAborted();
        const last = await kv.get(key);
        const there = entryOf(last);
        if (value !== undefined) {
          if (there !== undefined) return undefined;
          const revision = await put(last?.revision ?? 0);
          if (revision !== undefined) return revision;
        } else {
          if (there === undefined || (expected !== undefined && there.revision !== expected)) return undefined;
          try {
            await kv.delete(key, { previousSeq: there.revision });
            return there.revision;
          } catch (error) {
            if (!wrongRevision(error)) throw error;
            if (expected !== undefined) return undefined;
          }
        }
        await clock.sleep(backoff(Math.min(attempt, 6), 1, 50), { signal });
      }
    },
    watch: async (prefix, tell, signal) => {
      const { kv, session } = await ready(signal);
      let lose: (error: MicroError) => void = () => {};
      const lost = new Promise<never>((_, reject) => {
        lose = reject;
      });
      lost.catch(() => {});
      const forget = session.onLoss(lose);
      try {
        const status = await kv.status();
        const from = (status as unknown as { streamInfo: { state: { last_seq: number } } }).streamInfo.state.last_seq;
        const changes = await begun(kv.watch({ key: `${prefix}>`, resumeFromRevision: from + 1 }));
        const stop = () => changes.stop();
        signal.addEventListener("abort", stop, { once: true });
        if (signal.aborted) stop();
        const listen = async (): Promise<void> => {
          // When the library has to begin again it may begin with the past.
          let last = from;
          for await (const change of changes) {
            if (change.revision <= last) continue;
            last = change.revision;
            tell({ key: change.key, entry: entryOf(change) });
          }
        };
        const ping = async (): Promise<void> => {
          for (;;) {
            await clock.sleep(PING_MS, { signal });
            using limit = deadline({ signal }, PONG_MS, where);
            await session.confirm(limit.signal);
          }
        };
        const ended = Promise.race([listen(), ping(), lost]).finally(() => {
          forget();
          signal.removeEventListener("abort", stop);
          changes.stop();
        });
        return { ended };
      } catch (error) {
        forget();
        throw error;
      }
    },
  });
}

function entryOf(entry: KvEntry | null): Entry | undefined {
  if (entry === null || entry.operation !== "PUT") return undefined;
  return { key: entry.key, value: entry.string(), revision: entry.revision };
}

function explain(thrown: unknown, where: string, bucket: string): MicroError {
  const { message } = MicroError.from(thrown, "unavailable");
  const todo = /not enabled|no responders|503/i.test(message) ? "; JetStream is needed: start the server with -js" : "";
  const text = `${where} did not open the bucket "${bucket}": ${message}${todo}`;
  return new MicroError("unavailable", text, { cause: thrown });
}
