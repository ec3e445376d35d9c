import { randomInt } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:net";

/** Below what Linux gives to connections that go out (32768 and up), above what servers have by habit. */
const FIRST = 20_000;
const LAST = 32_767;

/**
 * A port of 127.0.0.1 that nobody has just now. It is none that a connection could be given by chance, so that a server
 * that is killed finds it free when it comes back. Whoever starts a server on it may still lose the race.
 */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const port = randomInt(FIRST, LAST + 1);
    const server = createServer();
    const listening = once(server, "listening").then(
      () => true,
      () => false,
    );
    server.listen(port, "127.0.0.1");
    if (!(await listening)) continue;
    server.close();
    await once(server, "close");
    return port;
  }
  throw new Error(`no free port of 127.0.0.1 from ${FIRST} to ${LAST}`);
}
