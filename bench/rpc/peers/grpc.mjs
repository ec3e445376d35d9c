import grpc from "@grpc/grpc-js";
import { greeting, request } from "../payload.mjs";
import { greetingType } from "../proto.mjs";

const serialize = (value) => Buffer.from(greetingType.encode(value).finish());
const deserialize = (bytes) => greetingType.decode(bytes);
const definition = {
  hello: {
    path: "/Say/Hello",
    requestStream: false,
    responseStream: false,
    requestSerialize: serialize,
    requestDeserialize: deserialize,
    responseSerialize: serialize,
    responseDeserialize: deserialize,
  },
};

export async function server() {
  const made = new grpc.Server();
  made.addService(definition, { hello: (call, answer) => answer(null, greeting(call.request)) });
  const port = await new Promise((resolve, reject) =>
    made.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  );
  return { port };
}

export async function client({ port, size }) {
  const Say = grpc.makeGenericClientConstructor(definition, "Say");
  const say = new Say(`127.0.0.1:${port}`, grpc.credentials.createInsecure());
  const input = request(size);
  const wanted = greeting(input).msg.length;
  return () =>
    new Promise((resolve, reject) => {
      say.hello(input, (error, answer) => {
        if (error) reject(error);
        else if (answer.msg.length !== wanted) reject(new Error("another answer"));
        else resolve();
      });
    });
}
