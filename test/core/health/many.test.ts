import { createServer, type Server, type Socket } from "node:net";
import { afterEach, expect, it } from "vitest";
import { rpcClient } from "../../../src/core/client/rpc.ts";
import { systemClock } from "../../../src/core/clock.ts";
import { examine } from "../../../src/core/health/examine.ts";
import { memoryRegistry } from "../../../src/core/registry/memory.ts";
import { defaultSelector } from "../../../src/core/selector/default.ts";
import { httpTransport } from "../../../src/core/transport/http.ts";
import { answer } from "../../fakes/raw-peer.ts";
import { serviceOf } from "./fake-nodes.ts";

const closing: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

/** Nodes on sockets of their own; the first `hanging` of them take a question and never answer. */
async function listeners(count: number, hanging: number): Promise<readonly string[]> {
  const sockets = new Set<Socket>();
  const servers: Server[] = [];
  closing.push(() => {
    for (const socket of sockets) socket.destroy();
    for (const server of servers) server.close();
  });
  return Promise.all(
    Array.from({ length: count }, async (_, at) => {
      const server = createServer((socket) => {
        sockets.add(socket);
        socket.on("error", () => {});
        socket.on("close", () => sockets.delete(socket));
        socket.on("data", () => at >= hanging && socket.write(answer('{"status":"ok"}\n')));
      });
      servers.push(server);
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      return `127.0.0.1:${(server.address() as { port: number }).port}`;
    }),
  );
}

it("asks 500 real nodes of which 40 hang within its deadline", async () => {
  const addresses = await listeners(500, 40);
  const registry = memoryRegistry({ services: serviceOf("p", { "1": addresses }) })();
  const client = rpcClient()({ transport: httpTransport(), selector: defaultSelector()({ registry }) });
  closing.push(() => client.close());
  const began = performance.now();
  const found = await examine({ client, registry, clock: systemClock }, "p", { uptime: false });
  // The deadline is 3 s; what is beyond that is for a machine that does other things (`npm run bench -- health500` measures).
  expect(performance.now() - began).toBeLessThan(5000);
  expect(found.causes).toMatchObject([{ cause: "timeout" }]);
  expect(found.bad).toBe(40);
});
