// Its TCP transporter, without discovery: nothing leaves this machine.
import moleculer from "moleculer";
import { greeting, request } from "../payload.mjs";

const broker = (nodeID, urls) =>
  new moleculer.ServiceBroker({
    nodeID,
    logger: false,
    transporter: { type: "TCP", options: { udpDiscovery: false, useHostname: false, urls } },
  });

export async function server() {
  const node = broker("greeter", []);
  node.createService({
    name: "say",
    actions: { hello: { params: { name: "string" }, handler: ({ params }) => greeting(params) } },
  });
  await node.start();
  return { port: node.transit.tx.opts.port };
}

export async function client({ port, size }) {
  const node = broker("bench", [`tcp://127.0.0.1:${port}/greeter`]);
  await node.start();
  await node.waitForServices("say");
  const input = request(size);
  const wanted = greeting(input).msg.length;
  return async () => {
    const { msg } = await node.call("say.hello", input);
    if (msg.length !== wanted) throw new Error("another answer");
  };
}
