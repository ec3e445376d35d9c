import { chatLine, type Line } from "../../commands/line.ts";
import type { Clock } from "../../core/clock.ts";
import { MicroError } from "../../core/errors.ts";
import { type Context, type Layer, say } from "../context.ts";

interface Pending {
  readonly line: Line;
  readonly expiresAt: number;
}

/**
 * Asks before a command that changes things, and takes the answer: `yes` or `no`, from the same caller in the same room,
 * for exactly the line that was shown, once, in time.
 *
 * Two layers: `heard` stands before the line is understood, `ask` after the caller was found to be allowed.
 */
export function confirm(clock: Clock, name: string, waitMs = 120_000): { readonly heard: Layer; readonly ask: Layer } {
  const pending = new Map<string, Pending>();
  const key = ({ caller, message }: Context) => `${caller} ${message.place.room}`;
  return {
    heard: async (context, next) => {
      const word = context.line.text.trim().toLowerCase();
      if (word !== "yes" && word !== "no") return next(context);
      const asked = pending.get(key(context));
      pending.delete(key(context));
      if (asked === undefined || asked.expiresAt < clock.now()) {
        throw new MicroError("not_found", `there is nothing of yours to say ${word} to; say the command again`);
      }
      if (word === "no") return say(`not done: ${asked.line.text}`);
      return next({ ...context, line: asked.line, confirmed: true });
    },
    ask: async (context, next) => {
      const command = context.run?.command;
      if (context.confirmed || command?.effect !== "write" || command.confirm === false) return next(context);
      for (const [old, { expiresAt }] of pending) if (expiresAt < clock.now()) pending.delete(old);
      pending.set(key(context), { line: chatLine(context.line.text), expiresAt: clock.now() + waitMs });
      return say(
        `this changes things: ${context.line.text}\nsay \`${name} yes\` within ${Math.round(waitMs / 60_000)} minutes to do it, \`${name} no\` to drop it`,
      );
    },
  };
}
