import { once } from "node:events";
import { createServer, type IncomingMessage as HttpRequest, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type Closable, closable } from "../../src/core/lifecycle.ts";
import { type DiscordGateway, discordGateway } from "./discord-gateway.ts";
import { shown } from "./discord-markup.ts";

/** Discord with one bot and some people: HTTP API, gateway, and trouble. */
export interface FakeDiscord extends Closable {
  /** `http://127.0.0.1:…/api` */
  readonly apiUrl: string;
  readonly token: string;
  readonly gateway: DiscordGateway;
  /** What the bot said, as people see it, oldest first. */
  readonly posts: readonly Post[];
  /** Requests, as `POST /channels/1/messages`. */
  readonly calls: readonly { readonly what: string; readonly body: Body }[];
  /** What interactions got as a sign: `deferred`, or the words that only who pressed sees. */
  readonly signs: ReadonlyMap<string, string>;
  /** The bot's reactions, by message. */
  readonly reactions: ReadonlyMap<string, readonly string[]>;
  /** A person says something; without `how`, Ann in `GENERAL`. */
  say(text: string, how?: Say): object;
  /** The message that a person said last. */
  lastSaid(): string;
  event(type: string, data: object): void;
  /** Somebody presses the button with this label, on the last message that has it. */
  press(label: string, user?: string): string;
  /** Somebody deletes what the bot said last. */
  remove(): void;
  /** @param what the request, as in `calls`, with ids left out: `POST /channels/messages` */
  fault(what: string, fault: Fault): void;
  /** The token is worthless from now on. */
  revoke(): void;
  /** Message Content Intent is off. */
  withoutContent(): void;
  /** No more sessions today. */
  exhaust(): void;
}

interface Body {
  readonly content?: string;
  readonly flags?: number;
  readonly type?: number;
  readonly data?: Body;
  readonly name?: string;
  readonly allowed_mentions?: { readonly parse?: readonly string[]; readonly replied_user?: boolean };
  readonly message_reference?: { readonly message_id?: string };
  readonly components?: readonly { readonly components: readonly Button[] }[];
  readonly files?: readonly Sent[];
  readonly attachments?: readonly { readonly id: number; readonly description?: string }[];
  readonly recipient_id?: string;
}

interface Sent {
  readonly name: string;
  readonly text: string;
  readonly png?: Uint8Array;
}

interface Button {
  readonly label: string;
  readonly custom_id: string;
}

interface Post {
  readonly channel: string;
  readonly message: string;
  readonly replyTo: string | undefined;
  readonly text: string;
  readonly live: readonly string[];
  /** Who would be notified. */
  readonly pings: readonly string[];
  readonly edits: number;
  readonly buttons: readonly Button[];
  readonly file?: Sent | undefined;
  readonly body: Body;
}

interface Say {
  readonly channel?: string;
  readonly user?: string;
  /** More facts of the message. */
  readonly message?: object;
}

interface Fault {
  readonly times?: number;
  readonly error?: readonly [status: number, code: number, words: string];
  /** Seconds. */
  readonly retryAfter?: number;
  readonly reset?: boolean;
  /** No word of Discord's: a proxy's page. */
  readonly page?: number;
  readonly until?: Promise<void>;
  /** Headers of a good answer. */
  readonly headers?: Record<string, string>;
}

export const SELF = "900000000000000001";
export const ANN = "100000000000000001";
export const GENERAL = "200000000000000001";
export const OTHER = "200000000000000002";
export const DIRECT = "200000000000000003";
const GUILD = "300000000000000001";

class Refusal extends Error {
  readonly status: number;
  readonly code: number;
  constructor(status: number, code: number, words: string) {
    super(words);
    this.status = status;
    this.code = code;
  }
}

