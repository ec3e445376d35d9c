import { once } from "node:events";
import { createServer, type IncomingMessage as HttpRequest, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type Closable, closable } from "../../src/core/lifecycle.ts";
import { shown } from "./telegram-markup.ts";

/** Telegram's Bot API with one bot and some people: long polling that keeps what was not acknowledged, and trouble. */
export interface FakeTelegram extends Closable {
  readonly apiUrl: string;
  readonly token: string;
  readonly bot: { readonly id: number; readonly username: string };
  /** What the bot said, as people see it, oldest first. */
  readonly posts: readonly Post[];
  readonly calls: readonly { readonly method: string; readonly args: Args }[];
  /** Updates that were acknowledged. */
  readonly taken: ReadonlySet<number>;
  /** Callback queries that got a sign, with the words that came with it. */
  readonly signs: ReadonlyMap<string, string>;
  /** The sign on a message, by `chat/message`. */
  readonly reactions: ReadonlyMap<string, string>;
  /** A person says something; without `how`, Ann in direct talk. The number of the update. */
  say(text: string, how?: Say): number;
  /** An update of any shape. */
  update(body: object): number;
  /** What a person said last, as `chat/message`. */
  lastSaid(): string;
  /** Somebody presses the button with this label, on the last message that has it. */
  press(label: string, user?: number): string;
  /** An update comes once more, though it was acknowledged. */
  again(update: number): void;
  fault(method: string, fault: Fault): void;
  /** Somebody deletes what the bot said last. */
  remove(): void;
  /** Privacy mode. Default off: the bot hears everything. */
  privacy(on: boolean): void;
  webhook(set: boolean): void;
  revoke(): void;
  /** Every socket breaks. */
  cut(): void;
  /** Nobody listens, and every socket breaks. What people say meanwhile waits. */
  kill(): Promise<void>;
  /** It is back, at the same address. */
  restart(): Promise<void>;
}

type Args = Readonly<Record<string, unknown>>;

interface Post {
  readonly chat: number;
  readonly message: number;
  readonly topic: unknown;
  readonly replyTo: number | undefined;
  readonly text: string;
  readonly live: readonly string[];
  readonly edits: number;
  readonly buttons: readonly { readonly text: string; readonly callback_data: string }[];
  readonly file?: { readonly name: string; readonly text: string; readonly png?: Uint8Array };
  readonly args: Args;
}

interface Say {
  readonly chat?: number;
  readonly user?: number;
  /** More facts of the message. */
  readonly message?: object;
}

interface Fault {
  readonly times?: number;
  readonly error?: readonly [code: number, words: string];
  readonly retryAfter?: number;
  /** The socket breaks instead of an answer. */
  readonly reset?: boolean;
  /** It is done, and then the socket breaks instead of an answer. */
  readonly lost?: boolean;
  /** No Bot API: a proxy's page. */
  readonly page?: number;
  /** Nothing comes before this. */
  readonly until?: Promise<void>;
}

class Refusal extends Error {
  readonly code: number;
  readonly parameters: object | undefined;
  constructor(code: number, words: string, parameters?: object) {
    super(words);
    this.code = code;
    this.parameters = parameters;
  }
}

const bad = (words: string) => new Refusal(400, `Bad Request: ${words}`);

/** `ANN` in direct talk, `GROUP` with `TOPIC` if it is asked for. */
export const ANN = 101;
export const GROUP = -1001;
export const FORUM = -1002;
export const TOPIC = 77;

const REACTIONS = new Set(["👍", "👎", "❤", "🔥", "👀", "✍", "👌", "💔", "🤔", "🎉", "😢", "🤷", "🙏", "⚡"]);

