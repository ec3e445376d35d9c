import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { type WebSocket, WebSocketServer } from "ws";
import { MicroError } from "../../src/core/errors.ts";
import type { Registry } from "../../src/core/registry/registry.ts";
import { readService, writeResult, writeService } from "../../src/core/wire/record.ts";

/** What to do instead of answering: never, with a broken connection, with half an answer, or with this. */
export type Mischief = "hang" | "drop" | "cut" | { readonly status?: number; readonly body: string };

/** The `/registry` of a sidecar (`toolkit.md §5`) in front of a registry, on 127.0.0.1. */
export interface Sidecar {
  readonly address: string;
  /** `POST /registry?ttl=30s` of each question so far. */
  readonly requests: readonly string[];
  /** Open websockets. */
  readonly watching: number;
  /** From now on; `undefined`: good again. */
  misbehave(mischief: Mischief | undefined): void;
  /** Any text, to all websockets. */
  frame(text: string): void;
  /** All connections are cut; new ones work. */
  cut(): void;
  close(): Promise<void>;
}

/** @param options `websocket`: since 2018, or one that never shakes hands; `upperCase`: keys as in `Name` */
export async function startSidecar(
  registry: Registry,
  {
    websocket = true,
    upperCase = false,
  }: { readonly websocket?: boolean | "silent"; readonly upperCase?: boolean } = {},
): Promise<Sidecar> {
  const requests: string[] = [];
  const sockets = new Set<Socket>();
  const watching = new Set<WebSocket>();
  let mischief: Mischief | undefined;

  const json = (value: unknown) => {
    const text = JSON.stringify(value);
    if (!upperCase) return text;
    return text.replace(/"(name|version|nodes|id|address|metadata|endpoints)":/g, (key) =>
      key.replace(/[a-z]/, (letter) => letter.toUpperCase()),
    );
  };
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const url = new URL(request.url ?? "/", "http://sidecar");
    requests.push(`${request.method} ${request.url}`);
    let body = "";
    for await (const chunk of request) body += String(chunk);
    if (mischief === "hang") return;
    if (mischief === "drop") return void request.socket.destroy();
    if (mischief === "cut") {
      response.writeHead(200, { "content-length": "1000" });
      response.write("[{", () => request.socket.destroy());
      return;
    }
    if (mischief !== undefined) return void response.writeHead(mischief.status ?? 200).end(mischief.body);
    if (url.pathname !== "/registry") return void response.writeHead(404).end("404 page not found\n");
    const name = url.searchParams.get("service");
    try {
      if (request.method === "POST") await registry.register(readService(JSON.parse(body)), ttl(url));
      else if (request.method === "DELETE") await registry.deregister(readService(JSON.parse(body)));
      else if (name !== null) response.write(json((await registry.get(name)).map(writeService)));
      else {
        const names = await registry.list();
        // As Go does it: a list that nobody made is `null`.
        response.write(
          names.length === 0 ? "null" : json(names.map((each) => ({ name: each, version: "", nodes: null }))),
        );
      }
      response.end();
    } catch (error) {
      if (MicroError.from(error).code === "not_found") response.writeHead(404).end("Service not found\n");
      else response.writeHead(500).end(`${String(error)}\n`);
    }
  };

  const server = createServer((request, response) => void answer(request, response));
  const upgrades = new WebSocketServer({ noServer: true });
  if (websocket) {
    server.on("upgrade", (request, socket, head) => {
      requests.push(`WATCH ${request.url}`);
      if (mischief === "hang" || websocket === "silent") return;
      if (mischief !== undefined) return void socket.destroy();
      upgrades.handleUpgrade(request, socket, head, (client) => void follow(client));
    });
  }
  const follow = async (client: WebSocket) => {
    watching.add(client);
    const watcher = await registry.watch();
    client.on("error", () => {});
    client.once("close", () => {
      watching.delete(client);
      void watcher.close();
    });
    for await (const event of watcher) client.send(json(writeResult(event)));
  };
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.once("close", () => sockets.delete(socket));
  });
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    get watching() {
      return watching.size;
    },
    misbehave: (next) => {
      mischief = next;
    },
    frame: (text) => {
      for (const client of watching) client.send(text);
    },
    cut,
    close: async () => {
      cut();
      server.close();
      await once(server, "close");
      await registry.stop();
    },
  };
}

/** `?ttl=10s`; what cannot be read is passed over, as there. */
function ttl(url: URL): { readonly ttlMs?: number } {
  const match = /^(\d+)(ms|s|m|h)$/.exec(url.searchParams.get("ttl") ?? "");
  if (match === null) return {};
  return { ttlMs: Number(match[1]) * { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }[match[2] as "s"] };
}
