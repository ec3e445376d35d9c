import { mkdirSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";

/** The other end of a bot's socket, saying whatever a test wants; `proven` says what `micro chat` says. */
export interface RawChat {
  write(bytes: string): void;
  /** Everything that came, a line each. */
  readonly heard: readonly Record<string, unknown>[];
  /** Waits for a message of this type. */
  next(type: string): Promise<Record<string, unknown>>;
  /** Resolves when the bot has hung up. */
  readonly closed: Promise<void>;
  /** Stops reading, as a program does that is stopped. */
  freeze(): void;
  thaw(): void;
  end(): void;
  destroy(): void;
}

export function rawChat(path: string): RawChat {
  const socket = connect({ path, allowHalfOpen: true });
  const heard: Record<string, unknown>[] = [];
  const given = new Map<string, number>();
  let text = "";
  socket.setEncoding("utf8");
  socket.on("data", (chunk) => {
    text += chunk;
    const lines = text.split("\n");
    text = lines.pop() ?? "";
    for (const line of lines) heard.push(JSON.parse(line));
  });
  socket.on("error", () => {});
  const closed = new Promise<void>((resolve) => {
    socket.on("end", resolve);
    socket.on("close", () => resolve());
  });
  return {
    heard,
    closed,
    write: (bytes) => void socket.write(bytes),
    next: async (type) => {
      const at = given.get(type) ?? 0;
      const until = Date.now() + 8000;
      for (;;) {
        const found = heard.filter((message) => message["type"] === type)[at];
        if (found) {
          given.set(type, at + 1);
          return found;
        }
        if (Date.now() > until) throw new Error(`no ${type} in 8 s, but ${JSON.stringify(heard).slice(0, 500)}`);
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
    },
    freeze: () => void socket.pause(),
    thaw: () => void socket.resume(),
    end: () => void socket.end(),
    destroy: () => void socket.destroy(),
  };
}

/** One that has proven who it is, and may have claimed more on its way. */
export async function provenChat(path: string, claims: object = {}): Promise<RawChat> {
  const chat = rawChat(path);
  chat.write(`${JSON.stringify({ type: "hello", version: 1, ...claims })}\n`);
  const { name } = await chat.next("prove");
  mkdirSync(join(`${path}.proof`, String(name)), 0o700);
  chat.write(`${JSON.stringify({ type: "proved", ...claims })}\n`);
  await chat.next("welcome");
  return chat;
}
