import type { BotInit } from "../bot/bot.ts";
import { LIMITS } from "../bot/limits/limits.ts";
import { OUTPUT_BYTES } from "../bot/limits/output.ts";
import { type Rate, rateText, readRate } from "../bot/limits/rate.ts";
import { integer, type Option, type Settings } from "./options.ts";

/** How much may be said to the bot, and by it. */
export const LIMIT_OPTIONS = {
  limit_person: rate(
    "MICRO_LIMIT_PERSON",
    "what one person may say: 30/10s, 30/10s,5 for 5 at once, none",
    LIMITS.person,
  ),
  limit_guest: rate("MICRO_LIMIT_GUEST", "what one stranger may say", LIMITS.guest),
  limit_room: rate("MICRO_LIMIT_ROOM", "what all in one room may say", LIMITS.room),
  limit_command: rate("MICRO_LIMIT_COMMAND", "how often one command may be run by all", LIMITS.command),
  limit_target: rate("MICRO_LIMIT_TARGET", "how often one service may be acted on by all", LIMITS.target),
  limit_jobs: integer(
    {
      env: "MICRO_LIMIT_JOBS",
      description: "how many commands of one network run at once, half of them for one person",
    },
    16,
  ),
  limit_going_on: integer(
    { env: "MICRO_LIMIT_GOING_ON", description: "how many that go on (stream, subscribe, logs) run beside those" },
    16,
  ),
  limit_waiting: integer({ env: "MICRO_LIMIT_WAITING", description: "how many may wait for their turn" }, 500),
  limit_output: integer(
    { env: "MICRO_LIMIT_OUTPUT", description: "how many bytes one command may say in all, 0 for no limit" },
    OUTPUT_BYTES,
  ),
};

/** Settings as a bot takes them. */
export function limitsOf(settings: Settings<typeof LIMIT_OPTIONS>): Pick<BotInit, "limit" | "order" | "outputBytes"> {
  return {
    limit: {
      person: readRate(settings.limit_person),
      guest: readRate(settings.limit_guest),
      room: readRate(settings.limit_room),
      command: readRate(settings.limit_command),
      target: readRate(settings.limit_target),
    },
    // None at all would be a bot that does nothing.
    order: {
      atOnce: Math.max(1, settings.limit_jobs),
      goingOn: settings.limit_going_on,
      waiting: Math.max(1, settings.limit_waiting),
    },
    outputBytes: settings.limit_output === 0 ? Number.POSITIVE_INFINITY : settings.limit_output,
  };
}

/** Kept as it is written, for help; a wrong one is refused where it is read. */
function rate(env: string, description: string, fallback: Rate): Option<string> {
  const read = (text: string) => {
    readRate(text);
    return text;
  };
  return { env, description, placeholder: "rate", fallback: rateText(fallback), read };
}
