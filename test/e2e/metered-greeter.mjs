// The greeter as a process of its own, registered in Consul, with a page for Prometheus beside it:
// `node metered-greeter.mjs <consul host:port> <metrics port> [version]`. It is there when it has printed a line.
import { createServer } from "node:http";
import { greeter } from "../../dist/examples/greeter.js";
import { cached, consulRegistry } from "../../dist/src/index.js";

const [consul, metrics, version = "1.0.0"] = process.argv.slice(2);
const registry = cached(consulRegistry({ addresses: [consul] })());
const service = greeter({ registry, version, address: "127.0.0.1:0" });
const page = createServer((_request, response) => {
  response.setHeader("content-type", "text/plain; version=0.0.4");
  response.end("greeter_up 1\n");
});
page.listen(Number(metrics), "127.0.0.1");
await service.start();
process.stdout.write(`${service.server.address}\n`);
