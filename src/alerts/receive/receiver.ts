import { isUtf8 } from "node:buffer";
import type { IncomingMessage, Server } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { PeerCertificate, TLSSocket } from "node:tls";
import type { HttpBindings } from "@hono/node-server";
import type { Context } from "hono";
import { type Clock, elapsedBy } from "../../core/clock.ts";
import { orAbort } from "../../core/deadline.ts";
import { MicroError } from "../../core/errors.ts";
import type { CallOptions, Startable } from "../../core/lifecycle.ts";
import { type Log, silent } from "../../core/log.ts";
import { atOnce, authenticate } from "./authentication.ts";
import { type Counts, createCounter, type Outcome } from "./counts.ts";
import { type PutInbox, putIn } from "./intake.ts";
import { dedupKeyIn, routingKeyIn } from "./pagerduty.ts";
import { createRate, type Rate } from "./rate.ts";
import { checkSource, readerOf, type Source } from "./source.ts";

export interface ReceiverInit {
  /** `:8088` is port 8088 of all interfaces, `127.0.0.1:0` any free one of this machine. */
  readonly address: string;
  readonly sources: readonly Source[];
  readonly inbox: PutInbox;
  readonly clock: Clock;
  readonly log?: Log;
  /** PEM texts. `ca` vouches for the certificates of sources. */
  readonly tls?: { readonly cert: string; readonly key: string; readonly ca?: string };
  /** A larger body is refused. @default 1 MiB */
  readonly maxBytes?: number;
  /** More connections are closed at once. @default 256 */
  readonly maxConnections?: number;
  /** For headers, and for the whole of a request, in ms. @default 10 s and 30 s */
  readonly headersMs?: number;
  readonly requestMs?: number;
}

/** Where alerts come in over HTTP: `POST /alerts/<source>`; `GET /-/ready`. */
export interface Receiver extends Startable {
  /** `127.0.0.1:8088`; once it has started. */
  readonly address: string;
  counts(): Counts;
}

const MAX_BYTES = 1 << 20;
const MAX_CONNECTIONS = 256;
const HEADERS_MS = 10_000;
const REQUEST_MS = 30_000;
/** Longer than Alertmanager and most proxies keep one. */
const KEEP_ALIVE_MS = 75_000;
/** How often Node looks for those that are too slow. */
const LOOK_MS = 1000;
/** What runs when it stops may end. */
const DRAIN_MS = 5000;
const PER_SECOND = 200;

/** A source and what is made of it once. */
interface Known extends Source {
  readonly read: ReturnType<typeof readerOf>;
  readonly rate: Rate;
}

interface Answer {
  readonly outcome: Outcome;
  readonly status: 200 | 202 | 400 | 401 | 403 | 413 | 415 | 429 | 503;
  readonly body: Readonly<Record<string, unknown>>;
  readonly retryMs?: number;
}

type Env = { Bindings: HttpBindings };

/**
 * Answers 2xx when what a source said is on the disk, and not before. @throws MicroError `invalid_argument`: a source that is
 * not authenticated, two of one name, an address that is none
 */
