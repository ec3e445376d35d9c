import { mkdtemp, rm } from "node:fs/promises";
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MicroError } from "../../core/errors.ts";
import type { Log } from "../../core/log.ts";

/** The bot's HTTP server in front of `robot.router`: it hands on what comes, and answers itself while the scripts do not run. */
export interface HttpDoor {
  /** Of the socket where the scripts' thread is to listen. */
  readonly path: string;
  /** `127.0.0.1:8080`. */
  readonly address: string;
  close(): Promise<void>;
}

/** How long a request may take in all, and how many are open at once. */
const REQUEST_MS = 30_000;
const AT_ONCE = 256;

/** Headers that belong to one connection and not to the request. */
const HOP = ["connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade", "te", "trailer"];

/** @throws MicroError `invalid_argument` (no address), `unavailable` (it cannot be had) */
export async function createHttpDoor(where: string, log: Log): Promise<HttpDoor> {
  const [, host = "127.0.0.1", port = ""] = /^(?:(.+):)?(\d{1,5})$/.exec(where.trim()) ?? [];
  if (port === "" || Number(port) > 65_535) {
    throw new MicroError("invalid_argument", `--hubot_http=${where}: it is host:port, as 127.0.0.1:8080`);
  }
  const folder = await mkdtemp(join(tmpdir(), "micro-hubot-"));
  const path =
    process.platform === "win32" ? `\\\\.\\pipe\\${folder.replaceAll(/[\\/:]/g, "-")}` : join(folder, "http");

  const server = createServer((incoming, outgoing) => {
    const headers = Object.fromEntries(Object.entries(incoming.headers).filter(([name]) => !HOP.includes(name)));
    const to = { socketPath: path, method: incoming.method, path: incoming.url, headers, timeout: REQUEST_MS };
    const inner = request(to, (answer) => {
      const given = Object.fromEntries(Object.entries(answer.headers).filter(([name]) => !HOP.includes(name)));
      outgoing.writeHead(answer.statusCode ?? 502, given);
      answer.pipe(outgoing);
      answer.on("error", () => outgoing.destroy());
    });
    const fail = (status: number, words: string) => {
      if (outgoing.headersSent) return void outgoing.destroy();
      outgoing.writeHead(status, { "content-type": "text/plain; charset=utf-8" });
      outgoing.end(`${words}\n`);
    };
    inner.on("timeout", () => inner.destroy(new Error("timeout")));
    inner.on("error", (error) => {
      const late = error.message === "timeout";
      fail(late ? 504 : 503, late ? "the script did not answer in time" : "the scripts are being started; try again");
    });
    outgoing.on("close", () => inner.destroy());
    incoming.pipe(inner);
  });
  server.maxConnections = AT_ONCE;
  server.requestTimeout = REQUEST_MS;
  server.headersTimeout = 10_000;
  try {
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(Number(port), host.replace(/^\[|\]$/g, ""), resolve);
    });
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw new MicroError("unavailable", `--hubot_http=${where} cannot be had: ${MicroError.from(error).message}`);
  }
  const { address, port: bound } = server.address() as AddressInfo;
  log.info({ address: `${address}:${bound}` }, "robot.router of the Hubot scripts listens");
  return {
    path,
    address: `${address}:${bound}`,
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
      await rm(folder, { recursive: true, force: true });
    },
  };
}
