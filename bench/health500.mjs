// 500 nodes on sockets of their own, in a process of their own, of which 40 take a question and never answer: how much later than
// its deadline `health` ends.
import { createServer } from "node:net";
import { contest, inProcess, ms, row } from "./rounds.mjs";

const COUNT = 500;
const HANGING = 40;
const BODY = '{"status":"ok"}\n';
const ANSWER = `HTTP/1.1 200 OK\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY}`;

/** The nodes; those that hang come first. @returns their addresses */
export async function nodes() {
  const addresses = await Promise.all(
    Array.from({ length: COUNT }, async (_, at) => {
      const server = createServer((socket) => {
        socket.on("error", () => {});
        socket.on("data", () => at >= HANGING && socket.write(ANSWER));
      });
      await new Promise((resolve) => server.listen(0, "127.0.0.1", 511, resolve));
      return `127.0.0.1:${server.address().port}`;
    }),
  );
  return async () => addresses;
}

/** @param withinMs the deadline @returns ms from the question to the answer, less the deadline where there is one */
export async function ours({ addresses, withinMs }) {
  const [{ examine }, { rpcClient }, { httpTransport }, { defaultSelector }, { memoryRegistry }, { systemClock }] =
    await Promise.all(
      ["health/examine", "client/rpc", "transport/http", "selector/default", "registry/memory", "clock"].map(
        (name) => import(`../dist/src/core/${name}.js`),
      ),
    );
  return async () => {
    const node = (address, at) => ({ id: `n${at}`, address, metadata: { protocol: "mucp" } });
    const service = { name: "p", version: "1", metadata: {}, endpoints: [], nodes: addresses.map(node) };
    const registry = memoryRegistry({ services: [service] })();
    const client = rpcClient()({ transport: httpTransport(), selector: defaultSelector()({ registry }) });
    const began = performance.now();
    const options = { uptime: false, ...(withinMs && { timeoutMs: withinMs }) };
    const found = await examine({ client, registry, clock: systemClock }, "p", options);
    const took = performance.now() - began;
    await client.close();
    const bad = withinMs ? HANGING : 0;
    if (found.nodes.length !== addresses.length || found.bad !== bad) throw new Error(`${found.bad} are not well`);
    return took - (withinMs ?? 0);
  };
}

export async function run() {
  const there = await inProcess(import.meta.url, "nodes");
  try {
    const addresses = await there.measure();
    const late = await contest(import.meta.url, { ours: { addresses, withinMs: 3000 } });
    const well = await contest(import.meta.url, { ours: { addresses: addresses.slice(HANGING) } });
    return [
      row({
        what: "500 nodes, 40 of them hanging: beyond the deadline of 3 s",
        ours: late.ours,
        unit: ms,
        atMost: 200,
      }),
      row({ what: "the 460 that answer", ours: well.ours, unit: ms }),
    ];
  } finally {
    there.stop();
  }
}