export async function fakeDiscord({
  heartbeatMs = 45_000,
}: {
  readonly heartbeatMs?: number;
} = {}): Promise<FakeDiscord> {
  const token = "MTAx.GPlanted.discord-secret";
  const posts: Post[] = [];
  const calls: { what: string; body: Body }[] = [];
  const signs = new Map<string, string>();
  const reactions = new Map<string, string[]>();
  const threads = new Set<string>();
  const faults = new Map<string, { fault: Fault; left: number }[]>();
  let valid = true;
  let content = true;
  let remaining = 1000;
  let said = "";
  let count = 0;

  /** An id that holds the time, as Discord's do. */
  const snowflake = () => String((BigInt(Date.now() - 1_420_070_400_000) << 22n) + BigInt(++count));
  const person = (id: string) => ({
    id,
    username: id === ANN ? "ann" : `user${id}`,
    global_name: id === ANN ? "Ann" : null,
  });
  const self = { id: SELF, username: "micro", bot: true };
  const where = (channel: string) => (channel === DIRECT ? {} : { guild_id: GUILD });

  const look = (body: Body): Pick<Post, "text" | "live" | "pings" | "buttons" | "body"> => {
    const { content = "", files = [] } = body;
    if (content.length > 2000) throw new Refusal(400, 50035, "Invalid Form Body");
    if (content.trim() === "" && files.length === 0) throw new Refusal(400, 50006, "Cannot send an empty message");
    const buttons = (body.components ?? []).flatMap((row) => row.components);
    const ids = buttons.map((button) => button.custom_id);
    if (
      ids.some((id) => id.length > 100) ||
      new Set(ids).size < ids.length ||
      buttons.some(({ label }) => label.length > 80)
    )
      throw new Refusal(400, 50035, "Invalid Form Body");
    // The server looks for mentions without a thought of backslashes.
    const mentions = content.match(/<@[!&]?\d+>|@everyone|@here/g) ?? [];
    const allowed = body.allowed_mentions?.parse ?? ["users", "roles", "everyone"];
    return { ...shown(content.trim()), pings: allowed.length > 0 ? mentions : [], buttons, body };
  };

  const routes: [RegExp, (ids: string[], body: Body) => unknown][] = [
    [
      /^GET \/gateway\/bot$/,
      () => ({
        url: gatewayUrl(),
        shards: 1,
        session_start_limit: { total: 1000, remaining, reset_after: 7_200_000, max_concurrency: 1 },
      }),
    ],
    [
      /^POST \/channels\/(\d+)\/messages$/,
      ([channel = ""], body) => {
        if (![GENERAL, OTHER, DIRECT].includes(channel) && !threads.has(channel))
          throw new Refusal(404, 10003, "Unknown Channel");
        const message = snowflake();
        const replyTo = body.message_reference?.message_id;
        posts.push({ channel, message, replyTo, edits: 0, file: body.files?.[0], ...look(body) });
        const heard = {
          id: message,
          type: 0,
          channel_id: channel,
          content: body.content,
          author: self,
          ...where(channel),
        };
        // Discord tells a bot what it said itself, like anything else that is said.
        gateway.dispatch("MESSAGE_CREATE", { ...heard, timestamp: new Date().toISOString(), edited_timestamp: null });
        return heard;
      },
    ],
    [
      /^PATCH \/channels\/(\d+)\/messages\/(\d+)$/,
      ([channel, message], body) => {
        const at = posts.findIndex((post) => post.channel === channel && post.message === message);
        const before = posts[at];
        if (before === undefined) throw new Refusal(404, 10008, "Unknown Message");
        posts[at] = { ...before, ...look(body), edits: before.edits + 1, file: body.files?.[0] ?? before.file };
        return { id: message, channel_id: channel };
      },
    ],
    [
      /^POST \/channels\/(\d+)\/messages\/(\d+)\/threads$/,
      ([channel = "", message = ""], body) => {
        if (threads.has(channel) || channel === DIRECT)
          throw new Refusal(400, 50024, "Cannot execute action on this channel type");
        if (threads.has(message)) throw new Refusal(400, 160004, "A thread has already been created for this message");
        threads.add(message);
        return { id: message, name: body.name, type: 11 };
      },
    ],
    [
      /^POST \/users\/@me\/channels$/,
      (_ids, body) => {
        if (body.recipient_id !== ANN) throw new Refusal(400, 50007, "Cannot send messages to this user");
        return { id: DIRECT, type: 1 };
      },
    ],
    [
      /^(PUT|DELETE) \/channels\/\d+\/messages\/(\d+)\/reactions\/([^/]+)\/@me$/,
      ([method, message = "", emoji = ""]) => {
        const others = (reactions.get(message) ?? []).filter((one) => one !== decodeURIComponent(emoji));
        reactions.set(message, method === "PUT" ? [...others, decodeURIComponent(emoji)] : others);
        return undefined;
      },
    ],
    [
      /^POST \/interactions\/(\d+)\/([^/]+)\/callback$/,
      ([id = ""], body) => {
        signs.set(
          id,
          body.type === 6 ? "deferred" : `${body.data?.flags === 64 ? "whispered: " : ""}${body.data?.content}`,
        );
        return undefined;
      },
    ],
  ];

  routes.push([
    /^POST \/webhooks\/(\d+)\/press-(\d+)$/,
    ([, press = ""], body) => {
      if (signs.get(press) !== "deferred") throw new Refusal(404, 10015, "Unknown Webhook");
      const message = snowflake();
      const pressed = `only who pressed ${press}`;
      posts.push({
        channel: body.flags === 68 ? pressed : GENERAL,
        message,
        replyTo: undefined,
        edits: 0,
        ...look(body),
      });
      return { id: message };
    },
  ]);

  const answer = async (request: HttpRequest, response: ServerResponse): Promise<void> => {
    const what = `${request.method} ${(request.url ?? "").replace(/^\/api\/v10/, "").replace(/\?.*$/, "")}`;
    const body = await read(request);
    const reply = (status: number, words: object | undefined, headers: Record<string, string> = {}) => {
      if (words === undefined) return response.writeHead(204, headers).end();
      return response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(words));
    };
    calls.push({ what, body });
    const kind = what.replace(/\/(?:\d{6,}|@me|%[^/]+)/g, "");
    const planned = faults.get(kind)?.find((entry) => entry.left-- > 0)?.fault;
    try {
      await planned?.until;
      if (planned?.reset) return void request.socket.destroy();
      if (planned?.page) return void response.writeHead(planned.page, { "content-type": "text/html" }).end("<html>");
      if (planned?.retryAfter) {
        const words = { message: "You are being rate limited.", retry_after: planned.retryAfter, global: false };
        return void reply(429, words, { "retry-after": String(planned.retryAfter), "x-ratelimit-scope": "user" });
      }
      if (planned?.error) throw new Refusal(...planned.error);
      const open = /^POST \/(?:interactions|webhooks)\//.test(what);
      if (!open && (!valid || request.headers.authorization !== `Bot ${token}`)) {
        throw new Refusal(401, 0, "401: Unauthorized");
      }
      for (const [path, run] of routes) {
        const match = path.exec(what);
        if (match) return void reply(200, run(match.slice(1), body) as object | undefined, planned?.headers);
      }
      throw new Refusal(404, 0, "404: Not Found");
    } catch (error) {
      const { status = 500, code, message } = error as Refusal;
      reply(status, { message, code });
    }
  };

  const server = createServer((request, response) => void answer(request, response));
  server.on("upgrade", (request, socket, head) => gateway.upgrade(request, socket, head));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const port = () => (server.address() as AddressInfo).port;
  const gatewayUrl = () => `ws://127.0.0.1:${port()}`;
  const gateway = discordGateway({
    url: gatewayUrl,
    valid: (given) => valid && given === token,
    content: () => content,
    self,
    heartbeatMs,
  });

  return {
    apiUrl: `http://127.0.0.1:${port()}/api`,
    token,
    gateway,
    posts,
    calls,
    signs,
    reactions,
    lastSaid: () => said,
    say: (text, { channel = GENERAL, user = ANN, message = {} } = {}) => {
      said = snowflake();
      const data = {
        id: said,
        type: 0,
        channel_id: channel,
        ...where(channel),
        author: person(user),
        content: text,
        timestamp: new Date().toISOString(),
        edited_timestamp: null,
        mentions: [],
        attachments: [],
        ...message,
      };
      gateway.dispatch("MESSAGE_CREATE", data);
      return data;
    },
    event: gateway.dispatch,
    remove: () => void posts.pop(),
    press: (label, user = ANN) => {
      const post = posts.findLast(({ buttons }) => buttons.some((button) => button.label === label));
      const button = post?.buttons.find((one) => one.label === label);
      if (post === undefined || button === undefined) throw new Error(`there is no button ${label}`);
      const id = snowflake();
      const direct = post.channel === DIRECT;
      gateway.dispatch("INTERACTION_CREATE", {
        id,
        application_id: SELF,
        type: 3,
        token: `press-${id}`,
        version: 1,
        channel_id: post.channel,
        ...where(post.channel),
        ...(direct ? { user: person(user) } : { member: { nick: null, user: person(user) } }),
        message: { id: post.message },
        data: { component_type: 2, custom_id: button.custom_id },
      });
      return id;
    },
    fault: (what, fault) => faults.set(what, [...(faults.get(what) ?? []), { fault, left: fault.times ?? 1 }]),
    revoke: () => {
      valid = false;
    },
    withoutContent: () => {
      content = false;
    },
    exhaust: () => {
      remaining = 0;
    },
    ...closable(async () => {
      gateway.end();
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    }),
  };
}

async function read(request: HttpRequest): Promise<Body> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const body = Buffer.concat(chunks);
  const type = request.headers["content-type"] ?? "";
  if (type.startsWith("application/json")) return JSON.parse(body.toString() || "{}") as Body;
  if (!type.startsWith("multipart/form-data")) return {};
  const form = await new Response(new Uint8Array(body), { headers: { "content-type": type } }).formData();
  const files: Sent[] = [];
  for (const [name, value] of form) {
    if (typeof value === "string" || !name.startsWith("files[")) continue;
    const picture = value.type === "image/png" && { png: new Uint8Array(await value.arrayBuffer()) };
    files.push({ name: value.name, text: await value.text(), ...picture });
  }
  return { ...(JSON.parse(String(form.get("payload_json") ?? "{}")) as Body), files };
}
