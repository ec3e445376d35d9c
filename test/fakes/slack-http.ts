import { createHmac } from "node:crypto";
import { request as httpRequest } from "node:http";
import type { Deliveries } from "./slack.ts";

/** What a request of Slack's gets back; `undefined` status: the connection broke or nobody answered in time. */
export interface Got {
  readonly status: number | undefined;
  readonly body: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

/** How a request is sent; what is left out is as Slack does it. */
export interface Manner {
  readonly contentType?: string;
  readonly method?: string;
  readonly path?: string;
  /** Seconds. */
  readonly timestamp?: number | string;
  /** Another secret than the app's. */
  readonly secret?: string;
  /** `undefined` leaves a header out; a name in another case stands beside Slack's. */
  readonly headers?: Readonly<Record<string, string | string[] | undefined>>;
  /** Signed as it is given, and then changed on the way. */
  readonly tamper?: (body: string) => string;
  /** Slack gives up waiting when this is resolved. */
  readonly hangUp?: Promise<void>;
  /** Called when all of it has left. */
  readonly sent?: () => void;
}

/** One event, until it is acknowledged. */
interface Delivery {
  readonly payload: { readonly event_id: string };
  attempt: number;
  acked: boolean;
  timer?: NodeJS.Timeout;
}

/** Slack's side of the Events API over HTTP (`chat.md §3`): signed requests, three retries, commands and presses. */
export interface SlackRequests extends Deliveries {
  readonly signingSecret: string;
  /** Any body, signed unless told otherwise. */
  send(body: string, how?: Manner): Promise<Got>;
  /** A slash command: a form. It is not sent again. */
  command(fields: Readonly<Record<string, string>>): Promise<Got>;
  /** Something was pressed or filled in: JSON in a form. It is not sent again. */
  press(payload: object): Promise<Got>;
  /** Every event that was not acknowledged, once more and now. */
  redeliver(): void;
  /** The same event again, though it may have been acknowledged. */
  duplicate(eventId: string): void;
  /** `x-slack-retry-num` of each request sent, by event; 0 for the first, which has none. */
  readonly attempts: ReadonlyMap<string, readonly number[]>;
  /** What each request of an event was answered, by event. */
  readonly statuses: ReadonlyMap<string, readonly (number | undefined)[]>;
  close(): void;
}

export interface SlackRequestsInit {
  /** Where the bot listens. */
  readonly port: number;
  /** Default `/slack/events`. */
  readonly path?: string;
  /** Seconds; by which it dates what it signs. */
  readonly now?: () => number;
  /** When what failed is sent again. Slack's own are "at once", a minute and five minutes. */
  readonly retryMs?: readonly number[];
  /** How long Slack waits for an answer. */
  readonly patienceMs?: number;
}

const FORM = "application/x-www-form-urlencoded";

export function slackRequests(init: SlackRequestsInit): SlackRequests {
  const { port, now = () => Math.floor(Date.now() / 1000), retryMs = [10, 60_000, 300_000] } = init;
  const signingSecret = "8f742231b10e8888abcd99yyyzzz85a5-planted";
  const deliveries = new Map<string, Delivery>();
  const acked: string[] = [];
  const attempts = new Map<string, number[]>();
  const statuses = new Map<string, (number | undefined)[]>();
  let closed = false;
  /** Each has a connection of its own, and who says two things wants them to arrive in order. */
  let before: Promise<unknown> = Promise.resolve();

  const send: SlackRequests["send"] = (body, how = {}) => {
    const timestamp = String(how.timestamp ?? now());
    const hash = createHmac("sha256", how.secret ?? signingSecret)
      .update(`v0:${timestamp}:${body}`)
      .digest("hex");
    const sent = how.tamper ? how.tamper(body) : body;
    const headers: Record<string, string | string[] | undefined> = {
      "user-agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
      "content-type": how.contentType ?? "application/json",
      "x-slack-request-timestamp": timestamp,
      "x-slack-signature": `v0=${hash}`,
      "content-length": String(Buffer.byteLength(sent)),
      ...how.headers,
    };
    const given = Object.entries(headers).filter(
      (entry): entry is [string, string | string[]] => entry[1] !== undefined,
    );
    return new Promise((resolve) => {
      const nothing = { status: undefined, body: "", headers: {} };
      const request = httpRequest(
        {
          host: "127.0.0.1",
          port,
          path: how.path ?? init.path ?? "/slack/events",
          method: how.method ?? "POST",
          agent: false,
          headers: Object.fromEntries(given),
          timeout: init.patienceMs ?? 3000,
        },
        async (response) => {
          const chunks: Buffer[] = [];
          try {
            for await (const chunk of response) chunks.push(chunk as Buffer);
            resolve({ status: response.statusCode, body: Buffer.concat(chunks).toString(), headers: response.headers });
          } catch {
            resolve(nothing);
          }
        },
      );
      request.on("timeout", () => request.destroy());
      void how.hangUp?.then(() => request.destroy());
      request.on("error", () => resolve(nothing));
      request.on("finish", () => how.sent?.());
      request.on("close", () => how.sent?.());
      request.end(how.method === "GET" ? undefined : sent);
    });
  };

  const attempt = async (delivery: Delivery): Promise<void> => {
    const { payload } = delivery;
    const turn = before;
    let sent = () => {};
    before = new Promise<void>((resolve) => (sent = resolve));
    await turn;
    const id = payload.event_id;
    const number = delivery.attempt;
    attempts.set(id, [...(attempts.get(id) ?? []), number]);
    const retry = { "x-slack-retry-num": String(number), "x-slack-retry-reason": "http_error" };
    const { status } = await send(JSON.stringify(payload), { headers: number > 0 ? retry : {}, sent });
    statuses.set(id, [...(statuses.get(id) ?? []), status]);
    if (status !== undefined && status >= 200 && status < 300) {
      if (!delivery.acked) acked.push(id);
      delivery.acked = true;
      return;
    }
    const wait = retryMs[number];
    if (delivery.acked || closed || wait === undefined || delivery.attempt !== number) return;
    delivery.timer = setTimeout(() => again(delivery), wait).unref();
  };

  const again = (delivery: Delivery) => {
    clearTimeout(delivery.timer);
    if (delivery.acked || delivery.attempt >= 3 || closed) return;
    delivery.attempt += 1;
    void attempt(delivery);
  };

  return {
    signingSecret,
    send,
    command: (fields) => send(new URLSearchParams(fields).toString(), { contentType: FORM }),
    press: (payload) =>
      send(new URLSearchParams({ payload: JSON.stringify(payload) }).toString(), { contentType: FORM }),
    deliver: (payload) => {
      const delivery = { payload, attempt: 0, acked: false };
      deliveries.set(payload.event_id, delivery);
      void attempt(delivery);
    },
    redeliver: () => {
      for (const delivery of [...deliveries.values()]) again(delivery);
    },
    duplicate: (eventId) => {
      const delivery = deliveries.get(eventId);
      if (delivery) void send(JSON.stringify(delivery.payload), { headers: { "x-slack-retry-num": "1" } });
    },
    acked,
    attempts,
    statuses,
    close: () => {
      closed = true;
      for (const delivery of deliveries.values()) clearTimeout(delivery.timer);
    },
  };
}
