import { MicroError } from "../../core/errors.ts";
import type { Context, Layer } from "../context.ts";
import type { Policy } from "../policy.ts";

/** Lets through what the policy grants; a refusal names the permission that is missing. */
export function authorize(policy: Policy): Layer {
  return async (context, next) => {
    const command = context.run?.command;
    if (command === undefined || policy.allows(context.caller, isGuest(context), command)) return next(context);
    const who = isGuest(context) ? "you are a guest here, and guests need" : "you need";
    throw new MicroError(
      "permission_denied",
      `${who} the permission ${command.permission} for \`${command.name}\`; who runs this bot can grant it to ${context.caller} in its policy file`,
    );
  };
}

/** Nobody vouches for them, or the network calls them a stranger. */
export function isGuest({ message }: Context): boolean {
  return message.from.guest || message.from.id === undefined;
}
