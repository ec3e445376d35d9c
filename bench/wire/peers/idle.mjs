// Many streams on which nothing happens, or bare sockets; what is asked is the memory of who holds them.
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { z } from "zod";
import { cached, createService, defineEndpoint, memoryRegistry } from "../../../dist/src/index.js";
import { weighed } from "./weighed.mjs";

const TALK = z.object({ n: z.number() });
const wait = defineEndpoint({ service: "bench.talk", name: "Talk.Wait", input: TALK, output: TALK, stream: true });

export async function oursServer() {
  const service = createService({ name: "bench.talk", address: "127.0.0.1:0", registry: memoryRegistry()() });
  service.handleStream(wait, async (stream) => {
    for await (const each of stream) await stream.send(each);
  });
  await service.start();
  return weighed(service.server.record);
}

/** @returns what opens so many more streams, each of which has answered once */
export async function oursClient({ at, steps }) {
  const registry = cached(memoryRegistry({ services: [at] })());
  const service = createService({ name: "bench", address: "127.0.0.1:0", registry });
  await service.start();
  const open = async () => {
    const stream = await service.client.stream("bench.talk", wait.name, { timeoutMs: 30_000 });
    const answers = stream[Symbol.asyncIterator]();
    await stream.send({ n: 1 });
    await answers.next();
    return { stream, answers };
  };
  return opening(open, steps);
}

export async function netServer() {
  const server = createServer((socket) => socket.on("data", (data) => socket.write(data)));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return weighed(server.address().port);
}

export async function netClient({ at, steps }) {
  const open = async () => {
    const socket = connect(at, "127.0.0.1");
    socket.write("1");
    await once(socket, "data");
    return socket;
  };
  return opening(open, steps);
}

/** Opens as many as the next step says, twenty at a time, and holds them. */
export function opening(open, steps) {
  const held = [];
  const left = [...steps];
  return async () => {
    const until = held.length + left.shift();
    while (held.length < until) {
      held.push(...(await Promise.all(Array.from({ length: Math.min(20, until - held.length) }, open))));
    }
    return held.length;
  };
}
