// Our two ends where the other one is Go's, over a consul agent.
import { z } from "zod";
import { cached, consulRegistry, createService, defineEndpoint } from "../../../dist/src/index.js";
import { nsPerAnswer } from "./callers.mjs";

const hello = (service) =>
  defineEndpoint({
    service,
    name: "Greeter.Hello",
    input: z.object({ name: z.string() }),
    output: z.object({ msg: z.string() }),
  });

const registryAt = (address) => cached(consulRegistry({ addresses: [address] })());

/** @returns what takes a sample: ns per call */
export async function client({ registry, callers, ms }) {
  const service = createService({ name: "bench", address: "127.0.0.1:0", registry: registryAt(registry) });
  await service.start();
  const greeter = hello("greeter");
  const call = async () => {
    const { msg } = await service.client.call(greeter, { name: "John" });
    if (msg !== "Hello John") throw new Error(`another answer: ${msg}`);
  };
  return () => nsPerAnswer(call, callers, ms);
}

export async function server({ registry, name }) {
  const service = createService({ name, version: "1", address: "127.0.0.1:0", registry: registryAt(registry) });
  service.handle(hello(name), ({ name }) => ({ msg: `Hello ${name}` }));
  await service.start();
  return () => service.server.address;
}
