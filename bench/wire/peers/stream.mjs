// One stream of small JSON messages, ours and a web socket's: two ends in two processes.
import { once } from "node:events";
import { WebSocket, WebSocketServer } from "ws";
import { z } from "zod";
import { cached, createService, defineEndpoint, memoryRegistry } from "../../../dist/src/index.js";

const TALK = z.object({ text: z.string(), n: z.number() });
const endpoint = (name) =>
  defineEndpoint({ service: "bench.talk", name: `Talk.${name}`, input: TALK, output: TALK, stream: true });
const [echo, swallow] = [endpoint("Echo"), endpoint("Swallow")];
/** How many messages are on the way before the first must be answered. */
const WINDOW = 64;
/** One-way messages are answered once in so many. */
const BATCH = 1000;
const message = (n) => ({ text: "The quick brown fox jumps over it", n });

/** @returns where it is */
export async function oursServer() {
  const service = createService({ name: "bench.talk", address: "127.0.0.1:0", registry: memoryRegistry()() });
  service.handleStream(echo, async (stream) => {
    for await (const each of stream) await stream.send(each);
  });
  service.handleStream(swallow, async (stream) => {
    let seen = 0;
    for await (const each of stream) if (++seen % BATCH === 0) await stream.send(each);
  });
  await service.start();
  return () => service.server.record;
}

/** @param kind `echo` or `oneWay` @returns what takes a sample: ns per message */
export async function oursClient({ at, kind, ms }) {
  const registry = cached(memoryRegistry({ services: [at] })());
  const service = createService({ name: "bench", address: "127.0.0.1:0", registry });
  await service.start();
  const stream = await service.client.stream("bench.talk", (kind === "echo" ? echo : swallow).name);
  const answers = stream[Symbol.asyncIterator]();
  const receive = async () => (await answers.next()).value;
  return () => sample(kind, ms, (value) => stream.send(value), receive);
}

export async function wsServer() {
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0, perMessageDeflate: false });
  server.on("connection", (socket, { url }) => {
    let seen = 0;
    socket.on("message", (data) => {
      const value = JSON.parse(data);
      if (url === "/echo" || ++seen % BATCH === 0) socket.send(JSON.stringify(value));
    });
  });
  await once(server, "listening");
  return () => server.address().port;
}

export async function wsClient({ at, kind, ms }) {
  const socket = new WebSocket(`ws://127.0.0.1:${at}/${kind}`, { perMessageDeflate: false });
  await once(socket, "open");
  const arrived = [];
  let wanted;
  socket.on("message", (data) => {
    const value = JSON.parse(data);
    if (wanted === undefined) arrived.push(value);
    else {
      wanted(value);
      wanted = undefined;
    }
  });
  const receive = () =>
    arrived.length > 0
      ? arrived.shift()
      : new Promise((resolve) => {
          wanted = resolve;
        });
  return () => sample(kind, ms, (value) => socket.send(JSON.stringify(value)), receive);
}

/** Nanoseconds per message that went there (one way), or there and back (echo). */
async function sample(kind, ms, send, receive) {
  let sent = 0;
  let seen = 0;
  const began = performance.now();
  const until = began + ms;
  const get = async () => {
    const { n } = await receive();
    seen = n + 1;
  };
  const ahead = kind === "echo" ? WINDOW : 2 * BATCH;
  while (performance.now() < until || (kind !== "echo" && sent % BATCH !== 0)) {
    if (sent - seen >= ahead) {
      await get();
      continue;
    }
    await send(message(sent++));
  }
  while (seen < sent) await get();
  return ((performance.now() - began) * 1e6) / sent;
}
