import type { Clock } from "../clock.ts";
import { MicroError } from "../errors.ts";
import type { Log } from "../log.ts";
import type { BrokerEvent } from "./broker.ts";
import { createGate } from "./gate.ts";

/** Who waits for one subscription's handler: one event after the other, and no more than a bounded number. */
export interface Delivery {
  /** `false`: there are too many already, and it was dropped. */
  push(event: BrokerEvent): boolean;
  /** Resolves when fewer wait, for brokers that can hold back what comes; `undefined`: no need to. */
  room(): Promise<void> | undefined;
  /** What waits is dropped; a handler that runs is left to its end. */
  close(): void;
}

export interface DeliveryInit {
  readonly topic: string;
  readonly handler: (event: BrokerEvent) => void | Promise<void>;
  readonly clock: Clock;
  readonly log: Log;
}

/** So many may wait; brokers that can be held back are, from a tenth of it. */
const MAX_EVENTS = 10_000;
const MAX_BYTES = 64 << 20;
const MANY_EVENTS = 1000;
const MANY_BYTES = 8 << 20;

export function createDelivery({ topic, handler, clock, log }: DeliveryInit): Delivery {
  const gate = createGate(clock);
  let waiting: BrokerEvent[] = [];
  /** How many of `waiting` have been handed over. */
  let taken = 0;
  let bytes = 0;
  let busy = false;
  let closed = false;
  let dropped = 0;

  const failed = (error: unknown) => {
    log.error({ topic, reason: MicroError.from(error).message }, "a subscriber failed");
  };
  /** A promise when the handler is not done yet. */
  const hand = (event: BrokerEvent): Promise<void> | undefined => {
    try {
      const result = handler(event);
      return result instanceof Promise ? result : undefined;
    } catch (error) {
      failed(error);
      return undefined;
    }
  };
  const goOn = () => {
    busy = false;
    next();
  };
  const next = (): void => {
    while (taken < waiting.length && !closed) {
      const event = waiting[taken++] as BrokerEvent;
      bytes -= event.body.length;
      if (taken >= MANY_EVENTS) {
        waiting = waiting.slice(taken);
        taken = 0;
      }
      if (waiting.length - taken < MANY_EVENTS && bytes < MANY_BYTES) gate.open();
      busy = true;
      const result = hand(event);
      if (result) return void result.catch(failed).then(goOn);
      busy = false;
    }
    waiting = [];
    taken = 0;
    if (dropped > 0) log.warn({ topic, dropped }, "a subscriber is back after events had to be dropped");
    dropped = 0;
  };

  return {
    push: (event) => {
      if (closed) return false;
      if (busy) {
        const count = waiting.length - taken;
        if (count >= MAX_EVENTS || (count > 0 && bytes + event.body.length > MAX_BYTES)) {
          if (dropped++ === 0) log.warn({ topic }, "a subscriber is too slow: events are dropped");
          return false;
        }
        waiting.push(event);
        bytes += event.body.length;
        if (count + 1 >= MANY_EVENTS || bytes >= MANY_BYTES) gate.shut();
        return true;
      }
      busy = true;
      const result = hand(event);
      if (result) void result.catch(failed).then(goOn);
      else {
        busy = false;
        // The handler may have published, and heard itself while it was busy.
        if (waiting.length > 0) next();
      }
      return true;
    },
    room: gate.wait,
    close: () => {
      closed = true;
      waiting = [];
      taken = 0;
      bytes = 0;
      gate.open();
    },
  };
}
