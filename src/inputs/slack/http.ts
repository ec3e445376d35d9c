import { once } from "node:events";
import { createServer, type IncomingMessage as HttpRequest, type ServerResponse } from "node:http";
import type { Clock } from "../../core/clock.ts";
import { MicroError } from "../../core/errors.ts";
import { closable } from "../../core/lifecycle.ts";
import type { Log } from "../../core/log.ts";
import type { Arrivals, Arrived } from "./arrivals.ts";
import { readBody, readTold } from "./http-body.ts";
import { createHeld, reply } from "./http-held.ts";
import { isSigned, stampOf } from "./signature.ts";

export interface HttpInit {
  /** Of the app, for all its workspaces. Never empty: `checkTokens` sees to that. */
  readonly signingSecret: string;
  /** Where to listen, `:3000`. */
  readonly address: { readonly host: string; readonly port: number };
  /** `/slack/events` */
  readonly path: string;
  /** How long a request waits for the bot to have its message. Default 2500 ms; Slack gives up after 3 s. */
  readonly answerMs?: number | undefined;
  readonly limits?: Partial<HttpLimits> | undefined;
}

/** What one who is not Slack may cost us. */
export interface HttpLimits {
  /** Bytes of a body. What Slack sends is far smaller; the largest are forms that were filled in. */
  readonly body: number;
  readonly connections: number;
  /** Until the headers are here; twice that for the whole request. */
  readonly headersMs: number;
}

const LIMITS: HttpLimits = { body: 1024 * 1024, connections: 200, headersMs: 5000 };

/** How long who is connected may take to go. */
const GOODBYE_MS = 500;

/** How often refused requests are told of; a stranger who tries again and again must not fill the log. */
const TELL_MS = 60_000;

/**
 * Listens for Slack's signed requests (`chat.md §3`): events, slash commands and presses, all at one path. Nothing is parsed
 * before the signature of the bytes that came is found good, Slack's own `url_verification` included (`chat.md §6`).
 *
 * Not Bolt's receiver: it takes timestamps of the future, takes an unsigned `ssl_check`, and has no limits for connections.
 *
 * @throws MicroError `unavailable` when it cannot listen there
 */
export async function openHttp(
  init: HttpInit,
  { clock, log }: { readonly clock: Clock; readonly log: Log },
  onEnvelope: (envelope: Arrived) => void,
): Promise<Arrivals & { readonly port: number }> {
  const limits = { ...LIMITS, ...init.limits };
  const held = createHeld(clock, init.answerMs ?? 2500);
  let refused = 0;
  let toldAt = Number.NEGATIVE_INFINITY;

  /** Who is refused learns nothing; the reason is for whoever set this up. */
  const refuse = (response: ServerResponse, status: number, reason: string) => {
    refused += 1;
    if (clock.now() - toldAt >= TELL_MS) {
      toldAt = clock.now();
      log.warn({ reason, refused }, "slack: refused a request; is --slack_signing_secret the secret of this app?");
      refused = 0;
    }
    reply(response, status, { connection: "close" });
  };

  const serve = async (request: HttpRequest, response: ServerResponse) => {
    const since = clock.now();
    if ((request.url ?? "").split("?")[0] !== init.path) return reply(response, 404, { connection: "close" });
    if (request.method !== "POST") return reply(response, 405, { allow: "POST", connection: "close" });
    const stamp = stampOf(request.headers, clock.now());
    if (typeof stamp === "string") return refuse(response, 401, stamp);
    const body = await readBody(request, limits.body);
    if (body === undefined) return refuse(response, 413, "too large");
    if (!isSigned(body, stamp, init.signingSecret)) return refuse(response, 401, "forged");

    const told = readTold(request.headers["content-type"], body.toString());
    if (told === undefined) return refuse(response, 400, "not understood");
    if (told.kind === "check") return reply(response, 200);
    if (told.kind === "verification") {
      return reply(response, 200, { "content-type": "text/plain; charset=utf-8" }, told.challenge);
    }
    const attempt = Number(request.headers["x-slack-retry-num"] ?? 0);
    onEnvelope(held.envelope(response, since, { type: told.type, body: told.body, attempt }));
  };

  const server = createServer(
    {
      headersTimeout: limits.headersMs,
      requestTimeout: 2 * limits.headersMs,
      keepAliveTimeout: limits.headersMs,
      connectionsCheckingInterval: Math.min(1000, limits.headersMs),
      maxHeaderSize: 16 * 1024,
    },
    (request, response) => {
      // Only a request that broke off throws; nobody is left to be answered.
      serve(request, response).catch(() => response.destroy());
    },
  );
  server.maxConnections = limits.connections;
  const { host, port } = init.address;
  server.listen({ port, ...(host !== "" && { host }) });
  try {
    await once(server, "listening");
  } catch (error) {
    const reason = (error as Error).message;
    throw new MicroError("unavailable", `slack: cannot listen at ${host}:${port} (${reason})`, { cause: error });
  }
  const bound = server.address();
  log.info({ host, port, path: init.path }, "slack: listens for requests; the app's Request URLs have to lead here");
  return {
    port: typeof bound === "object" && bound !== null ? bound.port : port,
    over: new Promise((resolve) => {
      server.once("close", () => resolve(undefined));
      server.once("error", (error) => resolve(new MicroError("unavailable", `slack: ${error.message}`)));
    }),
    ...closable(async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      held.close();
      const impatient = setTimeout(() => server.closeAllConnections(), GOODBYE_MS);
      await closed;
      clearTimeout(impatient);
    }),
  };
}