export async function fakeTelegram(): Promise<FakeTelegram> {
  const token = "4242:AAplanted-telegram-secret";
  const bot = { id: 4242, username: "micro_test_bot" };
  const posts: Post[] = [];
  const calls: { method: string; args: Args }[] = [];
  const taken = new Set<number>();
  const signs = new Map<string, string>();
  const reactions = new Map<string, string>();
  const presses = new Set<string>();
  const faults = new Map<string, { fault: Fault; left: number }[]>();
  let pending: { update_id: number }[] = [];
  const repeated: { update_id: number }[] = [];
  const all = new Map<number, { update_id: number }>();
  let wake = () => {};
  let poller: { over(refusal: Refusal): void } | undefined;
  let valid = true;
  let hearsAll = true;
  let hooked = false;
  let count = 500;
  let lastSaid = "";

  const update: FakeTelegram["update"] = (body) => {
    const entry = { update_id: ++count, ...body };
    all.set(entry.update_id, entry);
    pending.push(entry);
    wake();
    return entry.update_id;
  };

  const person = (id: number) => ({
    id,
    is_bot: false,
    first_name: id === ANN ? "Ann" : `Person${id}`,
    username: `user${id}`,
  });
  const chatOf = (id: number) =>
    id > 0
      ? { id, type: "private", first_name: "Ann" }
      : { id, type: "supergroup", title: "Group", ...(id === FORUM && { is_forum: true }) };

  const getUpdates = async (args: Args, gone: Promise<unknown>): Promise<unknown> => {
    poller?.over(
      new Refusal(
        409,
        "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running",
      ),
    );
    if (hooked)
      throw new Refusal(
        409,
        "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first",
      );
    const offset = Number(args["offset"] ?? 0);
    for (const { update_id } of pending) if (update_id < offset) taken.add(update_id);
    pending = pending.filter(({ update_id }) => update_id >= offset || !taken.has(update_id));
    pending.unshift(...repeated.splice(0));
    const limit = Number(args["limit"] ?? 100);
    if (pending.length === 0 && Number(args["timeout"] ?? 0) > 0) {
      let timer: NodeJS.Timeout | undefined;
      const mine = { over: (_: Refusal) => {} };
      try {
        await new Promise<void>((resolve, reject) => {
          mine.over = reject;
          poller = mine;
          wake = resolve;
          timer = setTimeout(resolve, Number(args["timeout"]) * 1000);
          void gone.then(() => resolve());
        });
      } finally {
        clearTimeout(timer);
        if (poller === mine) poller = undefined;
      }
    }
    return pending.slice(0, limit);
  };

  const look = (html: unknown, limit: number, what: string) => {
    let seen: ReturnType<typeof shown>;
    try {
      seen = shown(String(html ?? ""));
    } catch (error) {
      throw bad((error as Error).message);
    }
    if (seen.text.length > limit) throw bad(`${what} is too long`);
    return seen;
  };

  const buttonsOf = (args: Args): Post["buttons"] => {
    const markup = args["reply_markup"] as
      | { inline_keyboard?: { text: string; callback_data: string }[][] }
      | undefined;
    const buttons = (markup?.inline_keyboard ?? []).flat();
    for (const { callback_data } of buttons)
      if (Buffer.byteLength(callback_data) > 64) throw bad("BUTTON_DATA_INVALID");
    return buttons;
  };

  const post = (args: Args, seen: ReturnType<typeof shown>, file?: Post["file"]) => {
    const chat = Number(args["chat_id"]);
    if (![ANN, GROUP, FORUM].includes(chat) && chat < 200) throw bad("chat not found");
    const topic = args["message_thread_id"];
    if (topic !== undefined && (chat !== FORUM || topic !== TOPIC)) throw bad("message thread not found");
    if (args["parse_mode"] !== "HTML") throw bad("this fake wants HTML");
    const message = ++count;
    const to = args["reply_parameters"] as { message_id?: number } | undefined;
    posts.push({
      chat,
      message,
      topic,
      replyTo: to?.message_id,
      ...seen,
      edits: 0,
      buttons: buttonsOf(args),
      ...(file && { file }),
      args,
    });
    return { message_id: message, date: now(), chat: chatOf(chat), from: { ...bot, is_bot: true }, text: seen.text };
  };

  const methods: Record<string, (args: Args, gone: Promise<unknown>) => unknown> = {
    getMe: () => ({
      ...bot,
      is_bot: true,
      first_name: "Micro",
      can_join_groups: true,
      can_read_all_group_messages: hearsAll,
    }),
    getUpdates,
    sendMessage: (args) => {
      const seen = look(args["text"], 4096, "message");
      if (seen.text === "") throw bad("message text is empty");
      return post(args, seen);
    },
    sendPhoto: (args) => {
      const photo = args["photo"] as { readonly name: string; readonly bytes: Uint8Array };
      if (Buffer.from(photo.bytes.subarray(1, 4)).toString() !== "PNG") throw bad("IMAGE_PROCESS_FAILED");
      const file = { name: photo.name, text: "", png: photo.bytes };
      return post(args, look(args["caption"], 1024, "message caption"), file);
    },
    sendDocument: (args) => {
      const { name, text } = args["document"] as { readonly name: string; readonly text: string };
      return post(args, look(args["caption"], 1024, "message caption"), { name, text });
    },
    editMessageText: (args) => {
      const at = posts.findIndex(({ chat, message }) => chat === args["chat_id"] && message === args["message_id"]);
      const before = posts[at];
      if (before === undefined) throw bad("message to edit not found");
      const seen = look(args["text"], 4096, "message");
      if (seen.text === "") throw bad("message text is empty");
      const buttons = buttonsOf(args);
      if (before.text === seen.text && JSON.stringify(before.buttons) === JSON.stringify(buttons))
        throw bad("message is not modified: specified new message content and reply markup are exactly the same");
      posts[at] = { ...before, ...seen, buttons, edits: before.edits + 1, args };
      return true;
    },
    answerCallbackQuery: (args) => {
      const id = String(args["callback_query_id"]);
      if (!presses.has(id)) throw bad("query is too old and response timeout expired or query ID is invalid");
      signs.set(id, String(args["text"] ?? ""));
      return true;
    },
    setMessageReaction: (args) => {
      const [one] = args["reaction"] as { emoji: string }[];
      if (one && !REACTIONS.has(one.emoji)) throw bad("REACTION_INVALID");
      reactions.set(`${args["chat_id"]}/${args["message_id"]}`, one?.emoji ?? "");
      return true;
    },
  };

  const answer = async (request: HttpRequest, response: ServerResponse): Promise<void> => {
    const [, given, method = ""] = /^\/bot([^/]+)\/(\w+)/.exec(request.url ?? "") ?? [];
    const args = await read(request);
    const reply = (status: number, body: object) =>
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    try {
      calls.push({ method, args });
      const planned = faults.get(method)?.find((entry) => entry.left-- > 0)?.fault;
      await planned?.until;
      if (planned?.reset) return void request.socket.destroy();
      if (planned?.page) return void response.writeHead(planned.page, { "content-type": "text/html" }).end("<html>");
      if (planned?.retryAfter) {
        throw new Refusal(429, `Too Many Requests: retry after ${planned.retryAfter}`, {
          retry_after: planned.retryAfter,
        });
      }
      if (planned?.error) throw new Refusal(...planned.error);
      if (given !== token || !valid) throw new Refusal(401, "Unauthorized");
      const run = methods[method];
      if (run === undefined) throw new Refusal(404, "Not Found");
      const result = await run(args, once(response, "close"));
      if (planned?.lost) return void request.socket.destroy();
      reply(200, { ok: true, result });
    } catch (error) {
      const { code = 500, message, parameters } = error as Refusal;
      reply(code, { ok: false, error_code: code, description: message, ...(parameters && { parameters }) });
    }
  };

  const server = createServer((request, response) => void answer(request, response));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");

  const { port } = server.address() as AddressInfo;

  return {
    apiUrl: `http://127.0.0.1:${port}`,
    token,
    bot,
    posts,
    calls,
    taken,
    signs,
    reactions,
    update,
    lastSaid: () => lastSaid,
    say: (text, { chat = ANN, user = ANN, message = {} } = {}) => {
      const message_id = ++count;
      lastSaid = `${chat}/${message_id}`;
      return update({ message: { message_id, date: now(), chat: chatOf(chat), from: person(user), text, ...message } });
    },
    press: (label, user = ANN) => {
      const last = posts.findLast(({ buttons }) => buttons.some(({ text }) => text === label));
      const button = last?.buttons.find(({ text }) => text === label);
      if (last === undefined || button === undefined) throw new Error(`there is no button ${label}`);
      const id = `press${++count}`;
      presses.add(id);
      const message = {
        message_id: last.message,
        date: now(),
        chat: chatOf(last.chat),
        from: { ...bot, is_bot: true },
        text: last.text,
      };
      update({ callback_query: { id, from: person(user), message, chat_instance: "1", data: button.callback_data } });
      return id;
    },
    again: (id) => {
      const entry = all.get(id);
      if (entry) repeated.push(entry);
      wake();
    },
    fault: (method, fault) => faults.set(method, [...(faults.get(method) ?? []), { fault, left: fault.times ?? 1 }]),
    remove: () => void posts.pop(),
    privacy: (on) => {
      hearsAll = !on;
    },
    webhook: (set) => {
      hooked = set;
    },
    revoke: () => {
      valid = false;
    },
    cut: () => server.closeAllConnections(),
    kill: async () => {
      const gone = once(server, "close");
      server.close();
      server.closeAllConnections();
      await gone;
    },
    restart: async () => {
      server.listen(port, "127.0.0.1");
      await once(server, "listening");
    },
    ...closable(async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    }),
  };
}

