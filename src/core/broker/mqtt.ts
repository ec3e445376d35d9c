import { connect, type MqttClient } from "mqtt";
import { parseAddresses } from "../addresses.ts";
import { type Clock, systemClock } from "../clock.ts";
import { deadline, orAbort } from "../deadline.ts";
import { MicroError } from "../errors.ts";
import { type Closable, closable } from "../lifecycle.ts";
import { type Log, silent } from "../log.ts";
import type { Broker } from "./broker.ts";
import { createDelivery, type Delivery } from "./delivery.ts";
import { checkAborted, checkTopic, noQueues, notStarted, seal, unseal } from "./message.ts";

export interface MqttBrokerInit {
  /** `host:port`, `mqtt://user:password@host:port`, `mqtts://…`; tried in turn. @default ["127.0.0.1:1883"] */
  readonly addresses?: readonly string[];
}

/** Go's client speaks 3.1.1. */
const PROTOCOL_VERSION = 4;
const QOS = 1;

/**
 * Events over MQTT: go-micro's envelope, with QoS 1 and not retained (`wire.md §8.4`). QoS 1 means that after a lost
 * connection an event may come twice. No queues.
 */
export function mqttBroker(
  init: MqttBrokerInit = {},
): (parts?: { readonly clock?: Clock; readonly log?: Log }) => Broker {
  const at = parseAddresses("mqtt", init.addresses, { schemes: ["mqtt", "tcp", "mqtts", "ssl"], port: 1883 });
  const { where } = at;

  return ({ clock = systemClock, log = silent } = {}) => {
    const open = new Set<Closable>();
    const topics = new Map<string, Set<Delivery>>();
    let client: MqttClient | undefined;

    const connected = (): MqttClient => {
      if (client === undefined) throw notStarted(where);
      if (!client.connected) {
        throw new MicroError("unavailable", `${where} is not there now; it is tried again all the time`);
      }
      return client;
    };
    const fail = (error: unknown): never => {
      if (error instanceof MicroError) throw error;
      throw new MicroError("unavailable", `${where}: ${(error as Error).message}`, { cause: error });
    };

    return {
      kind: "mqtt",
      where,
      start: async (options = {}) => {
        if (client !== undefined) return;
        using limit = deadline(options, 5000, where);
        limit.check();
        const protocol = at.scheme === "mqtts" || at.scheme === "ssl" ? ("mqtts" as const) : ("mqtt" as const);
        const made = connect({
          servers: at.hosts.map(({ host, port }) => ({ host, port, protocol })),
          protocolVersion: PROTOCOL_VERSION,
          ...(at.user === undefined ? {} : { username: at.user }),
          ...(at.password === undefined ? {} : { password: at.password }),
          clean: true,
          keepalive: 20,
          connectTimeout: 5000,
          reconnectPeriod: 250,
          resubscribe: true,
        });
        const failed = new Promise<never>((_, reject) => made.on("error", reject));
        const closed = new Promise<never>((_, reject) => {
          made.once("close", () => reject(new Error("it closed the connection")));
        });
        for (const promise of [failed, closed]) promise.catch(() => {});
        made.on("error", (error) => log.debug({ where, reason: error.message }, "mqtt"));
        made.on("message", (topic, payload) => {
          const event = unseal(topic, payload, log);
          if (event === undefined) return;
          for (const delivery of topics.get(topic) ?? []) delivery.push(event);
        });
        try {
          const there = new Promise<void>((resolve) => made.once("connect", () => resolve()));
          await orAbort(Promise.race([there, failed, closed]), limit.signal);
        } catch (error) {
          await made.endAsync(true);
          fail(error);
        }
        client = made;
      },
      stop: async () => {
        const was = client;
        client = undefined;
        topics.clear();
        if (was === undefined) return;
        await Promise.all([...open].map((subscription) => subscription.close()));
        // A server that is frozen says no goodbye.
        using patience = deadline({}, 1000, where);
        await orAbort(was.endAsync(!was.connected), patience.signal).catch(() => was.stream.destroy());
      },
      publish: async (topic, message, options = {}) => {
        const mqtt = connected();
        checkName(topic);
        checkAborted(options.signal, where);
        const bytes = seal(topic, message);
        using limit = deadline(options, 5000, where);
        let id: number | undefined;
        const sent = new Promise<void>((resolve, reject) => {
          mqtt.publish(topic, bytes, { qos: QOS, retain: false }, (error) => (error ? reject(error) : resolve()));
          id = mqtt.getLastMessageId();
        });
        await orAbort(sent, limit.signal).catch((error) => {
          // Whoever was told that it failed may send it again.
          if (limit.signal.aborted && id !== undefined) mqtt.removeOutgoingMessage(id);
          fail(error);
        });
      },
      subscribe: async (topic, handler, { queue = "", ...options } = {}) => {
        const mqtt = connected();
        checkName(topic);
        if (queue !== "") throw noQueues("MQTT", topic);
        using limit = deadline(options, 5000, where);
        limit.check();
        const delivery = createDelivery({ topic, handler, clock, log });
        const all = topics.get(topic) ?? new Set();
        topics.set(topic, all.add(delivery));
        const closing = closable(async () => {
          open.delete(closing);
          delivery.close();
          all.delete(delivery);
          if (all.size > 0 || topics.get(topic) !== all) return;
          topics.delete(topic);
          if (!mqtt.connected)
            mqtt.unsubscribe(topic); // so that it is not subscribed to again
          else {
            using patience = deadline({}, 1000, where);
            await orAbort(mqtt.unsubscribeAsync(topic), patience.signal).catch(() => {});
          }
        });
        open.add(closing);
        try {
          await orAbort(mqtt.subscribeAsync(topic, { qos: QOS }), limit.signal);
        } catch (error) {
          await closing.close();
          fail(error);
        }
        return closing;
      },
    };
  };
}

/** @throws MicroError `invalid_argument` */
function checkName(topic: string): void {
  checkTopic(topic);
  if (/[+#\0]/.test(topic)) {
    throw new MicroError("invalid_argument", `"${topic}" cannot be a topic of MQTT: + and # stand for patterns there`);
  }
}
