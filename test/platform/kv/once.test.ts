import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, it } from "vitest";
import { consulKv } from "../../../src/platform/kv/consul.ts";
import { etcdKv } from "../../../src/platform/kv/etcd.ts";
import type { Kv } from "../../../src/platform/kv/kv.ts";

/** Answers what is read, and hangs up in the middle of every write, as a server does that dies when it has carried it out. */
async function hangsUp() {
  const writes: string[] = [];
  const server = createServer((request, response) => {
    const path = request.url ?? "";
    if (/txn$/.test(path) || (request.method === "PUT" && path.includes("/kv/"))) {
      writes.push(path);
      request.resume().once("end", () => request.socket.destroy());
    } else if (request.method === "GET") {
      response.writeHead(404, { "x-consul-index": "1" }).end();
    } else {
      response.writeHead(200, { "content-type": "application/json" }).end('{"header":{"revision":"1"}}');
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const stop = async () => {
    server.closeAllConnections();
    server.close();
    await once(server, "close");
  };
  return { address: `127.0.0.1:${port}`, writes, stop };
}

const ENGINES: readonly (readonly [string, (addresses: readonly string[]) => Kv])[] = [
  ["etcd", (addresses) => etcdKv({ addresses })],
  ["consul", (addresses) => consulKv({ addresses })],
];

describe.each(ENGINES)("a write to %s whose answer is lost", (_, make) => {
  it.each([
    ["small", "1"],
    ["large", "x".repeat(400_000)],
  ])("is not asked again, and not told to be somebody else's: %s", async (__, value) => {
    const [one, two] = [await hangsUp(), await hangsUp()];
    const kv = make([one.address, two.address]);
    await kv.start();
    await expect(kv.create("a", value)).rejects.toMatchObject({ code: "unavailable" });
    expect([...one.writes, ...two.writes]).toHaveLength(1);
    await expect(kv.update("a", value, 1)).rejects.toMatchObject({ code: "unavailable" });
    expect([...one.writes, ...two.writes]).toHaveLength(2);
    await kv.stop();
    await Promise.all([one.stop(), two.stop()]);
  });

  it("goes to the next server when the first is not there", async () => {
    const server = await hangsUp();
    const kv = make(["127.0.0.1:1", server.address]);
    await kv.start();
    await expect(kv.create("a", "1")).rejects.toMatchObject({ code: "unavailable" });
    expect(server.writes).toHaveLength(1);
    await kv.stop();
    await server.stop();
  });
});
