import type { MicroError } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import { createQueue } from "../core/queue.ts";
import type { Hold } from "./hold.ts";
import type { ConnectOptions, IncomingMessage } from "./input.ts";

/** What a link has heard and the bot has not asked for yet. One reader. */
export interface Waiting extends AsyncIterable<IncomingMessage> {
  /** Takes it if the bot heeds it. Where there is no place for it, whoever connected is told of that. */
  take(message: IncomingMessage): void;
  /** No more comes; what waits is still given, then it is over, or throws the error. */
  end(error?: MicroError): void;
  /** Nothing is given any more. */
  close(): void;
}

export interface WaitingInit {
  readonly name: string;
  readonly log: Log;
  readonly options: Pick<ConnectOptions, "heeds" | "onUntaken">;
  /** For a network that can be kept waiting: is begun when it is half full here, and ended when half of that is gone. */
  readonly hold?: Hold | undefined;
}

/** How many messages wait, and how many characters in all of them: what people say is short, and a flood of books is held sooner. */
const WAITING_AT_MOST = 10_000;
const CHARACTERS_AT_MOST = 16 * 1024 * 1024;

/** For networks that give a message once: what is not kept here is lost. */
export function createWaiting({ name, log, options, hold }: WaitingInit): Waiting {
  const { heeds = () => true, onUntaken } = options;
  const queue = createQueue<IncomingMessage>(WAITING_AT_MOST);
  let characters = 0;
  let over = false;
  let closed = false;
  /** 1 is all that there is. */
  const full = () => Math.max(queue.size / WAITING_AT_MOST, characters / CHARACTERS_AT_MOST);

  const end = (error?: MicroError) => {
    over = true;
    hold?.end();
    queue.end(error);
  };
  return {
    take: (message) => {
      if (over || !heeds(message)) return;
      if (full() >= 1) {
        log.debug({ id: message.id, room: message.place.room }, `${name}: too much at once, a message was not taken`);
        onUntaken?.(message);
        return;
      }
      if (!queue.push(message)) return;
      characters += message.text.length;
      if (full() >= 0.5) hold?.begin();
    },
    end,
    close: () => {
      closed = true;
      end();
    },
    async *[Symbol.asyncIterator]() {
      if (closed) return;
      for await (const message of queue) {
        if (closed) return;
        characters -= message.text.length;
        if (full() <= 0.25) hold?.end();
        yield message;
      }
    },
  };
}
