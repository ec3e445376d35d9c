import type { IncomingMessage } from "../input.ts";
import { pieces } from "../slack/markup.ts";
import type { Said } from "./protocol.ts";
import type { Markup } from "./render.ts";

/**
 * What an adapter gave, as a message of ours. Hubot vouches for nobody, and many adapters make an id of a nick
 * (`chat.md §6`, "Identity confusion"); so who speaks is known only where the adapter is trusted.
 */
export function messageOf(said: Said, trusted: boolean, markup: Markup): IncomingMessage {
  // Slack's adapters write `http://example.com` for who typed `example.com`.
  const typed = markup === "slack" && said.raw !== undefined ? join(pieces(said.raw)) : said.text;
  const words = addressed(typed, said.names);
  const id = trusted ? said.user : undefined;
  return {
    id: said.id,
    from: { id, name: said.name ?? said.user ?? "somebody", guest: said.guest || id === undefined },
    place: {
      room: roomOf(said),
      key: said.key,
      at: said.room,
      user: said.user,
      name: said.name,
    },
    text: words ?? typed,
    // Adapters give no room to what was said to the robot alone, or put its name before it.
    addressed: words !== undefined || said.room === undefined,
    sentAt: said.sentAt,
  };
}

/**
 * What was said to the robot alone is in a room that is called after who said it. Adapters call their rooms as they like, so one
 * that reads like that is told apart by a `=`, and so is the talk of who has a name only: that is nobody's id.
 */
function roomOf({ room, user, name = "" }: Said): string {
  if (room !== undefined) return /^[@=]/.test(room) ? `=${room}` : room;
  return user === undefined ? `=?${name}` : `@${user}`;
}

function join(found: ReturnType<typeof pieces>): string {
  return found.map((piece) => piece.text).join("");
}

/**
 * What follows the robot's name at the beginning, as Hubot writes it (`@name: `, `name, `, `name `). Unlike Hubot's
 * pattern it wants the name to end there: `microscope` is another word (`chat.md §1`).
 */
function addressed(text: string, names: readonly string[]): string | undefined {
  for (const name of names) {
    const start = /^\s*@?/.exec(text)?.[0].length ?? 0;
    for (const at of [start, text.length - text.trimStart().length]) {
      if (text.slice(at, at + name.length).toLowerCase() !== name.toLowerCase()) continue;
      const rest = text.slice(at + name.length);
      // An alias such as `!` needs nothing after it.
      if (rest === "" || /^[\s:,]/.test(rest) || !/\w$/.test(name)) return rest.replace(/^\s*[:,]?\s*/, "");
    }
  }
  return undefined;
}
