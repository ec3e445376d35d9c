import { once } from "node:events";
import { connect } from "node:net";
import { type Closable, closable } from "../../src/core/lifecycle.ts";
import { createFrameReader } from "../../src/core/transport/http-framing.ts";
import type { Frame } from "../../src/core/transport/transport.ts";

/** A peer that writes what a test wants, bytes and all, and keeps what comes back. */
export interface RawClient extends Closable {
  /** The answers so far, and the bytes that they came in. */
  readonly frames: readonly Frame[];
  readonly text: string;
  readonly closed: boolean;
  write(bytes: string | Uint8Array): void;
  /** A POST as Go writes it: an empty body in chunks (`wire.md §3.1`). */
  post(header: Readonly<Record<string, string>>, body: string | Uint8Array): void;
  /** Says that nothing more will come. */
  end(): void;
}

export async function rawClient(address: string): Promise<RawClient> {
  const [host, port] = address.split(":");
  const socket = connect({ host: host as string, port: Number(port) });
  const frames: Frame[] = [];
  const reader = createFrameReader();
  let text = "";
  let closed = false;
  socket.on("data", (chunk: Buffer) => {
    text += chunk.toString("latin1");
    for (const { frame } of reader.push(chunk)) frames.push(frame);
  });
  socket.on("close", () => {
    closed = true;
  });
  socket.on("error", () => {});
  await once(socket, "connect");
  return {
    frames,
    get text() {
      return text;
    },
    get closed() {
      return closed;
    },
    write: (bytes) => void socket.write(bytes),
    post: (header, body) => {
      const lines = Object.entries(header).map(([name, value]) => `${name}: ${value}\r\n`);
      const bytes = Buffer.from(body);
      const length = bytes.length === 0 ? "Transfer-Encoding: chunked\r\n" : `Content-Length: ${bytes.length}\r\n`;
      socket.write(`POST / HTTP/1.1\r\nHost: x\r\n${length}${lines.join("")}\r\n`);
      socket.write(bytes.length === 0 ? "0\r\n\r\n" : bytes);
    },
    end: () => void socket.end(),
    ...closable(() => {
      socket.destroy();
    }),
  };
}

/** The body of an answer as text. */
export function bodyOf(frame: Frame | undefined): string {
  return Buffer.from(frame?.body ?? []).toString("utf8");
}
