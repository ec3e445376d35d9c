import type { Clock } from "../../core/clock.ts";
import type { Log } from "../../core/log.ts";
import type { IncomingMessage, Standing } from "../input.ts";
import type { Self, Spoken } from "./message.ts";

/** What we read of `users.info`. */
export interface SlackUser {
  readonly name?: string;
  readonly real_name?: string;
  readonly team_id?: string;
  readonly is_bot?: boolean;
  readonly is_restricted?: boolean;
  readonly is_ultra_restricted?: boolean;
  readonly is_stranger?: boolean;
  readonly deleted?: boolean;
  readonly profile?: { readonly display_name?: string };
}

export interface Person extends Readonly<IncomingMessage["from"]> {
  readonly bot: boolean;
}

interface Known {
  readonly user: Promise<SlackUser | undefined>;
  until: number;
}

export interface People {
  /** Never throws: somebody who cannot be looked up is a guest. */
  who(message: Spoken): Promise<Person>;
  /** What somebody is now, by `team/user`. @throws MicroError as Slack does: nothing that is remembered counts */
  standing(id: string): Promise<Standing>;
}

/** A member stays one for five minutes; a look-up that failed is tried again after ten seconds. */
const FRESH_MS = 300_000;
const FAILED_MS = 10_000;
const MAX = 5000;

/** Who speaks, by `users.info`, remembered for a while. */
export function slackPeople(parts: {
  readonly self: Self;
  readonly clock: Clock;
  readonly log: Log;
  readonly lookUp: (user: string) => Promise<SlackUser>;
}): People {
  const { self, clock, log, lookUp } = parts;
  const known = new Map<string, Known>();

  const user = (id: string): Promise<SlackUser | undefined> => {
    const now = clock.now();
    const entry = known.get(id);
    if (entry !== undefined && entry.until > now) return entry.user;
    known.delete(id);
    if (known.size >= MAX) known.delete(known.keys().next().value as string);
    const fresh: Known = {
      user: lookUp(id).catch((error: Error) => {
        fresh.until = clock.now() + FAILED_MS;
        log.warn({ user: id, reason: error.message }, "slack: users.info failed, so this person counts as a guest");
        return undefined;
      }),
      until: now + FRESH_MS,
    };
    known.set(id, fresh);
    return fresh.user;
  };

  return {
    who: async (message) => {
      const found = await user(message.user);
      return {
        // Nobody speaks by an account that is gone, so whoever seems to has not what was granted to it.
        id: found?.deleted ? undefined : `${message.team}/${message.user}`,
        name: found?.profile?.display_name || found?.real_name || found?.name || message.user,
        guest: message.team !== self.team || found === undefined || isGuest(found, self),
        ...(message.team === self.team && found === undefined && { unsure: true }),
        bot: found?.is_bot === true,
      };
    },
    standing: async (id) => {
      const [team, person = ""] = id.split("/");
      const found = await lookUp(person);
      known.set(person, { user: Promise.resolve(found), until: clock.now() + FRESH_MS });
      if (found.deleted) return "gone";
      return team !== self.team || isGuest(found, self) ? "guest" : "member";
    },
  };
}

/**
 * An event does not always say whether its channel is shared with others, nor whose the speaker is. So a member is who
 * Slack names as one of ours, and nobody else (`chat.md §6`, outsiders in the room).
 */
function isGuest(user: SlackUser, self: Self): boolean {
  if (user.is_restricted || user.is_ultra_restricted || user.is_stranger || user.deleted) return true;
  return user.team_id !== self.team;
}
