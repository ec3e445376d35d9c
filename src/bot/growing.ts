import { type Clock, elapsedBy } from "../core/clock.ts";
import type { OutgoingMessage } from "../inputs/input.ts";

/** Messages that grow: each said at most once a second, as it is by then. */
export interface Growing {
  /** There is something new under the key. */
  grow(key: string, draw: () => OutgoingMessage): void;
  /** Nothing more is said under the key; resolves when its last word may be. */
  end(key: string): Promise<void>;
}

/** Slack lets a bot edit 50 times a minute, with bursts, all its messages together (`chat.md §3`); so what lasts slows down. */
const PACE_MS = 1000;
const QUICK = 20;
const SLOW_PACE_MS = 3000;

/** What ends this soon is said once, with its end. */
const GATHER_MS = 200;

interface Slot {
  draw: () => OutgoingMessage;
  dirty: boolean;
  /** Not before this. */
  nextAt: number;
  /** How often something was said or tried. */
  tried: number;
  readonly over: AbortController;
  running: Promise<void> | undefined;
}

/**
 * @param say resolves to how long to wait before it is said again; 0: it was said; `undefined`: it never will be
 */
export function createGrowing(
  clock: Clock,
  closing: AbortSignal,
  say: (draw: () => OutgoingMessage, attempt: number) => Promise<number | undefined>,
): Growing {
  const elapsed = elapsedBy(clock);
  const slots = new Map<string, Slot>();
  closing.addEventListener("abort", () => {
    for (const slot of slots.values()) slot.over.abort();
  });

  const until = async (at: number, signal: AbortSignal): Promise<void> => {
    const wait = at - elapsed();
    if (wait > 0) await clock.sleep(wait, { signal }).catch(() => {});
  };

  const keepUp = async (slot: Slot): Promise<void> => {
    const { signal } = slot.over;
    for (let attempt = 0; slot.dirty; ) {
      await until(slot.nextAt, signal);
      if (signal.aborted) return;
      slot.tried++;
      // Before the call: what comes while it is said is said next time.
      slot.dirty = false;
      const wait = await say(slot.draw, attempt);
      slot.nextAt = elapsed() + Math.max(slot.tried < QUICK ? PACE_MS : SLOW_PACE_MS, wait ?? 0);
      if (wait === undefined) return slot.over.abort();
      attempt = wait === 0 ? 0 : attempt + 1;
      slot.dirty ||= wait > 0;
    }
    slot.running = undefined;
  };

  return {
    grow: (key, draw) => {
      let slot = slots.get(key);
      if (slot === undefined) {
        const over = new AbortController();
        slot = { draw, dirty: false, nextAt: elapsed() + GATHER_MS, tried: 0, over, running: undefined };
        slots.set(key, slot);
      }
      slot.draw = draw;
      slot.dirty = true;
      if (!slot.over.signal.aborted && !closing.aborted) slot.running ??= keepUp(slot);
    },
    end: async (key) => {
      const slot = slots.get(key);
      if (slot === undefined) return;
      slot.over.abort();
      await slot.running;
      slots.delete(key);
      if (slot.tried > 0) await until(slot.nextAt, closing);
    },
  };
}
