// Idle gRPC streams on one connection; grpc-js opens them at both servers.
import grpc from "@grpc/grpc-js";
import protobuf from "protobufjs";
import { z } from "zod";
import { createService, defineEndpoint, grpcDoor, memoryRegistry, protobufCodec } from "../../../dist/src/index.js";
import { opening } from "./idle.mjs";
import { weighed } from "./weighed.mjs";

const type = protobuf.parse('syntax = "proto3"; message Talk { int32 n = 1; }').root.lookupType("Talk");
const TALK = z.object({ n: z.number() });
const serialize = (value) => Buffer.from(type.encode(value).finish());
const deserialize = (bytes) => type.decode(bytes);
const definition = {
  wait: {
    path: "/bench.Talk/Wait",
    requestStream: true,
    responseStream: true,
    requestSerialize: serialize,
    requestDeserialize: deserialize,
    responseSerialize: serialize,
    responseDeserialize: deserialize,
  },
};

export async function oursServer() {
  const codec = protobufCodec(type);
  const messages = { request: codec, response: codec };
  const service = createService({
    name: "bench.talk",
    address: "127.0.0.1:0",
    registry: memoryRegistry()(),
    door: grpcDoor(),
  });
  const wait = { service: "bench.talk", name: "Talk.Wait", input: TALK, output: TALK, stream: true, messages };
  service.handleStream(defineEndpoint(wait), async (stream) => {
    for await (const each of stream) await stream.send(each);
  });
  await service.start();
  return weighed(service.server.address);
}

export async function grpcjsServer() {
  const server = new grpc.Server();
  server.addService(definition, {
    wait: (call) => {
      call.on("data", (each) => call.write(each));
      call.on("end", () => call.end());
    },
  });
  const port = await new Promise((resolve, reject) =>
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  );
  return weighed(`127.0.0.1:${port}`);
}

export async function client({ at, steps }) {
  const Talk = grpc.makeGenericClientConstructor(definition, "Talk");
  const talk = new Talk(at, grpc.credentials.createInsecure());
  const open = () =>
    new Promise((resolve, reject) => {
      const call = talk.wait();
      call.on("error", reject);
      call.on("data", () => resolve(call));
      call.write({ n: 1 });
    });
  return opening(open, steps);
}
