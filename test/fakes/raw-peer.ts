import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { type Closable, closable } from "../../src/core/lifecycle.ts";
import { createFrameReader, type Message } from "../../src/core/transport/http-framing.ts";

/** A server that does to each question exactly what a test wants, bytes and all. */
export interface RawPeer extends Closable {
  readonly address: string;
  /** The questions so far, on all connections. */
  readonly questions: readonly Message[];
  /** How many connections there have been. */
  readonly connections: number;
}

/** @param behave is called for each question with the socket and its number on its connection, from 0 */
export async function rawPeer(behave: (socket: Socket, question: Message, number: number) => void): Promise<RawPeer> {
  const questions: Message[] = [];
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer((socket) => {
    connections++;
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => {});
    const reader = createFrameReader();
    let number = 0;
    socket.on("data", (chunk: Buffer) => {
      for (const question of reader.push(chunk)) {
        questions.push(question);
        behave(socket, question, number++);
      }
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    questions,
    get connections() {
      return connections;
    },
    ...closable(async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    }),
  };
}

/** An answer as Go writes it: always 200. */
export function answer(body: string, header: Record<string, string> = {}, status = "200 OK"): string {
  const lines = Object.entries(header).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n${lines.join("")}\r\n${body}`;
}
