import type { Agent } from "undici";
import { deadline } from "../deadline.ts";
import { MicroError } from "../errors.ts";
import type { CallOptions } from "../lifecycle.ts";

export interface ProxyHttpInit {
  /** `host`, `host:port`, `http://…` or `https://…`; port 8081 unless said. The first that can be reached is used. */
  readonly addresses: readonly string[];
  readonly timeoutMs: number;
  /** The sockets; another one after each stop. */
  readonly agent: () => Agent;
}

/** The sidecar's `/registry` (`toolkit.md §5`), with a deadline and cancellation for each question. */
export interface ProxyHttp {
  /** For people. */
  readonly where: string;
  /** The address that answered last, as an origin: `http://127.0.0.1:8081`. */
  readonly origin: string;
  /** @throws MicroError `unavailable` when the answer is no JSON */
  get(query: Readonly<Record<string, string>>, options?: CallOptions): Promise<unknown>;
  send(
    method: "POST" | "DELETE",
    query: Readonly<Record<string, string>>,
    body: unknown,
    options?: CallOptions,
  ): Promise<void>;
}

/** A bound for one answer. */
const MAX_ANSWER_BYTES = 64 << 20;
/** What of a refusal is told. */
const MAX_SAID = 200;

export function createProxyHttp({ addresses, timeoutMs, agent }: ProxyHttpInit): ProxyHttp {
  const origins = (addresses.length > 0 ? addresses : ["127.0.0.1"]).map(parseOrigin);
  const where = `sidecar at ${origins.map((origin) => origin.replace(/^https?:\/\//, "")).join(", ")}`;
  let current = 0;

  const once = async (origin: string, method: string, path: string, body: unknown, signal: AbortSignal) => {
    const { statusCode, body: answer } = await agent().request({
      origin,
      path,
      method: method as "GET",
      signal,
      headersTimeout: 0,
      bodyTimeout: 0,
      ...(body !== undefined && {
        body: JSON.stringify(body),
        headers: { "content-type": "application/json" },
      }),
    });
    return { status: statusCode, text: await answer.text() };
  };
  /** Tries each address once, from the current one, until one can be reached. */
  const call = async (
    method: string,
    query: Readonly<Record<string, string>>,
    body: unknown,
    options: CallOptions = {},
  ): Promise<string> => {
    using limit = deadline(options, timeoutMs, where);
    limit.check();
    const search = new URLSearchParams(query).toString();
    const path = search === "" ? "/registry" : `/registry?${search}`;
    let failure: unknown;
    for (let tries = 0; tries < origins.length; tries += 1) {
      const origin = origins[current % origins.length] as string;
      try {
        const { status, text } = await once(origin, method, path, body, limit.signal);
        if (status >= 200 && status < 300) return text;
        throw refusal(status, text, where);
      } catch (error) {
        failure = error;
        if (limit.signal.aborted) {
          const reason = MicroError.from(options.signal?.aborted ? options.signal.reason : limit.signal.reason);
          // A silent one is not asked first the next time.
          if (reason.code === "timeout") current += 1;
          throw reason;
        }
        if (error instanceof MicroError) throw error;
        current += 1;
      }
    }
    const code = (failure as { code?: string } | undefined)?.code ?? String(failure);
    throw new MicroError("unavailable", `${where} cannot be reached (${code})`, { cause: failure });
  };
  return {
    where,
    get origin() {
      return origins[current % origins.length] as string;
    },
    get: async (query, options) => {
      const text = await call("GET", query, undefined, options);
      try {
        return JSON.parse(text);
      } catch (cause) {
        throw new MicroError("unavailable", `${where} answered something that is not JSON`, { cause });
      }
    },
    send: async (method, query, body, options) => {
      await call(method, query, body, options);
    },
  };
}

/** Limits for the sockets of both kinds. */
export const AGENT_OPTIONS = {
  connections: 8,
  maxResponseSize: MAX_ANSWER_BYTES,
  webSocket: { maxPayloadSize: 1 << 20 },
} as const;

/** The reason is the text of the answer. A 500 may be the registry's own "not found" (eras from 2019). */
function refusal(status: number, text: string, where: string): MicroError {
  const said = text.replace(/\s+/g, " ").trim().slice(0, MAX_SAID);
  if (status === 404 || /^(service )?not found$/i.test(said)) {
    return new MicroError("not_found", `${where}: ${said || "not found"}`);
  }
  if (status === 401 || status === 403) return new MicroError("permission_denied", `${where} refused: ${said}`);
  if (status === 400) return new MicroError("invalid_argument", `${where} did not accept it: ${said}`);
  return new MicroError("unavailable", `${where} answered ${status}: ${said}`);
}

/** `http://` goes without saying (`toolkit.md §7`). @throws MicroError `invalid_argument` */
function parseOrigin(text: string): string {
  const spelled = /^https?:\/\//.test(text) ? text : `http://${text}`;
  const url = URL.canParse(spelled) ? new URL(spelled) : undefined;
  if (url === undefined || url.hostname === "" || url.pathname !== "/" || url.username !== "" || url.search !== "") {
    throw new MicroError("invalid_argument", `"${text}" is no address of a sidecar; write host:port`);
  }
  const explicit = /:\d+\/?$/.test(spelled);
  return explicit ? url.origin : `${url.protocol}//${url.hostname}:8081`;
}
