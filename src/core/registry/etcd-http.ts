import { Agent, type Dispatcher } from "undici";
import { deadline } from "../deadline.ts";
import { MicroError } from "../errors.ts";
import type { CallOptions } from "../lifecycle.ts";
import { at, objects, parseJson } from "./etcd-json.ts";

export interface EtcdHttpInit {
  /** `host`, `host:port`, `http://…` or `https://…`; port 2379 unless said. The first that can be reached is used. */
  readonly addresses: readonly string[];
  readonly username: string | undefined;
  /** Never shown. */
  readonly password: string | undefined;
  readonly timeoutMs: number;
  /** Watches take one each for as long as they last. @default 16 */
  readonly connections?: number;
}

/** etcd's JSON gateway, `POST /v3/…`, with a deadline and cancellation for each call. */
export interface EtcdHttp {
  /** For people; has no password in it. */
  readonly where: string;
  /**
   * @param options `origin`: ask this server and no other; `once`: what may have reached a server is not asked again
   * @throws MicroError
   */
  call(
    path: string,
    body: object,
    options?: CallOptions & { readonly origin?: string; readonly once?: boolean },
  ): Promise<unknown>;
  /** An answer without end, and the server that gives it. */
  stream(path: string, body: object, signal: AbortSignal): Promise<EtcdStream>;
  /** Closes all connections; a later call opens new ones. */
  close(): Promise<void>;
}
export interface EtcdStream {
  readonly origin: string;
  /** What each answer has as `result`. */
  readonly results: AsyncGenerator<unknown, void>;
}

/** A bound for one answer; a page of 1000 services is less than a megabyte. */
const MAX_ANSWER_BYTES = 64 << 20;

export function createEtcdHttp(init: EtcdHttpInit): EtcdHttp {
  const { addresses, username = "", password = "", timeoutMs, connections: most = 16 } = init;
  const origins = (addresses.length > 0 ? addresses : ["127.0.0.1"]).map(parseOrigin);
  const where = `etcd at ${origins.map((origin) => origin.replace(/^https?:\/\//, "")).join(", ")}`;
  /** The server that answered last. */
  let current = 0;
  let agent: Agent | undefined;
  let token: string | undefined;

  const connections = () => {
    agent ??= new Agent({
      connections: most,
      maxResponseSize: -1, // watches have no end; answers are counted as they come
      // Of several servers the silent one must leave time to ask the next.
      headersTimeout: origins.length > 1 ? timeoutMs / origins.length : 0,
      bodyTimeout: 0,
      connect: { timeout: timeoutMs / origins.length },
    });
    return agent;
  };
  const post = (origin: string, path: string, body: object, signal: AbortSignal, bearer = "") =>
    connections().request({
      origin,
      path,
      method: "POST",
      signal,
      headers: {
        "content-type": "application/json",
        // A server that lost the others must say so, instead of being silent about what they do.
        ...(path === "/v3/watch" && { "grpc-metadata-hasleader": "true" }),
        ...(bearer !== "" && { authorization: bearer }),
      },
      body: JSON.stringify(body),
    });
  const logIn = async (origin: string, signal: AbortSignal): Promise<string> => {
    if (username === "") return "";
    const answer = await post(origin, "/v3/auth/authenticate", { name: username, password }, signal);
    const text = await readText(answer, where);
    // Whoever gives a name to a server that asks for none is served.
    if (answer.statusCode !== 200 && /authentication is not enabled/.test(text)) return "";
    if (answer.statusCode !== 200) throw refusal(answer.statusCode, text, where);
    return String(at(parseJson(text, where), "token") ?? "");
  };
  /** One question to one server, once more with a fresh token when that was refused. */
  const ask = async (
    origin: string,
    path: string,
    body: object,
    signal: AbortSignal,
  ): Promise<Dispatcher.ResponseData> => {
    for (let renewed = false; ; renewed = true) {
      if (renewed || token === undefined) token = await logIn(origin, signal);
      const answer = await post(origin, path, body, signal, token);
      if (answer.statusCode === 200) return answer;
      const error = refusal(answer.statusCode, await readText(answer, where), where);
      if (renewed || username === "" || error.code !== "unauthenticated") throw error;
    }
  };
  /** Asks each server once, from the one that answered last, and that one again: it may have closed an idle connection. */
  const tryEach = async <T>(
    signal: AbortSignal,
    work: (origin: string) => Promise<T>,
    pinned?: string,
    once = false,
  ): Promise<T> => {
    let failure: unknown;
    for (let tries = 0; tries <= (pinned === undefined ? origins.length : 0); tries += 1) {
      const asked = current;
      const next = () => {
        if (current === asked) current += 1;
      };
      try {
        return await work(pinned ?? (origins[asked % origins.length] as string));
      } catch (error) {
        failure = error;
        if (signal.aborted) {
          const reason = MicroError.from(signal.reason);
          if (reason.code === "timeout") next(); // a silent one is not asked first the next time
          throw reason;
        }
        if (error instanceof MicroError && error.code !== "unavailable") throw error;
        next();
        if (once && !NOT_SENT.has(String((error as { code?: unknown }).code))) break;
      }
    }
    if (failure instanceof MicroError) throw failure;
    const code = (failure as { code?: string } | undefined)?.code ?? String(failure);
    throw new MicroError("unavailable", `${where} cannot be reached (${code})`, { cause: failure });
  };

  return {
    where,
    call: async (path, body, { origin, once, ...options } = {}) => {
      using limit = deadline(options, timeoutMs, where);
      limit.check();
      const { signal } = limit;
      try {
        return await tryEach(
          signal,
          async (server) => {
            const json = parseJson(await readText(await ask(server, path, body, signal), where), where);
            const failed = at(json, "error");
            if (failed !== undefined) throw refusal(503, JSON.stringify(failed), where);
            return json;
          },
          origin,
          once,
        );
      } catch (error) {
        if (options.signal?.aborted) throw MicroError.from(options.signal.reason);
        throw error;
      }
    },
    stream: (path, body, signal) =>
      tryEach(signal, async (origin) => {
        const answer = await ask(origin, path, body, signal);
        return { origin, results: readResults(answer.body as AsyncIterable<Buffer>, where) };
      }),
    close: async () => {
      const open = agent;
      agent = undefined;
      token = undefined;
      await open?.destroy();
    },
  };
}

