import { MicroError } from "../core/errors.ts";
import type { CommandContext } from "./command.ts";

/**
 * In chat topics are those of services. What brokers keep for themselves begins with `$` or `_`: stores, answers to calls, and
 * where a transport over the same broker hears its calls. So does what begins with any name at all.
 * @throws MicroError `invalid_argument`; never on the command line, whose user has the broker's address
 */
export function checkOwnTopic(topic: string, { oneShot }: Pick<CommandContext, "oneShot">): void {
  if (oneShot) return;
  if (/^[$_]/.test(topic)) {
    const words = `nothing was done: topics that begin with ${topic[0]} are the broker's own, and not for a chat`;
    throw new MicroError("invalid_argument", words);
  }
  if (/^[*>#+/]/.test(topic)) {
    const words = `nothing was done: ${topic} is also what the broker keeps for itself; say how the topics begin, as in orders.*`;
    throw new MicroError("invalid_argument", words);
  }
}

/** @throws MicroError `permission_denied`: who shares a queue takes messages away from others, and so changes something */
export function checkQueue(
  queue: string | undefined,
  { oneShot, mayRun }: Pick<CommandContext, "oneShot" | "mayRun">,
): void {
  if (queue === undefined || oneShot) return;
  if (mayRun({ name: "publish", permission: "topic:publish", effect: "write" })) return;
  const words =
    "nothing was done: who shares a queue takes messages away from its other subscribers, and that needs topic:publish";
  throw new MicroError("permission_denied", `${words}; without --queue you hear all of them and take none`);
}
