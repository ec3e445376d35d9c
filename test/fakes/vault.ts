import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";

/** What a fake does with a request instead of answering it well. */
export type Mischief =
  | { readonly status: number; readonly body?: string; readonly headers?: Readonly<Record<string, string>> }
  | "hang"
  | "hang up"
  | "endless";

export interface FakeVault extends AsyncDisposable {
  readonly address: string;
  /** Paths that were asked for, in order. */
  readonly asked: string[];
  /** Done to the requests that come next, one each. */
  readonly mischief: Mischief[];
  /** A token may not know which mounts there are. */
  hidesMounts: boolean;
}

/**
 * A secret store that speaks the HTTP API of Vault's key/value engine (developer.hashicorp.com/vault/api-docs/secret/kv):
 * `secret/` is of version 2, `old/` of version 1.
 */
export async function fakeVault(token: string, secrets: Readonly<Record<string, unknown>>): Promise<FakeVault> {
  const asked: string[] = [];
  const mischief: Mischief[] = [];
  const server = createServer((request, response) => {
    const path = decodeURIComponent((request.url ?? "").replace(/^\/v1\//, ""));
    asked.push(path);
    const say = (status: number, body: string, headers: Readonly<Record<string, string>> = {}) => {
      response.writeHead(status, { "content-type": "application/json", ...headers }).end(body);
    };
    const trick = mischief.shift();
    if (trick === "hang") return;
    if (trick === "hang up") return void request.socket.destroy();
    if (trick === "endless") {
      const more = () => {
        while (!response.destroyed && response.write("x".repeat(65_536)));
      };
      response.on("drain", more).on("error", () => {});
      return more();
    }
    if (trick !== undefined) return say(trick.status, trick.body ?? '{"errors":[]}', trick.headers);
    const { status, body } = answerTo(request, path, token, secrets, vault.hidesMounts);
    say(status, JSON.stringify(body));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const vault: FakeVault = {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    mischief,
    hidesMounts: false,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
  return vault;
}

function answerTo(
  request: IncomingMessage,
  path: string,
  token: string,
  secrets: Readonly<Record<string, unknown>>,
  hidesMounts: boolean,
): { readonly status: number; readonly body: unknown } {
  const denied = { status: 403, body: { errors: ["permission denied"] } };
  if (request.headers["x-vault-token"] !== token) return denied;
  const [, mount] = /^sys\/internal\/ui\/mounts\/([^/]+)\//.exec(path) ?? [];
  if (mount !== undefined) {
    if (hidesMounts || !["secret", "old"].includes(mount)) return denied;
    const options = mount === "secret" ? { version: "2" } : null;
    return { status: 200, body: { data: { path: `${mount}/`, type: "kv", options } } };
  }
  const second = /^secret\/data\/(.+)$/.exec(path)?.[1];
  const found = second === undefined ? undefined : secrets[`secret/${second}`];
  if (found !== undefined) return { status: 200, body: { data: { data: found, metadata: { version: 3 } } } };
  if (path.startsWith("old/") && secrets[path] !== undefined) return { status: 200, body: { data: secrets[path] } };
  if (path.startsWith("secret/data/denied")) return denied;
  return { status: 404, body: { errors: [] } };
}
