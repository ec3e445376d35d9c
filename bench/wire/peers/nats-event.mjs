// Events through a NATS server from one process to itself, so many under way.
import { connect } from "@nats-io/transport-node";
import { natsBroker } from "../../../dist/src/index.js";

const TOPIC = `bench.events.${process.pid}`;
const BODY = new TextEncoder().encode(JSON.stringify({ text: "The quick brown fox jumps over it", n: 1 }));
const HEADER = { "content-type": "application/json", "micro-topic": TOPIC, "x-user-id": "u1" };
const GO_HEADER = { "Content-Type": "application/json", "Micro-Topic": TOPIC, "X-User-Id": "u1" };

export async function ours({ nats, window, ms }) {
  const broker = natsBroker({ addresses: [nats] })();
  await broker.start();
  const flow = windowed(window, () => broker.publish(TOPIC, { header: HEADER, body: BODY }));
  await broker.subscribe(TOPIC, ({ body }) => flow.delivered(body));
  return () => flow.sample(ms);
}

/** What our broker writes and reads, with nothing around it. */
export async function envelope({ nats, window, ms }) {
  const connection = await connect({ servers: nats });
  const flow = windowed(window, () => {
    const body = Buffer.from(BODY.buffer, BODY.byteOffset, BODY.length).toString("base64");
    connection.publish(TOPIC, JSON.stringify({ Header: GO_HEADER, Body: body }));
  });
  connection.subscribe(TOPIC, {
    callback: (_, message) => {
      const { Body } = JSON.parse(message.string());
      flow.delivered(Buffer.from(Body, "base64"));
    },
  });
  await connection.flush();
  return () => flow.sample(ms);
}

export async function raw({ nats, window, ms }) {
  const connection = await connect({ servers: nats });
  const flow = windowed(window, () => connection.publish(TOPIC, BODY));
  connection.subscribe(TOPIC, { callback: (_, message) => flow.delivered(message.data) });
  await connection.flush();
  return () => flow.sample(ms);
}

/** Publishes as long as fewer than `window` are under way. */
function windowed(window, publish) {
  let sent = 0;
  let seen = 0;
  let wake;
  return {
    delivered: (body) => {
      if (body.length !== BODY.length) throw new Error("another body");
      seen++;
      if (wake !== undefined && sent - seen <= window / 2) {
        wake();
        wake = undefined;
      }
    },
    /** Nanoseconds per event. */
    sample: async (ms) => {
      const first = sent;
      const began = performance.now();
      while (performance.now() - began < ms) {
        while (sent - seen < window) {
          sent++;
          const pending = publish();
          if (pending !== undefined) await pending;
        }
        await new Promise((resolve) => {
          wake = resolve;
        });
      }
      while (seen < sent) await new Promise((resolve) => setImmediate(resolve));
      return ((performance.now() - began) * 1e6) / (sent - first);
    },
  };
}
