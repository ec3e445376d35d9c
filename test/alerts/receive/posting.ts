import { createHmac } from "node:crypto";
import { request as httpRequest } from "node:http";
import { request as httpsRequest, type RequestOptions } from "node:https";
import type { Notification } from "../../../src/alerts/alert.ts";
import { createInbox, type DurableInbox } from "../../../src/alerts/inbox.ts";
import { createReceiver, type Receiver, type ReceiverInit } from "../../../src/alerts/receive/receiver.ts";
import type { Source } from "../../../src/alerts/receive/source.ts";
import { systemClock } from "../../../src/core/clock.ts";
import { memoryKv } from "../../../src/platform/kv/memory.ts";

export const TOKEN = "a-token-for-tests-only";
export const SECRET = "a-secret-for-tests-only";

/** A source that shows a token. */
export function sourceOf(name: string, given: Partial<Source> = {}): Source {
  return { name, kind: "alertmanager", authentication: { kind: "token", tokens: [TOKEN] }, ...given };
}

export interface Receiving {
  readonly receiver: Receiver;
  readonly inbox: DurableInbox;
  stop(): Promise<void>;
}

/** A receiver on a free port over an inbox in memory. */
export async function receiving(sources: readonly Source[], init: Partial<ReceiverInit> = {}): Promise<Receiving> {
  const kv = memoryKv();
  await kv.start();
  const inbox = createInbox({ kv, clock: systemClock });
  await inbox.start();
  const receiver = createReceiver({ address: "127.0.0.1:0", sources, inbox, clock: systemClock, ...init });
  await receiver.start();
  return {
    receiver,
    inbox,
    stop: async () => {
      await receiver.stop();
      await inbox.stop();
      await kv.stop();
    },
  };
}

export interface Answered {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Record<string, unknown>;
}

/** One request over a connection of its own. */
export function ask(
  address: string,
  path: string,
  given: {
    readonly method?: string;
    readonly headers?: Record<string, string>;
    readonly body?: string | Buffer;
    readonly tls?: RequestOptions;
  } = {},
): Promise<Answered> {
  const { method = "POST", headers = {}, body, tls } = given;
  const [host = "", port = ""] = address.split(":");
  const options = {
    host,
    port,
    path,
    method,
    agent: false,
    headers: { "content-type": "application/json", ...headers },
    ...tls,
  };
  return new Promise((resolve, reject) => {
    const sent = (tls ? httpsRequest : httpRequest)(options, (response) => {
      let text = "";
      response.on("data", (chunk) => {
        text += chunk;
      });
      response.on("error", reject);
      response.on("end", () => {
        const { statusCode = 0, headers: got } = response;
        resolve({ status: statusCode, headers: got, body: text.startsWith("{") ? JSON.parse(text) : { text } });
      });
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

export function bearer(token = TOKEN): Record<string, string> {
  return { authorization: `Bearer ${token}` };
}

/** As GitHub signs. */
export function signed(body: string, secret = SECRET): Record<string, string> {
  return { "x-hub-signature-256": `sha256=${createHmac("sha256", secret).update(body).digest("hex")}` };
}

/** With the time within what is signed. */
export function signedAt(body: string, ms: number, secret = SECRET): Record<string, string> {
  const t = Math.floor(ms / 1000);
  return { "x-signature": `t=${t},v1=${createHmac("sha256", secret).update(`${t}.${body}`).digest("hex")}` };
}

/** Everything that waits. */
export async function waitingIn(inbox: DurableInbox): Promise<readonly Notification[]> {
  const leaving = new AbortController();
  const found: Notification[] = [];
  if (inbox.waiting === 0) return found;
  const count = inbox.waiting;
  for await (const { notification } of inbox.take(leaving.signal)) {
    if (found.push(notification) === count) leaving.abort();
  }
  return found;
}