function now(): number {
  return Math.floor(Date.now() / 1000);
}

/** JSON, or a form with a document in it as grammY makes one. */
async function read(request: HttpRequest): Promise<Args> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const body = Buffer.concat(chunks);
  const type = request.headers["content-type"] ?? "";
  if (type.startsWith("application/json")) return JSON.parse(body.toString() || "{}") as Args;
  if (!type.startsWith("multipart/form-data")) return {};
  const parts = form(body, /boundary=(.+)$/.exec(type)?.[1] ?? "");
  const args: Record<string, unknown> = {};
  for (const [name, { text }] of parts) {
    const attached = /^attach:\/\/(.+)$/.exec(text)?.[1];
    const file = attached === undefined ? undefined : parts.get(attached);
    if (file) args[name] = { name: file.file, text: file.text, bytes: file.bytes };
    else args[name] = /^[{[]|^-?\d+$/.test(text) && name !== "caption" ? JSON.parse(text) : text;
  }
  return args;
}

interface Field {
  readonly text: string;
  readonly bytes: Uint8Array;
  readonly file: string | undefined;
}

/** By hand, because grammY's forms leave out the quotes that a stricter reader wants; Telegram does not. */
function form(body: Buffer, boundary: string): Map<string, Field> {
  const parts = new Map<string, Field>();
  for (const part of body.toString("latin1").split(`--${boundary}`).slice(1, -1)) {
    const at = part.indexOf("\r\n\r\n");
    const head = part.slice(0, at);
    const name = /;\s*name="([^"]+)"/.exec(head)?.[1] ?? "";
    const file = /;\s*filename="?([^"\r\n;]+)/.exec(head)?.[1];
    const bytes = Buffer.from(part.slice(at + 4, -2), "latin1");
    parts.set(name, { text: bytes.toString(), bytes: new Uint8Array(bytes), file });
  }
  return parts;
}
