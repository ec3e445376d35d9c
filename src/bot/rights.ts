import type { AnyCommand } from "../commands/command.ts";
import type { House } from "../commands/house.ts";
import type { Clock } from "../core/clock.ts";
import type { Context } from "./context.ts";
import { roomOf } from "./long.ts";
import { callerOf, isGuest } from "./people.ts";
import type { Asked, Policy, Request } from "./policy.ts";

/** What the policy is asked beside the line that somebody has just said. */
export interface Rights extends Pick<House, "mayStill"> {
  /** Whether who said a message may run a command in some circumstance, on something. */
  mayRun(context: Context, command: Asked): boolean;
  /** Whether they may run it on that service, in that room, now. */
  mayRunOn(context: Context, command: Asked & Pick<AnyCommand, "name">, service: string): boolean;
}

export function createRights(policy: Policy, clock: Clock): Rights {
  return {
    mayRun: (context, command) => policy.allows(context.caller, isGuest(context), command),
    mayRunOn: (context, command, target) => {
      const room = roomOf(context.input.name, context.message.place.room);
      const who = { caller: context.caller, guest: isGuest(context), room };
      return mayAlone(policy, { ...who, command, target, at: clock.now() });
    },
    mayStill: ({ input, from, place }, command, target) => {
      const caller = callerOf(input, from.id);
      const guest = from.guest || from.id === undefined;
      if (target === undefined) return policy.allows(caller, guest, command);
      const room = roomOf(input, place.room);
      return mayAlone(policy, { caller, guest, command, room, target, at: clock.now() });
    },
  };
}

/** Whether the policy allows it, and wants nobody's approval first. */
export function mayAlone(policy: Pick<Policy, "decide">, request: Request): boolean {
  const { allowed, approvals } = policy.decide(request);
  return allowed && approvals === undefined;
}
