import type { Broker, BrokerEvent, BrokerMessage } from "../broker/broker.ts";
import { MicroError } from "../errors.ts";
import type { Closable } from "../lifecycle.ts";
import type { Log } from "../log.ts";
import type { EndpointRecord } from "../registry/registry.ts";

type EventHandler = (event: BrokerEvent) => void | Promise<void>;
type Options = { readonly queue?: string; readonly name?: string };

/** The topics that a server listens to while it runs. */
export interface Subscribers {
  add(topic: string, handler: EventHandler, options?: Options): void;
  /** As they are registered: by topic, descending (`wire.md §1.5`). */
  endpoints(): readonly EndpointRecord[];
  start(): Promise<void>;
  stop(): Promise<void>;
  /** An event that came as a message (`wire.md §8.5`). `false`: nobody subscribes to its topic. */
  deliver(topic: string, message: BrokerMessage): Promise<boolean>;
}

export function createSubscribers(service: string, broker: Broker | undefined, log: Log): Subscribers {
  const all: { topic: string; handler: EventHandler; options: Options }[] = [];
  const open: Closable[] = [];
  const stop = async () => {
    await Promise.all(open.splice(0).map((subscription) => subscription.close().catch(() => {})));
  };
  return {
    add: (topic, handler, options = {}) => {
      if (broker === undefined) {
        throw new MicroError("invalid_argument", `${service} has no broker to subscribe to ${topic}: give it one`);
      }
      if (all.some((known) => known.topic === topic && known.options.queue === options.queue)) {
        throw new MicroError("conflict", `${service} subscribes to ${topic} already`);
      }
      all.push({ topic, handler, options });
    },
    endpoints: () =>
      [...all]
        .sort((a, b) => (a.topic < b.topic ? 1 : -1))
        .map(({ topic, options }) => ({
          name: options.name ?? "Func",
          metadata: { subscriber: "true", topic },
        })),
    start: async () => {
      try {
        for (const { topic, handler, options } of all) {
          const { queue } = options;
          const subscription = await broker?.subscribe(topic, handler, queue === undefined ? {} : { queue });
          if (subscription) open.push(subscription);
        }
      } catch (error) {
        await stop();
        throw error;
      }
    },
    stop,
    deliver: async (topic, message) => {
      const meant = all.filter((known) => known.topic === topic);
      for (const { handler } of meant) {
        try {
          await handler({ topic, header: message.header, body: message.body });
        } catch (error) {
          log.warn({ topic, reason: (error as Error).message }, "a subscriber failed");
          throw error;
        }
      }
      return meant.length > 0;
    },
  };
}
