import { randomInt } from "node:crypto";
import type { Line } from "../commands/line.ts";
import type { IncomingMessage, Input } from "../inputs/input.ts";
import type { Context } from "./context.ts";
import { callerOf } from "./people.ts";

/** Six hex digits that come round after 16 million; from anywhere, so that two bots' ids seldom meet in a service's log. */
export function createIds(): () => string {
  let last = randomInt(2 ** 24);
  return () => {
    last = (last + 1) % 2 ** 24;
    return last.toString(16).padStart(6, "0");
  };
}

/** A message as the first layer meets it. */
export function contextOf(input: Input, message: IncomingMessage, line: Line, id: string): Context {
  return {
    input,
    message,
    line,
    taken: () => {},
    caller: callerOf(input.name, message.from.id),
    id,
    show: async () => {},
    confirmed: false,
  };
}
