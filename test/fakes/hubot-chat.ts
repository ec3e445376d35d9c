import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { createInterface } from "node:readline";
import { type Closable, closable } from "../../src/core/lifecycle.ts";
import type { HubotInit } from "../../src/inputs/hubot/hubot.ts";

/** A chat that only `hubot-adapter.mjs` knows to speak: lines of JSON over TCP, and everything that can go wrong. */
export interface HubotChat extends Closable {
  /** For `hubotInput`. */
  readonly init: HubotInit;
  readonly token: string;
  /** How many adapters have been let in. */
  links(): number;
  /** What the bot said, oldest first. */
  readonly posts: readonly Post[];
  say(text: string, how?: Say): void;
  /** The last of what was said, once more. */
  again(): void;
  /** The adapter does something that it should not: see its `misbehave`. */
  make(what: string): void;
  cut(): void;
  revoke(): void;
  /** Nobody listens any more. */
  leave(): Promise<void>;
  /** How the next posts are answered. */
  fault(error: object): void;
  hold(): () => void;
}

interface Say {
  readonly kind?: "text" | "enter" | "leave" | "topic" | "catchAll";
  /** `null`: to the bot alone. Default `lobby`. */
  readonly room?: string | null;
  readonly id?: string | number | null;
  readonly thread?: string;
  readonly user?: object;
}

export interface Post {
  readonly room?: string;
  readonly to?: string;
  readonly thread?: string;
  readonly text: string;
}

/** What chat networks bring to life in a text. */
const LIVE =
  /<[@#!][^>]*>|<\/?[a-z][^>]*>|<https?:[^>]*>|@(everyone|channel|here)\b|&#?\w+;|\[[^\]]*\]\([^)]*\)|(?![\n\t])\p{Cc}/gu;

export async function hubotChat(): Promise<HubotChat> {
  const posts: Post[] = [];
  const sockets = new Set<Socket>();
  const faults: object[] = [];
  const token = "planted-chat-secret";
  let good: string | undefined = token;
  let held: Promise<void> | undefined;
  let count = 0;
  let links = 0;
  let last = {};

  const tell = (what: object) => {
    for (const socket of sockets) socket.write(`${JSON.stringify(what)}\n`);
  };
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => {});
    const answer = (what: object) => socket.write(`${JSON.stringify(what)}\n`);
    const lines = createInterface({ input: socket });
    lines.on("error", () => {});
    lines.on("line", async (line) => {
      const said = JSON.parse(line) as { token?: string; n?: number } & Post;
      if (said.token !== undefined && said.token !== good) return answer({ refused: said.token });
      if (said.token !== undefined) {
        links += 1;
        return answer({ hello: "BOT" });
      }
      await held;
      const error = faults.shift();
      if (error === undefined) posts.push(said);
      return answer({ n: said.n, error });
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const leave = async () => {
    for (const socket of sockets) socket.destroy();
    if (!server.listening) return;
    server.close();
    await once(server, "close");
  };

  return {
    init: {
      adapter: "./hubot-adapter.mjs",
      cwd: import.meta.dirname,
      env: {
        HUBOT_CHAT_PORT: String((server.address() as AddressInfo).port),
        HUBOT_CHAT_TOKEN: token,
        MICRO_SLACK_TOKEN: "not for adapters",
      },
    },
    token,
    links: () => links,
    posts,
    say: (text, { kind = "text", room = "lobby", thread, user, id } = {}) => {
      count += 1;
      const person = { id: "U1", name: "ann", ...user };
      last = { say: { kind, id: id === undefined ? `1700000000.${count}` : id, text, room, thread, user: person } };
      tell(last);
    },
    again: () => tell(last),
    make: (what) => tell({ do: what }),
    cut: () => {
      for (const socket of sockets) socket.destroy();
    },
    revoke: () => {
      good = undefined;
    },
    leave,
    fault: (error) => void faults.push(error),
    hold: () => {
      let release = () => {};
      held = new Promise((resolve) => {
        release = resolve;
      });
      return () => {
        held = undefined;
        release();
      };
    },
    ...closable(leave),
  };
}

export function liveIn(text: string): readonly string[] {
  return text.match(LIVE) ?? [];
}

/** A post as `input.contract.ts` asks for it. */
export function heard({ room, to, thread, text }: Post) {
  // What keeps markup apart has no width.
  return { text: text.replaceAll("\u200b", ""), where: `${room ?? to}/${thread}`, live: liveIn(text) };
}