/** Nobody was there to ask. */
const NOT_SENT: ReadonlySet<string> = new Set([
  "ECONNREFUSED",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOTFOUND",
  "EAI_AGAIN",
  "UND_ERR_CONNECT_TIMEOUT",
]);

async function* readResults(chunks: AsyncIterable<Buffer>, where: string): AsyncGenerator<unknown, void> {
  for await (const json of objects(chunks, where)) {
    const failed = at(json, "error");
    if (failed !== undefined) throw refusal(503, JSON.stringify(failed), where);
    yield at(json, "result");
  }
}

async function readText({ body }: Dispatcher.ResponseData, where: string): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_ANSWER_BYTES) throw new MicroError("unavailable", `${where} answered more than 64 MB`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

/** What went wrong, for people; etcd says it as `message` or `error`. */
function refusal(status: number, text: string, where: string): MicroError {
  let said = text;
  try {
    const json: unknown = JSON.parse(text);
    said = String(at(json, "message") ?? at(json, "error") ?? text);
  } catch {
    // as it is
  }
  said = said.replace(/\s+/g, " ").trim().slice(0, 300);
  const details = { status };
  if (status === 401 || /invalid auth token|auth store is old|user name is empty|authentication failed/.test(said)) {
    const todo = "look at the user name and the password";
    return new MicroError("unauthenticated", `${where} does not let us in (${said}); ${todo}`, { details });
  }
  if (status === 403) {
    const rights = "the user needs a role that may read and write the registry's keys";
    return new MicroError("permission_denied", `${where} refused (${said}); ${rights}`, { details });
  }
  if (status === 400) return new MicroError("invalid_argument", `${where} did not accept it: ${said}`, { details });
  if (status === 404) return new MicroError("not_found", `${where}: ${said}`, { details });
  if (status === 429) return new MicroError("exhausted", `${where} has no room or time: ${said}`, { details });
  return new MicroError("unavailable", `${where} answered ${status}: ${said}`, { details });
}

/** @throws MicroError `invalid_argument` */
function parseOrigin(text: string): string {
  const spelled = /^https?:\/\//.test(text) ? text : `http://${text}`;
  const url = URL.canParse(spelled) ? new URL(spelled) : undefined;
  if (url === undefined || url.hostname === "" || url.pathname !== "/" || url.username !== "" || url.search !== "") {
    const shown = text.replace(/\/\/[^/]*@|^[^/]*@/, "…@");
    throw new MicroError("invalid_argument", `"${shown}" is no address of an etcd server; write host:port`);
  }
  // A URL forgets a port that is its scheme's own.
  const bare = url.port === "" && !/:\d+\/?$/.test(spelled);
  return bare ? `${url.origin}:2379` : url.origin;
}
