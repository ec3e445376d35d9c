// The whole public path: a service, a client, the selector over a registry, metadata, deadline, codec, schemas.
import { z } from "zod";
import { cached, createService, defineEndpoint, memoryRegistry, protobufCodec } from "../../../dist/src/index.js";
import { greeting, request } from "../payload.mjs";
import { greetingType } from "../proto.mjs";

const hello = defineEndpoint({
  service: "go.micro.srv.greeter",
  name: "Say.Hello",
  input: z.object({ name: z.string() }),
  output: z.object({ msg: z.string() }),
});

export async function server({ address = "127.0.0.1:0" }) {
  const service = createService({
    name: hello.service,
    version: "1.0.0",
    address,
    registry: memoryRegistry()(),
    codecs: [protobufCodec(greetingType)],
  });
  service.handle(hello, greeting);
  await service.start();
  return { record: service.server.record };
}

/** @param by `call` checks both schemas; `request` is for callers that know names only */
export async function client({ record, size, codec = "json", by = "call" }) {
  const service = createService({
    name: "bench",
    address: "127.0.0.1:0",
    registry: cached(memoryRegistry({ services: [record] })()),
    client: { codecs: [protobufCodec(greetingType)] },
  });
  await service.start();
  const input = request(size);
  const wanted = greeting(input).msg.length;
  const metadata = { "x-user-id": "u1" };
  const options = { metadata, contentType: codec === "json" ? "application/json" : "application/protobuf" };
  const ask =
    by === "call"
      ? () => service.client.call(hello, input, options)
      : () => service.client.request(hello.service, hello.name, input, options);
  return async () => {
    const { msg } = await ask();
    if (msg.length !== wanted) throw new Error("another answer");
  };
}
