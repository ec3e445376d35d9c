import { MicroError } from "../../core/errors.ts";
import type { CallOptions } from "../../core/lifecycle.ts";
import type { Log } from "../../core/log.ts";
import type { Mark, Place } from "../input.ts";
import type { Web } from "./web.ts";

/** Puts reactions on messages. */
export interface Marks {
  /** @throws MicroError as the Web API does, but for `already_reacted`, `no_reaction` and a missing scope */
  put(web: Web, place: Place, mark: Mark, options?: CallOptions): Promise<void>;
}

/** In the order in which they come; names of Slack's emoji. */
const SIGNS: Readonly<Record<Mark, string>> = {
  taken: "eyes",
  waiting: "hourglass_flowing_sand",
  done: "white_check_mark",
  failed: "x",
};

/** How many messages' signs are remembered; of one that is forgotten, whatever it may bear is taken off. */
const REMEMBERED = 1000;

/**
 * Signs on messages, one at a time. The new one is put before the old one goes, so that there is no moment without.
 *
 * A message that bears none that we remember may still bear one: it was put before we were started anew.
 */
export function slackMarks(log: Log): Marks {
  const borne = new Map<string, Mark>();
  const unscoped = new WeakSet<Web>();

  const react = async (web: Web, how: "add" | "remove", at: Reaction, options: CallOptions): Promise<void> => {
    try {
      await web.call(`reactions.${how}`, (slack) => slack.reactions[how](at), options);
    } catch (thrown) {
      const error = MicroError.from(thrown);
      const word = error.details["slack"];
      if (word === "already_reacted" || word === "no_reaction") return;
      if (word !== "missing_scope") throw error;
      if (!unscoped.has(web)) log.warn({ reason: error.message }, "slack: no reactions are put on messages");
      unscoped.add(web);
    }
  };

  return {
    put: async (web, { channel, ts, team }, mark, options = {}) => {
      if (channel === undefined || ts === undefined || unscoped.has(web)) return;
      const key = `${team}/${channel}/${ts}`;
      const known = borne.get(key);
      if (known === mark) return;
      const at = (sign: Mark) => ({ channel, timestamp: ts, name: SIGNS[sign] });
      await react(web, "add", at(mark), options);
      borne.delete(key);
      if (mark !== "done" && mark !== "failed") borne.set(key, mark);
      for (const oldest of borne.keys()) {
        if (borne.size <= REMEMBERED) break;
        borne.delete(oldest);
      }
      for (const before of known === undefined ? earlier(mark) : [known]) {
        if (!unscoped.has(web)) await react(web, "remove", at(before), options);
      }
    },
  };
}

interface Reaction {
  readonly channel: string;
  readonly timestamp: string;
  readonly name: string;
}

/** What a message may bear when a sign is put on it. */
function earlier(mark: Mark): readonly Mark[] {
  if (mark === "taken") return [];
  return mark === "waiting" ? ["taken"] : ["taken", "waiting"];
}