export function createReceiver(init: ReceiverInit): Receiver {
  const { inbox, clock, log = silent, maxBytes = MAX_BYTES } = init;
  const { host, port } = listenAt(init.address);
  const sources = new Map<string, Known>();
  for (const source of init.sources) {
    checkSource(source);
    if (sources.has(source.name)) {
      throw new MicroError("invalid_argument", `two sources of alerts are called ${source.name}`);
    }
    if (source.authentication.kind === "certificate" && init.tls?.ca === undefined) {
      throw new MicroError(
        "invalid_argument",
        `the source ${source.name} shows a certificate: give tls with cert, key and ca, the authority that vouches for it`,
      );
    }
    const rate = createRate(source.perSecond ?? PER_SECOND, elapsedBy(clock));
    sources.set(source.name, { ...source, read: readerOf(source), rate });
  }
  if (sources.size === 0) throw new MicroError("invalid_argument", "a receiver of alerts needs a source");
  const counter = createCounter();
  let running: { readonly server: Server; readonly address: string } | undefined;

  const receive = async (source: Known, context: Context<Env>): Promise<Answer> => {
    const { authentication: how, kind, name } = source;
    // Read from Node's own request: hono would make one of the web's first, which takes as long as all the rest.
    const { incoming } = context.env;
    const header = (of: string) => {
      const value = incoming.headers[of];
      return typeof value === "object" ? value.join(", ") : value;
    };
    const peer = how.kind === "certificate" ? namesOf(incoming.socket) : undefined;
    const secretInBody = kind === "pagerduty";
    const first = atOnce(how, { header, peer }, secretInBody);
    if (first?.known === false) return refusedBy(first);
    if (!isJson(header("content-type")) || (header("content-encoding") ?? "identity") !== "identity") {
      return refusal("wrong type", 415, "send application/json, not compressed");
    }
    const body = await bodyOf(incoming, maxBytes);
    if (body === undefined) return refusal("too large", 413, `a body has ${maxBytes} bytes at most`);
    // Only what carries its secret within is read before it is known whose it is.
    const early = secretInBody ? parsed(body) : undefined;
    const verdict = first ?? authenticate(how, { header, body, peer, inBody: routingKeyIn(early) }, clock.now());
    if (!verdict.known) return refusedBy(verdict);
    const waitMs = source.rate.take();
    if (waitMs > 0) return { ...refusal("too often", 429, "too many requests: send it again later"), retryMs: waitMs };
    const json = early ?? parsed(body);
    if (json === undefined) return refusal("malformed", 400, "the body is not JSON");
    const receivedAt = clock.now();
    try {
      const reading = source.read(json, receivedAt);
      const { once } = verdict;
      const outcome = await putIn(inbox, { source: name, kind, body, reading, receivedAt, once });
      if (kind !== "pagerduty") return { outcome, status: 200, body: { status: outcome } };
      // As its clients expect it.
      const key = reading.groups[0]?.group ?? dedupKeyIn(json);
      return { outcome, status: 202, body: { status: "success", message: "Event processed", dedup_key: key } };
    } catch (error) {
      const { code, message } = MicroError.from(error);
      if (code === "invalid_argument") return refusal("malformed", 400, message);
      log.warn({ source: name, reason: message }, "alerts cannot be kept; their source is told to send them again");
      return { ...refusal("unavailable", 503, "it cannot be kept now: send it again later"), retryMs: 1000 };
    }
  };

  const served = async () => {
    const [{ Hono }, { createAdaptorServer }] = await Promise.all([import("hono"), import("@hono/node-server")]);
    const app = new Hono<Env>();
    app.get("/-/ready", (context) => context.json({ status: "ready" }));
    const answer = async (context: Context<Env>) => {
      const name = context.req.param("source") ?? "";
      const source = sources.get(name);
      const told = (outcome: Outcome) => counter.add(source?.name ?? "", outcome);
      if (source === undefined) {
        told("unknown source");
        return context.json({ error: "there is no such source of alerts" }, 404);
      }
      if (context.req.method !== "POST") {
        told("wrong method");
        return context.json({ error: "alerts are sent with POST" }, 405, { allow: "POST" });
      }
      const { outcome, status, body, retryMs } = await receive(source, context);
      told(outcome);
      const after = retryMs === undefined ? undefined : { "retry-after": String(Math.ceil(retryMs / 1000)) };
      return context.json(body, status, after);
    };
    app.all("/alerts/:source", answer);
    // Some clients of PagerDuty take the address of the host and go on themselves.
    app.all("/alerts/:source/v2/enqueue", answer);
    app.notFound((context) => context.json({ error: "alerts are sent to /alerts/<source>" }, 404));
    app.onError((error, context) => {
      if (MicroError.from(error).code === "cancelled") return context.body(null, 400);
      log.error({ reason: error.message }, "a request to the receiver of alerts failed");
      return context.json({ error: "it cannot be answered now: send it again later" }, 503);
    });
    const limits = {
      headersTimeout: init.headersMs ?? HEADERS_MS,
      requestTimeout: init.requestMs ?? REQUEST_MS,
      keepAliveTimeout: KEEP_ALIVE_MS,
      connectionsCheckingInterval: LOOK_MS,
      maxHeaderSize: 16 << 10,
    };
    const { tls } = init;
    const { fetch } = app;
    if (tls === undefined) return createAdaptorServer({ fetch, serverOptions: limits }) as Server;
    const { createServer } = await import("node:https");
    const asked = tls.ca !== undefined && { requestCert: true, rejectUnauthorized: false };
    const serverOptions = { ...limits, ...tls, ...asked, handshakeTimeout: limits.headersTimeout };
    return createAdaptorServer({ fetch, createServer, serverOptions }) as unknown as Server;
  };

  return {
    get address() {
      if (running === undefined) throw new MicroError("unavailable", "the receiver of alerts is not started");
      return running.address;
    },
    counts: counter.counts,
    start: async (options = {}) => {
      if (running) return;
      const server = await served();
      server.maxConnections = init.maxConnections ?? MAX_CONNECTIONS;
      await listen(server, host, port, options);
      const at = server.address() as AddressInfo;
      const shown = at.family === "IPv6" ? `[${at.address}]` : at.address;
      running = { server, address: `${shown}:${at.port}` };
      log.info({ address: running.address, sources: [...sources.keys()] }, "alerts are received");
    },
    stop: async () => {
      const was = running?.server;
      running = undefined;
      if (was === undefined) return;
      const closed = new Promise<void>((resolve) => was.close(() => resolve()));
      was.closeIdleConnections();
      const rest = setTimeout(() => was.closeAllConnections(), DRAIN_MS);
      await closed;
      clearTimeout(rest);
    },
  };
}

