import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** A TCP proxy on 127.0.0.1 that counts the connections open at once. */
export interface CountingProxy {
  readonly address: string;
  readonly open: number;
  /** The most there were at once. */
  readonly most: number;
  close(): Promise<void>;
}

export async function countingProxy(target: string): Promise<CountingProxy> {
  const [host, port] = target.split(":");
  const sockets = new Set<Socket>();
  let open = 0;
  let most = 0;
  const server = createServer((near) => {
    const far = connect(Number(port), host);
    open += 1;
    most = Math.max(most, open);
    near.once("close", () => {
      open -= 1;
    });
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      from.pipe(to);
      from.once("error", () => to.destroy());
      from.once("close", () => {
        to.destroy();
        sockets.delete(from);
      });
    }
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    get open() {
      return open;
    },
    get most() {
      return most;
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}
