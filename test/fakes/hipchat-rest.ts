import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** REST v2's room notifications, with bad manners on request. */
export interface FakeHipChatRest {
  /** `http://127.0.0.1:port`. */
  readonly base: string;
  /** What rooms have shown, oldest first. */
  readonly notified: readonly Notified[];
  /** How the bot has shown who it is. */
  readonly tokens: readonly (string | undefined)[];
  /** The next answers instead. */
  readonly failures: Failure[];
  /** Answers are kept back. */
  held: boolean;
  close(): Promise<void>;
}

export interface Notified {
  readonly room: string;
  readonly message: string;
  readonly message_format: string;
  readonly color: string;
  readonly notify: boolean;
}

export interface Failure {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly message?: string;
  /** The room shows it all the same. */
  readonly shown?: true;
}

export async function fakeHipChatRest(token: string): Promise<FakeHipChatRest> {
  const notified: Notified[] = [];
  const tokens: (string | undefined)[] = [];
  const failures: Failure[] = [];
  const say = (response: ServerResponse, { status, headers = {}, message = "no" }: Failure) => {
    response.writeHead(status, { "content-type": "application/json", ...headers });
    response.end(status === 204 ? undefined : JSON.stringify({ error: { code: status, message, type: "Error" } }));
  };
  const server = createServer(async (request, response) => {
    const body = Buffer.concat(await request.toArray()).toString();
    const room = /^\/v2\/room\/([^/]+)\/notification$/.exec(request.url ?? "")?.[1];
    const shown = request.headers.authorization?.replace(/^Bearer /, "");
    tokens.push(shown);
    if (fake.held) return;
    const failure = failures.shift();
    if (failure !== undefined && !failure.shown) return say(response, failure);
    if (shown !== token) return say(response, { status: 401, message: "Invalid OAuth session" });
    if (request.method !== "POST" || room === undefined) return say(response, { status: 404, message: "Not found" });
    const notification = JSON.parse(body) as Omit<Notified, "room">;
    const { length } = notification.message;
    if (length < 1 || length > 10_000) return say(response, { status: 400, message: "message: 1 to 10000 characters" });
    notified.push({ room: decodeURIComponent(room), ...notification });
    say(response, failure ?? { status: 204 });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const fake: FakeHipChatRest = {
    base: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    notified,
    tokens,
    failures,
    held: false,
    close: async () => {
      server.closeAllConnections();
      server.close();
      if (server.listening) await once(server, "close");
    },
  };
  return fake;
}