const UNAUTHENTICATED = refusal("unauthenticated", 401, "unauthenticated");
const FORBIDDEN = refusal("forbidden", 403, "forbidden");

function refusedBy({ status }: { readonly status: 401 | 403 }): Answer {
  return status === 401 ? UNAUTHENTICATED : FORBIDDEN;
}

function refusal(outcome: Outcome, status: Answer["status"], error: string): Answer {
  return { outcome, status, body: { error } };
}

/** @throws MicroError `invalid_argument` */
function listenAt(address: string): { readonly host: string | undefined; readonly port: number } {
  const [, host = "", port = ""] = /^(.*):(\d{1,5})$/.exec(address) ?? [];
  if (port === "" || Number(port) > 65_535) {
    throw new MicroError("invalid_argument", `${address} is no address to listen at: :8088, or 127.0.0.1:8088`);
  }
  return { host: host.replace(/^\[|\]$/g, "") || undefined, port: Number(port) };
}

async function listen(server: Server, host: string | undefined, port: number, { signal }: CallOptions): Promise<void> {
  const listening = new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ port, ...(host !== undefined && { host }) }, () => {
      server.off("error", reject);
      resolve();
    });
  });
  try {
    await (signal ? orAbort(listening, signal) : listening);
  } catch (error) {
    server.close();
    const { code, message } = error as NodeJS.ErrnoException;
    if (code !== "EADDRINUSE" && code !== "EACCES" && code !== "EADDRNOTAVAIL") throw error;
    const why = code === "EADDRINUSE" ? "somebody else listens there" : message;
    throw new MicroError("unavailable", `alerts cannot be received at ${host ?? ""}:${port}: ${why}`, { cause: error });
  }
}

/** The body, as it came. `undefined`: it is too large. Rejects when it ends too early. */
function bodyOf(incoming: IncomingMessage, most: number): Promise<Buffer | undefined> {
  if (Number(incoming.headers["content-length"] ?? 0) > most) return Promise.resolve(undefined);
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    let length = 0;
    incoming.on("data", (part: Buffer) => {
      length += part.length;
      if (length <= most) parts.push(part);
      else {
        parts.length = 0;
        incoming.pause();
        resolve(undefined);
      }
    });
    incoming.once("end", () => resolve(parts.length === 1 ? parts[0] : Buffer.concat(parts)));
    incoming.once("error", reject);
    // It closes in any case, and an error costs 50 us to make.
    incoming.once("close", () => {
      if (!incoming.complete) reject(new MicroError("cancelled", "the request ended before its body"));
    });
  });
}

function isJson(type: string | undefined): boolean {
  return /^application\/(?:[\w.-]+\+)?json *(?:;|$)/i.test(type ?? "");
}

/** `undefined`: it is not JSON in UTF-8, or it is only `null`. */
function parsed(body: Buffer): unknown {
  try {
    return isUtf8(body) ? (JSON.parse(body.toString()) ?? undefined) : undefined;
  } catch {
    return undefined;
  }
}

/** The names in a client's certificate, if our authority has vouched for it. */
function namesOf(socket: Socket): readonly string[] | undefined {
  const { authorized, getPeerCertificate } = socket as TLSSocket;
  if (authorized !== true) return undefined;
  const { subject, subjectaltname = "" }: Partial<PeerCertificate> = getPeerCertificate.call(socket);
  const others = subjectaltname.split(", ").map((name) => name.replace(/^(?:DNS|URI|email|IP Address):/, ""));
  const common: unknown = subject?.CN;
  return [...(typeof common === "string" ? [common] : []), ...others].filter((name) => name !== "");
}
