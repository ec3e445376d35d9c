import { randomUUID } from "node:crypto";
import { MicroError } from "../core/errors.ts";
import { createQueue } from "../core/queue.ts";
import { markupOf, render } from "../inputs/hubot/render.ts";
import type { IncomingMessage, Input } from "../inputs/input.ts";

/** What a script sees of the Hubot that loads it, whichever of its versions that is (`hubot.md §1`). */
export interface HubotRobot {
  readonly name: string;
  readonly adapterName?: string;
  readonly logger?: { readonly [level in "info" | "warn" | "error" | "warning"]?: (...words: unknown[]) => void };
  readonly brain?: { on(event: "close", listener: () => void): unknown };
  respond(pattern: RegExp, listener: (response: HubotResponse) => void): unknown;
}

/** What a listener is called with. */
export interface HubotResponse {
  readonly match: readonly (string | undefined)[];
  readonly message: {
    readonly id?: unknown;
    readonly room?: unknown;
    readonly user: { readonly id?: unknown; readonly name?: unknown };
  };
  /** A promise in newer versions. */
  send(...texts: string[]): unknown;
}

export interface HubotRoomInit {
  /** The word behind the robot's name: `hubot micro list services`. */
  readonly prefix: string;
  /** The network behind the adapter guarantees its users' ids; else everybody is a guest. */
  readonly trusted: boolean;
}

/** Messages that wait for the bot, and those that may still be answered. */
const WAITING = 200;
const KEPT = 1000;

/** Somebody else's Hubot as an input of the bot: it hears what stands behind one word, and answers through Hubot's own middleware. */
export function hubotRoom(robot: HubotRobot, { prefix, trusted }: HubotRoomInit): Input {
  const queue = createQueue<IncomingMessage>(WAITING);
  const answers = new Map<string, HubotResponse>();
  const escaped = prefix.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  robot.respond(new RegExp(`${escaped}(?:\\s+([\\s\\S]+))?$`, "i"), (response) => {
    const { message, match } = response;
    const key = randomUUID();
    answers.set(key, response);
    if (answers.size > KEPT) answers.delete(answers.keys().next().value as string);
    const user = textOf(message.user.id);
    const heard: IncomingMessage = {
      // Ids of adapters are not all unique; Hubot gives each message to its listeners once.
      id: key,
      from: {
        id: trusted ? user : undefined,
        name: textOf(message.user.name) ?? user ?? "somebody",
        guest: !trusted || user === undefined,
      },
      place: { room: textOf(message.room) ?? `@${user ?? "nobody"}`, key },
      text: match[1]?.trim() ?? "",
      addressed: true,
      sentAt: Date.now(),
    };
    if (queue.push(heard)) return;
    void say(response, `${prefix} has too much to do: this was not taken, say it again in a moment`);
  });
  return {
    name: "hubot",
    limits: { textLength: 2000, files: false, edits: false, buttons: false, pictures: false },
    replays: false,
    connect: async () => ({
      [Symbol.asyncIterator]: () => queue[Symbol.asyncIterator](),
      send: async ({ place, parts }) => {
        const response = answers.get(place["key"] ?? "");
        if (response === undefined)
          throw new MicroError("invalid_argument", "hubot: what this answers is not known any more");
        await say(response, render(parts, markupOf(robot.adapterName ?? "")));
      },
      close: async () => queue.end(),
      [Symbol.asyncDispose]: async () => queue.end(),
    }),
  };
}

/** @throws MicroError `unavailable` when the adapter could not send */
async function say(response: HubotResponse, text: string): Promise<void> {
  try {
    await response.send(text);
  } catch (error) {
    throw new MicroError("unavailable", `hubot: the adapter could not send (${MicroError.from(error).message})`);
  }
}

function textOf(value: unknown): string | undefined {
  const known = typeof value === "string" || typeof value === "number" || typeof value === "bigint";
  return known && String(value) !== "" ? String(value) : undefined;
}
