// Calls over a NATS server: ours over the `nats` transport, and moleculer's.
import moleculer from "moleculer";
import { z } from "zod";
import { cached, createService, defineEndpoint, memoryRegistry, natsTransport } from "../../../dist/src/index.js";
import { nsPerAnswer } from "./callers.mjs";

const hello = defineEndpoint({
  service: "greeter",
  name: "Say.Hello",
  input: z.object({ name: z.string() }),
  output: z.object({ msg: z.string() }),
});
const INPUT = { name: "John of the long and winding road" };
const greeting = ({ name }) => ({ msg: `Hello ${name}` });
const WANTED = greeting(INPUT).msg;

const oursOver = (nats, name, registry) =>
  createService({ name, address: "127.0.0.1:0", registry, transport: natsTransport({ addresses: [nats] }) });

export async function oursServer({ nats }) {
  const service = oursOver(nats, hello.service, memoryRegistry()());
  service.handle(hello, greeting);
  await service.start();
  return () => service.server.record;
}

/** @returns what takes a sample: ns per call */
export async function oursClient({ nats, at, callers, ms }) {
  const service = oursOver(nats, "bench", cached(memoryRegistry({ services: [at] })()));
  await service.start();
  const call = async () => {
    const { msg } = await service.client.call(hello, INPUT);
    if (msg !== WANTED) throw new Error("another answer");
  };
  return () => nsPerAnswer(call, callers, ms);
}

const broker = (nats, nodeID) =>
  new moleculer.ServiceBroker({ nodeID, logger: false, transporter: `nats://${nats}`, metrics: false });

export async function moleculerServer({ nats }) {
  const node = broker(nats, "greeter");
  node.createService({
    name: "say",
    actions: { hello: { params: { name: "string" }, handler: ({ params }) => greeting(params) } },
  });
  await node.start();
  return () => "greeter";
}

export async function moleculerClient({ nats, callers, ms }) {
  const node = broker(nats, "bench");
  await node.start();
  await node.waitForServices("say", 10_000);
  const call = async () => {
    const { msg } = await node.call("say.hello", INPUT);
    if (msg !== WANTED) throw new Error("another answer");
  };
  return () => nsPerAnswer(call, callers, ms);
}
