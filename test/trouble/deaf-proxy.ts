import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** A way to a server on which words can get lost: what is said arrives, and what comes back does not. */
export interface DeafProxy {
  readonly address: string;
  /** Nothing comes back any more on the links that there are. */
  deafen(): void;
  /** Those links are lost. */
  cut(): void;
  close(): Promise<void>;
}

export async function deafProxy(port: number): Promise<DeafProxy> {
  const links = new Set<{ readonly near: Socket; readonly far: Socket }>();
  const server = createServer((near) => {
    const far = connect(port, "127.0.0.1");
    const link = { near, far };
    links.add(link);
    near.pipe(far);
    far.pipe(near);
    for (const socket of [near, far]) {
      socket.on("error", () => {});
      socket.on("close", () => {
        near.destroy();
        far.destroy();
        links.delete(link);
      });
    }
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const cut = () => {
    for (const { near, far } of links) {
      near.destroy();
      far.destroy();
    }
  };
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    deafen: () => {
      for (const { near, far } of links) {
        far.unpipe(near);
        far.resume();
      }
    },
    cut,
    close: async () => {
      cut();
      server.close();
      await once(server, "close");
    },
  };
}
