import type { CallOptions, Closable, Startable } from "../lifecycle.ts";

/**
 * What is published: headers and a body that the broker does not read. Names are in lower case on our side; a broker writes
 * them as Go spells them (`Content-Type`), because its subscribers compare exactly (`wire.md §8.0`, §11 trap 11).
 */
export interface BrokerMessage {
  /** `content-type` and `micro-topic` are what Go's subscribers need; `publish` adds a missing topic. */
  readonly header: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** A message as a subscriber gets it. */
export interface BrokerEvent extends BrokerMessage {
  readonly topic: string;
}

export interface SubscribeOptions extends CallOptions {
  /** Of those who subscribe with one queue, one gets each message; without a queue everybody does. */
  readonly queue?: string;
}

/**
 * Carries messages from who publishes to who subscribes, at most once: memory, http (go-micro's peer to peer), nats, rabbitmq,
 * kafka, redis, mqtt. All pass `test/contract/broker.contract.ts`. Every method may be called between `start()` and `stop()` only.
 */
export interface Broker extends Startable {
  /** `http`, `nats`: what nodes carry as `broker` in their metadata. */
  readonly kind: string;
  /** Where it is, for people: `nats at 127.0.0.1:4222`. Carries no secret. */
  readonly where: string;
  /**
   * Resolves when the message is handed to the network, not when somebody received it; that nobody listens is no error.
   * Default 5000 ms. @throws MicroError `invalid_argument` (a topic or header that cannot be sent), `unavailable`, `timeout`
   */
  publish(topic: string, message: BrokerMessage, options?: CallOptions): Promise<void>;
  /**
   * Live once the promise resolves, again after a lost connection, until it is closed. Events of one subscription are
   * handed over one after the other: the next when the handler is done, and never more than a bounded number wait. What
   * the handler throws is logged and ends nothing.
   * @throws MicroError `invalid_argument`, `unavailable`, `timeout`; `unimplemented` for a queue where there are none (redis, mqtt)
   */
  subscribe(
    topic: string,
    handler: (event: BrokerEvent) => void | Promise<void>,
    options?: SubscribeOptions,
  ): Promise<Closable>;
}
