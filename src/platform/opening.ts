import type { Deadline } from "../core/deadline.ts";
import { MicroError } from "../core/errors.ts";
import type { CallOptions } from "../core/lifecycle.ts";
import { createCalls } from "../core/registry/calls.ts";

/** For each call that says nothing itself. */
const TIMEOUT_MS = 5000;

export interface OpeningInit {
  /** For people: `etcd at 127.0.0.1:2379`. Carries no secret. */
  readonly where: string;
  open(signal: AbortSignal): Promise<void>;
  /** Closes what was opened, in part as well; nothing to close is fine. */
  close(): Promise<void>;
  /** What was thrown, as the store's contract has it. */
  errorOf(thrown: unknown): MicroError;
}

/** A store that is opened, asked things, and closed: what all stores have in common, whatever they keep. */
export interface Opening {
  readonly isOpen: boolean;
  /** Opens it, once for all who ask. @throws MicroError of the contract; then it is closed, and may be started again */
  start(options?: CallOptions): Promise<void>;
  /**
   * Ends the calls in flight and closes; may be started again.
   * @param before what is ended with the same reason before it is closed
   */
  stop(before?: (reason: MicroError) => Promise<unknown>): Promise<void>;
  /** Asks it something, within the call's deadline and not beyond `stop()`. @throws MicroError `unavailable` (not started), of the contract */
  call<T>(options: CallOptions, work: (limit: Deadline) => Promise<T>): Promise<T>;
}

/** Opens and closes a store in order, whoever starts and stops it when. */
export function createOpening({ where, open, close, errorOf }: OpeningInit): Opening {
  const calls = createCalls(where, TIMEOUT_MS);
  let opening: Promise<void> | undefined;
  /** The last `stop()`: what is begun after it waits, or it would be closed with the others, or never. */
  let closing: Promise<void> = Promise.resolve();
  let isOpen = false;

  const within = async <T>(options: CallOptions, work: (limit: Deadline) => Promise<T>): Promise<T> => {
    try {
      return await calls.within(options, work);
    } catch (error) {
      throw errorOf(error);
    }
  };
  const begin = async (options: CallOptions, closed: Promise<void>): Promise<void> => {
    let begun = false;
    try {
      await within(options, async ({ signal }) => {
        await closed;
        signal.throwIfAborted();
        begun = true;
        await open(signal);
      });
      isOpen = true;
    } catch (error) {
      if (begun) await close();
      throw error;
    }
  };
  const end = async (
    reason: MicroError,
    starting?: Promise<void>,
    before?: (reason: MicroError) => Promise<unknown>,
  ) => {
    await starting?.catch(() => {});
    isOpen = false;
    await before?.(reason);
    await close();
  };
  return {
    get isOpen() {
      return isOpen;
    },
    start: (options = {}) => {
      if (opening !== undefined) return opening;
      const begun = begin(options, closing);
      opening = begun;
      begun.catch(() => {
        if (opening === begun) opening = undefined;
      });
      return begun;
    },
    stop: (before) => {
      const reason = new MicroError("unavailable", `the store (${where}) was stopped`);
      const starting = opening;
      opening = undefined;
      isOpen = false;
      calls.stop(reason);
      const ended = closing.then(() => end(reason, starting, before));
      closing = ended.catch(() => {});
      return ended;
    },
    call: async (options, work) => {
      if (!isOpen) throw new MicroError("unavailable", `the store (${where}) is not started`);
      return within(options, work);
    },
  };
}
