import { sharedAbort } from "../../core/abort.ts";
import type { Deadline } from "../../core/deadline.ts";
import { MicroError } from "../../core/errors.ts";
import { type CallOptions, closable } from "../../core/lifecycle.ts";
import { createQueue } from "../../core/queue.ts";
import { createOpening } from "../opening.ts";
import { checkKey, checkPrefix, checkRevision, checkValue } from "./keys.ts";
import type { Change, Entry, Kv, KvWatcher } from "./kv.ts";

/**
 * What differs between the stores. Keys and values were checked. Whoever called is told as soon as the limit is over
 * or the signal aborts, so an engine only has to let go of what it holds. Errors of any kind become those of the contract.
 */
export interface KvEngine {
  readonly kind: string;
  /** For people: `etcd at 127.0.0.1:2379`. Carries no secret. */
  readonly where: string;
  /** Reaches the store and makes in it what has to be there. May come again after `close`. */
  open(signal: AbortSignal): Promise<void>;
  /** Closes what was opened, in part as well; nothing to close is fine. */
  close(): Promise<void>;
  get(key: string, limit: Deadline): Promise<Entry | undefined>;
  /** In any order. */
  list(prefix: string, limit: Deadline): Promise<readonly Entry[]>;
  /**
   * Writes a value, or deletes with `undefined`. @param expected the revision that must be there; `0`: nothing;
   * `undefined`: whatever @returns the revision; `undefined`: something else was there, or nothing to delete
   */
  write(
    key: string,
    value: string | undefined,
    expected: number | undefined,
    limit: Deadline,
  ): Promise<number | undefined>;
  /** Resolves when nothing is missed from here on, and tells until the signal aborts. */
  watch(prefix: string, tell: (change: Change) => void, signal: AbortSignal): Promise<KvFeed>;
}

export interface KvFeed {
  /** Rejects when the store is lost or changes were missed; settles after the signal, when everything is closed. */
  readonly ended: Promise<unknown>;
}

/** How many changes a reader may be behind before it is cut off: it must read again anyway. */
const MAX_BEHIND = 10_000;

/** A store out of what is peculiar to it. */
export function createKv(engine: KvEngine): Kv {
  const { kind, where } = engine;
  const watches = new Set<{ lose(error: MicroError): void; readonly ended: Promise<unknown> }>();
  const opening = createOpening({
    where,
    open: (signal) => engine.open(signal),
    close: () => engine.close(),
    errorOf: (thrown) => ofContract(thrown, where),
  });
  const { call } = opening;
  const written = async (
    key: string,
    value: string | undefined,
    expected: number | undefined,
    options: CallOptions,
  ): Promise<number | undefined> => {
    checkKey(key);
    if (value !== undefined) checkValue(key, value);
    if (expected !== undefined && expected !== 0) checkRevision(key, expected);
    return call(options, (limit) => engine.write(key, value, expected, limit));
  };

  return {
    kind,
    start: opening.start,
    stop: () =>
      opening.stop(async (reason) => {
        const all = [...watches];
        for (const { lose } of all) lose(reason);
        await Promise.all(all.map(({ ended }) => ended));
      }),
    get: async (key, options = {}) => {
      checkKey(key);
      return call(options, (limit) => engine.get(key, limit));
    },
    list: async (prefix, options = {}) => {
      checkPrefix(prefix);
      const entries = await call(options, (limit) => engine.list(prefix, limit));
      return [...entries].sort((a, b) => (a.key < b.key ? -1 : 1));
    },
    put: async (key, value, options = {}) => {
      const revision = await written(key, value, undefined, options);
      if (revision === undefined) throw new MicroError("unavailable", `${where} did not say what became of "${key}"`);
      return revision;
    },
    create: (key, value, options = {}) => written(key, value, 0, options),
    update: async (key, value, revision, options = {}) => {
      checkRevision(key, revision);
      return written(key, value, revision, options);
    },
    delete: async (key, { revision, ...options } = {}) => {
      if (revision !== undefined) checkRevision(key, revision);
      return (await written(key, undefined, revision, options)) !== undefined;
    },
    watch: async (prefix, options = {}): Promise<KvWatcher> => {
      checkPrefix(prefix);
      const queue = createQueue<Change>(MAX_BEHIND);
      const abort = sharedAbort();
      let closed = false;
      const lose = (error: MicroError) => {
        queue.end(error);
        abort.abort(error);
      };
      const tell = (change: Change) => {
        if (abort.signal.aborted || queue.push(change)) return;
        lose(new MicroError("unavailable", `a watch of ${where} fell ${MAX_BEHIND} changes behind; watch again`));
      };
      const { ended: feeding } = await call(options, ({ signal }) => {
        const giveUp = () => abort.abort(signal.reason);
        signal.addEventListener("abort", giveUp, { once: true });
        const opened = engine.watch(prefix, tell, abort.signal);
        // Nobody may be waiting for it any more.
        opened.then(({ ended }) => ended).catch(() => {});
        return opened.finally(() => signal.removeEventListener("abort", giveUp));
      }).catch((error: unknown) => {
        abort.abort(error);
        throw error;
      });
      if (!opening.isOpen) abort.abort();
      const watch = {
        lose,
        ended: feeding.then(
          () => lose(new MicroError("unavailable", `a watch of ${where} ended; watch again`)),
          (error: unknown) => lose(asLoss(error, where)),
        ),
      };
      watches.add(watch);
      void watch.ended.then(() => watches.delete(watch));
      const { close, ...rest } = closable(async () => {
        closed = true;
        options.signal?.removeEventListener("abort", leave);
        queue.end();
        abort.abort(new MicroError("cancelled", `the watch of ${where} was closed`));
        await watch.ended;
      });
      const leave = () => void close();
      if (options.signal?.aborted) leave();
      else options.signal?.addEventListener("abort", leave, { once: true });
      async function* read(): AsyncGenerator<Change, void> {
        try {
          for await (const change of queue) {
            if (closed) return;
            yield change;
          }
        } finally {
          await close();
        }
      }
      return { ...rest, close, [Symbol.asyncIterator]: read };
    },
  };
}

const CODES: readonly string[] = ["unavailable", "invalid_argument", "timeout", "cancelled"];

/** Whatever a store says no with, it cannot be used now. */
function ofContract(thrown: unknown, where: string): MicroError {
  if (thrown instanceof MicroError && CODES.includes(thrown.code)) return thrown;
  const { message } = MicroError.from(thrown, "unavailable");
  const said = message.includes(where) ? message : `${where}: ${message}`;
  return new MicroError("unavailable", said, { cause: thrown });
}

function asLoss(thrown: unknown, where: string): MicroError {
  const error = ofContract(thrown, where);
  if (error.code === "unavailable") return error;
  return new MicroError("unavailable", `a watch of ${where} was lost: ${error.message}`, { cause: thrown });
}
