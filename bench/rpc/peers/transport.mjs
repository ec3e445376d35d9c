// Only our transport: the frames that `ours.mjs` sends, always the same, on as many connections as there are callers.
import { httpTransport } from "../../../dist/src/index.js";
import { greeting, request } from "../payload.mjs";

const bytes = (value) => new TextEncoder().encode(`${JSON.stringify(value)}\n`);

export async function server({ size }) {
  const answer = {
    header: { "content-type": "application/json", "micro-id": "1000", "x-micro-id": "1000" },
    body: bytes(greeting(request(size))),
  };
  const { address } = await httpTransport().listen("127.0.0.1:0", async (connection) => {
    connection.receive(
      () => connection.send(answer),
      () => {},
    );
  });
  return { address };
}

export async function client({ address, size }) {
  const transport = httpTransport();
  const service = "go.micro.srv.greeter";
  const endpoint = "Say.Hello";
  const frame = {
    header: {
      "micro-from-service": "bench",
      "x-user-id": "u1",
      "content-type": "application/json",
      accept: "application/json",
      "micro-service": service,
      "micro-method": endpoint,
      "micro-endpoint": endpoint,
      "micro-id": "1000",
      "x-micro-service": service,
      "x-micro-method": endpoint,
      "x-micro-endpoint": endpoint,
      "x-micro-id": "1000",
      timeout: "5000000000",
    },
    body: bytes(request(size)),
  };
  const wanted = bytes(greeting(request(size))).length;
  const idle = [];
  const dial = async () => {
    const connection = await transport.dial(address);
    const line = { connection, answered: () => {} };
    connection.receive(
      ({ body }) => line.answered(body),
      () => {},
    );
    return line;
  };
  return async () => {
    const line = idle.pop() ?? (await dial());
    const body = await new Promise((resolve, reject) => {
      line.answered = resolve;
      line.connection.send(frame).catch(reject);
    });
    idle.push(line);
    if (body.length !== wanted) throw new Error("another answer");
  };
}
