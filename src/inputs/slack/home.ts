import type { CallOptions } from "../../core/lifecycle.ts";
import type { OutgoingMessage, Place } from "../input.ts";
import { cutBlocks } from "./blocks.ts";
import type { EventPayload, Self, Spoken } from "./message.ts";
import type { Web } from "./web.ts";

/** What is said by opening the tab. */
const LINE = "help";

const MINUTE_MS = 60_000;

/**
 * Opening the bot's home tab as a message that asks for help (docs.slack.dev, "app_home_opened"). Slack tells of each
 * time, so all of one minute are one message.
 */
export function homeOpened({ team_id, event }: EventPayload, self: Self): Spoken | undefined {
  if (event?.type !== "app_home_opened" || event.tab !== "home" || !event.user) return undefined;
  const sentAt = stamp(event.event_ts);
  if (Number.isNaN(sentAt)) return undefined;
  return {
    id: `${self.team}/home/${event.user}/${Math.floor(sentAt / MINUTE_MS)}`,
    team: team_id ?? self.team,
    user: event.user,
    place: homeOf(self.team, event.user),
    text: LINE,
    addressed: true,
    sentAt,
  };
}

/** Somebody's home tab. What is said there takes the place of what was there before. */
export function homeOf(team: string, user: string, trigger?: string): Place {
  return { room: `home/${user}`, home: user, team, user, ...(trigger && { trigger }) };
}

/** Shows a message in a home tab; a file has no place there. Default 15000 ms. @throws as `post` does */
export async function publish(web: Web, home: string, message: OutgoingMessage, options: CallOptions): Promise<void> {
  const { parts, choices, file } = message;
  const note = { kind: "text", text: `${file?.name} does not fit here: ask in a direct message for it` } as const;
  const blocks = cutBlocks(file === undefined ? parts : [...parts, note], choices);
  await web.call("views.publish", (slack) => slack.views.publish({ user_id: home, view: { type: "home", blocks } }), {
    timeoutMs: 15_000,
    ...options,
  });
}

/** Epoch ms. Slack writes these stamps in seconds with a fraction, and here and there in microseconds without. */
function stamp(text: string | undefined): number {
  const number = Number(text || Number.NaN);
  return Math.floor(number > 1e12 ? number / 1000 : number * 1000);
}
