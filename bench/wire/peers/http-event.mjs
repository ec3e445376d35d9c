// Events from one publisher to so many subscribers by HTTP, sixteen being published at a time.
import { once } from "node:events";
import { createServer } from "node:http";
import { Pool } from "undici";
import { httpBroker, memoryRegistry } from "../../../dist/src/index.js";

const TOPIC = "bench.events";
const BODY = Buffer.from(JSON.stringify({ name: "John", text: "x".repeat(100) }));
const HEADER = { "content-type": "application/json", "micro-id": "d8668b6c-d33c-4153-8f14-be0d620c85c6" };

export async function ours({ subscribers, ms }) {
  const registry = memoryRegistry()();
  await registry.start();
  const count = counter(subscribers);
  const broker = async () => {
    const made = httpBroker({ address: "127.0.0.1:0" })({ registry });
    await made.start();
    return made;
  };
  for (let i = 0; i < subscribers; i++) await (await broker()).subscribe(TOPIC, count.delivered);
  const publisher = await broker();
  return () => count.sample(ms, () => publisher.publish(TOPIC, { header: HEADER, body: BODY }));
}

/** As Go's broker does it: one POST per message and subscriber. */
export async function post({ subscribers, ms }) {
  const count = counter(subscribers);
  const pools = [];
  for (let i = 0; i < subscribers; i++) {
    const server = createServer((request, response) => {
      const chunks = [];
      request.on("data", (chunk) => chunks.push(chunk));
      request.on("end", () => {
        const { Body } = JSON.parse(Buffer.concat(chunks).toString());
        count.delivered({ body: Buffer.from(Body, "base64") });
        response.end();
      });
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    pools.push(new Pool(`http://127.0.0.1:${server.address().port}`, { connections: 8 }));
  }
  const headers = { "content-type": "application/json" };
  return () =>
    count.sample(ms, async () => {
      const body = JSON.stringify({ Header: HEADER, Body: BODY.toString("base64") });
      const posts = pools.map(async (pool) => {
        const answer = await pool.request({ path: "/", method: "POST", headers, body });
        await answer.body.dump();
      });
      await Promise.all(posts);
    });
}

function counter(subscribers) {
  let seen = 0;
  return {
    delivered: ({ body }) => {
      if (body.length !== BODY.length) throw new Error("another body");
      seen++;
    },
    /** Nanoseconds per event that all subscribers have. */
    sample: async (ms, publish) => {
      const before = seen;
      const began = performance.now();
      let sent = 0;
      const worker = async () => {
        while (performance.now() - began < ms) {
          sent++;
          await publish();
        }
      };
      await Promise.all(Array.from({ length: 16 }, worker));
      while (seen - before < sent * subscribers) await new Promise((resolve) => setImmediate(resolve));
      return ((performance.now() - began) * 1e6) / sent;
    },
  };
}
