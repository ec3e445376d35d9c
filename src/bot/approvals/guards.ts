import { MicroError } from "../../core/errors.ts";
import type { Policy } from "../policy.ts";
import { isSame, mayApprove, type Pending, personNow, shownLine, type Who } from "./pending.ts";
import { expiredText, fateText, overText, whoIs } from "./words.ts";

/** Somebody's word on a request. */
export interface Said {
  readonly word: "yes" | "no";
  readonly who: Who;
  readonly input: string;
  readonly room: string;
  /** Epoch ms. */
  readonly now: number;
  readonly policy: Policy;
}

/** Says why that word does not count; `undefined`: it may. */
export type Guard = (pending: Pending, said: Said) => MicroError | undefined;

/** What stands between a word and what it would do ("Approval buttons" of `chat.md §6`), in the order in which they are asked. */
export interface Guards {
  readonly sameRoom: Guard;
  readonly undecided: Guard;
  readonly inTime: Guard;
  readonly rightPerson: Guard;
  /** Whether what it would touch is what it showed. */
  readonly sameState: (pending: Pending, state: string) => boolean;
}

export const guards: Guards = {
  sameRoom: (pending, { input, room, word }) => {
    if (pending.input === input && pending.place.room === room) return undefined;
    return new MicroError(
      "permission_denied",
      `${pending.id} was asked in another room, and ${word} is to be said to it there`,
    );
  },
  undecided: (pending) => pending.fate && new MicroError("conflict", overText(pending, fateText(pending.fate))),
  inTime: (pending, { now }) => {
    if (pending.expiresAt >= now) return undefined;
    return new MicroError("conflict", overText(pending, expiredText(pending)));
  },
  rightPerson: (pending, { word, who, policy }) => {
    const { asker, approvals } = pending;
    const line = shownLine(pending);
    // Who was linked with who asked and has parted since neither says their yes nor approves.
    const own =
      approvals === undefined ? personNow(policy, who) === personNow(policy, asker) : isSame(policy, who, asker);
    if (approvals === undefined) {
      if (own) return undefined;
      return new MicroError("permission_denied", `only ${whoIs(asker)} can say ${word} to this: ${line}`);
    }
    const { count, role } = approvals;
    if (own) {
      if (word === "no") return undefined;
      const others = count === 1 ? `another of the role ${role} has` : `${count} others of the role ${role} have`;
      return new MicroError("permission_denied", `you asked for it, so ${others} to say yes to it: ${line}`);
    }
    if (mayApprove(policy, who, role)) return undefined;
    return new MicroError(
      "permission_denied",
      `only the role ${role} can say ${word} to this, and ${who.caller} does not have it: ${line}`,
    );
  },
  sameState: ({ state }, now) => state === now,
};

/** @throws MicroError the first refusal */
export function check(all: Guards, pending: Pending, said: Said): void {
  for (const guard of [all.sameRoom, all.undecided, all.inTime, all.rightPerson]) {
    const refusal = guard(pending, said);
    if (refusal) throw refusal;
  }
}
