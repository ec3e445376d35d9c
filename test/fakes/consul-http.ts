import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** What a fake answers to a request; `hang` never answers, `cut` stops in the middle of the body, `drop` closes at once. */
export type FakeAnswer =
  | { readonly status?: number; readonly index?: number; readonly body?: unknown; readonly type?: string }
  | "hang"
  | "cut"
  | "drop";

/** An HTTP server in a Consul agent's place, for what a real one does rarely. */
export interface FakeConsul {
  readonly address: string;
  /** Requests so far: `GET /v1/catalog/services?stale=1`. */
  readonly requests: string[];
  /** Headers of the last request. */
  readonly headers: Record<string, string | string[] | undefined>;
  close(): Promise<void>;
}

export async function fakeConsul(
  answer: (method: string, url: URL) => FakeAnswer | Promise<FakeAnswer>,
): Promise<FakeConsul> {
  const requests: string[] = [];
  let headers: FakeConsul["headers"] = {};
  const server = createServer(async (request, response) => {
    requests.push(`${request.method} ${request.url}`);
    headers = request.headers;
    request.resume();
    reply(response, await answer(request.method ?? "", new URL(request.url ?? "", "http://fake")));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    get headers() {
      return headers;
    },
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

function reply(response: ServerResponse, answer: FakeAnswer): void {
  if (answer === "hang") return;
  if (answer === "drop") {
    response.destroy();
    return;
  }
  if (answer === "cut") {
    response.writeHead(200, { "content-type": "application/json", "content-length": 1000 });
    response.write("[");
    setTimeout(() => response.destroy(), 10);
    return;
  }
  const { status = 200, index, body, type = "application/json" } = answer;
  response.writeHead(status, { "content-type": type, ...(index !== undefined && { "x-consul-index": String(index) }) });
  response.end(body === undefined ? "" : typeof body === "string" ? body : JSON.stringify(body));
}
