import { targetOf } from "../../commands/target.ts";
import type { Clock } from "../../core/clock.ts";
import { MicroError } from "../../core/errors.ts";
import type { Context, Layer } from "../context.ts";
import { roomOf } from "../long.ts";
import { isGuest } from "../people.ts";
import type { Policy, Request } from "../policy.ts";

/** Lets through what the policy grants; a refusal says what is missing. */
export function authorize(policy: Policy, clock: Clock): Layer {
  return async (context, next) => {
    const request = requestOf(context, clock.now());
    if (request === undefined) return next(context);
    const decision = policy.decide(request);
    if (!decision.allowed) {
      const { message, input } = context;
      const why = message.from.unsure ? unsure(input.name) : decision.why;
      // For the audit; people are told why.
      throw new MicroError("permission_denied", why, { details: { rule: decision.rule } });
    }
    return next({ ...context, decision });
  };
}

/** Whoever it is may well be granted it: to be told that they are a guest would send them to the wrong person. */
function unsure(network: string): string {
  return `nothing was done: ${network} does not tell me just now who you are, and what guests may do is not enough for this; say it again in a moment, and if that stays so, who runs this bot finds the reason in its log`;
}

/** `undefined`: the line is no command. */
export function requestOf(context: Context, at: number): Request | undefined {
  const { run, caller, input, message } = context;
  if (run === undefined) return undefined;
  const target = targetOf(run.command, run.input);
  return {
    caller,
    guest: isGuest(context),
    command: run.command,
    ...(target !== undefined && { target }),
    input: run.input,
    room: roomOf(input.name, message.place.room),
    at,
  };
}
