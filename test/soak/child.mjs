// A service in a process of its own, which the soak stops and kills: node child.mjs <name> <consul> http|grpc
import { cached, consulRegistry, createService, grpcDoor, MicroError } from "../../dist/src/index.js";
import { serve } from "./handlers.mjs";

const [name, consul, door] = process.argv.slice(2);
const service = createService({
  name,
  registry: cached(consulRegistry({ addresses: [consul] })()),
  address: "127.0.0.1:0",
  registerTtlMs: 10_000,
  registerIntervalMs: 1000,
  drainMs: 2000,
  ...(door === "grpc" ? { door: grpcDoor() } : {}),
});
serve(service.server, MicroError);
process.once("message", async () => {
  await service.stop();
  // Nothing of the service's may hold the process now: it ends by itself, or the soak says that it does not.
  process.removeListener("disconnect", leave);
  process.disconnect();
});
const leave = () => process.exit(1);
process.once("disconnect", leave);
try {
  await service.start({ timeoutMs: 10_000 });
  process.send("ready");
} catch (error) {
  process.send(`failed: ${error.code}`);
  leave();
}
