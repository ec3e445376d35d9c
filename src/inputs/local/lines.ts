import type { Socket } from "node:net";
import { MicroError } from "../../core/errors.ts";

const NEWLINE = 10;

/**
 * The lines of a socket, read no further than they are asked for. Leaves the socket open at their end, so that the other
 * half can still be written; what is behind the last newline is no line.
 *
 * @param max the longest line in bytes, asked for anew for every chunk
 * @throws MicroError `invalid_argument` for a longer line; whatever the socket fails with
 */
export async function* socketLines(socket: Socket, max: () => number): AsyncGenerator<string, void, undefined> {
  let pieces: Buffer[] = [];
  let size = 0;
  for await (const chunk of socket.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      check(size + end - start, max());
      const line = Buffer.concat([...pieces, chunk.subarray(start, end)]);
      pieces = [];
      size = 0;
      start = end + 1;
      yield line.toString("utf8");
    }
    pieces.push(chunk.subarray(start));
    size += chunk.length - start;
    check(size, max());
  }
}

function check(size: number, max: number): void {
  if (size > max) throw new MicroError("invalid_argument", `that line is longer than ${max} bytes`);
}
