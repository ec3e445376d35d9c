import type { Clock } from "../clock.ts";

/**
 * Holds up who sends while who receives has no room; but only for a while. Who makes no room for a second is stuck, and
 * nobody waits for them any more until they do: one bad subscriber must not hold up the others.
 */
export interface Gate {
  shut(): void;
  open(): void;
  /** Resolves when it is open or who should open it is stuck; `undefined`: no need to wait. */
  wait(): Promise<void> | undefined;
  readonly stuck: boolean;
}

const PATIENCE_MS = 1000;

export function createGate(clock: Clock, patienceMs = PATIENCE_MS): Gate {
  let closed:
    | { readonly promise: Promise<void>; readonly resolve: () => void; readonly timer: AbortController }
    | undefined;
  let stuck = false;
  return {
    get stuck() {
      return stuck;
    },
    wait: () => (stuck ? undefined : closed?.promise),
    shut: () => {
      if (closed !== undefined) return;
      let resolve = () => {};
      const promise = new Promise<void>((resolved) => {
        resolve = resolved;
      });
      const timer = new AbortController();
      closed = { promise, resolve, timer };
      clock.sleep(patienceMs, { signal: timer.signal }).then(
        () => {
          stuck = true;
          resolve();
        },
        () => {}, // opened in time
      );
    },
    open: () => {
      stuck = false;
      closed?.timer.abort();
      closed?.resolve();
      closed = undefined;
    },
  };
}
