import type { Touched } from "../../commands/command.ts";
import type { Speaker } from "../../commands/speaker.ts";
import type { Place } from "../../inputs/input.ts";
import type { Context } from "../context.ts";
import { folded } from "../policy/glob.ts";
import type { Policy } from "../policy.ts";

/** Somebody who asked or said yes, as their network vouched for them then. */
export interface Who extends Speaker {
  readonly name: string;
  /** The network called them a stranger, or did not vouch for them. */
  readonly guest: boolean;
}

/** A yes of an approver. */
export interface Vote extends Who {
  /** Epoch ms. */
  readonly at: number;
}

/** What became of it. */
export interface Fate {
  readonly kind: "approved" | "dropped" | "expired" | "void";
  /** Who decided what and when, for people. */
  readonly text: string;
  /** How the command ended, once it did: `ok` or the code of its error. */
  readonly ended?: string;
}

/** A line that waits for its yes, or did. Survives JSON. */
export interface Pending {
  /** Six hex digits, for typing. */
  readonly id: string;
  /** The network and the message that asked. */
  readonly input: string;
  readonly place: Place;
  /** Exactly what will be carried out; once it is decided, as it may be shown. */
  readonly line: string;
  /** As it may be shown, where that is something else: its secrets are crossed out. */
  readonly told?: string;
  readonly asker: Who;
  /** Epoch ms. */
  readonly at: number;
  /** Orders those that one process asked in one millisecond. */
  readonly nth?: number;
  readonly expiresAt: number;
  /** What it showed, and the digest of that and of the arguments (`stateOf`). */
  readonly touched: readonly Touched[];
  /** Its command says what it touches, so that none is worth a word. */
  readonly seeks?: true;
  readonly state: string;
  /** Which command it was (`identityOf`): its name may be another's by now. */
  readonly which?: string;
  /** Absent: a yes of who asked is enough. */
  readonly approvals?: { readonly count: number; readonly role: string };
  readonly votes: readonly Vote[];
  /** Why it is to go without approvers. */
  readonly brokeGlass?: string;
  /** Which message of its network shows it (`OutgoingMessage.progress`), to change that when it is decided. */
  readonly shown?: string;
  readonly fate?: Fate;
}

/** The line as it may be shown. */
export function shownLine({ line, told }: Pick<Pending, "line" | "told">): string {
  return told ?? line;
}

export function whoOf({ message, caller, person = caller }: Context, policy: Pick<Policy, "idsOf">): Who {
  const { id, name, guest } = message.from;
  return { ...speakerOf({ id, caller, person }, policy), name, guest: guest || id === undefined };
}

/** Somebody with all that they are linked with now. */
export function speakerOf(
  { id, caller, person }: Pick<Speaker, "caller" | "person"> & { readonly id: string | undefined },
  policy: Pick<Policy, "idsOf">,
): Speaker {
  const ids = id === undefined ? [] : (policy.idsOf?.(caller) ?? []);
  return { ...(id !== undefined && { id }), caller, person, ...(ids.length > 1 && { ids }) };
}

/** Who somebody is by today's policy, which may have linked them since. Strangers are linked to nobody. */
export function personNow(policy: Pick<Policy, "personOf">, { id, caller, person }: Speaker): string {
  return id === undefined ? person : (policy.personOf?.(caller) ?? caller);
}

/**
 * Whether two are one person: by today's policy, by that of when either asked or said yes, or by a link that has ended since.
 * Else who asked could part one of their ids (`unlink`) and approve with it, or link one only to be known by another's rights.
 */
export function isSame(policy: Pick<Policy, "personOf" | "wereOf">, one: Speaker, other: Speaker): boolean {
  if (personNow(policy, one) === personNow(policy, other) || one.person === other.person) return true;
  const were = (who: Speaker, another: Speaker) =>
    another.id !== undefined && (who.ids?.includes(another.caller) ?? false);
  if (were(one, other) || were(other, one)) return true;
  const vouched = one.id !== undefined && other.id !== undefined;
  // Some networks hand an id on in whatever letters it was typed.
  if (vouched && folded(one.caller) === folded(other.caller)) return true;
  return vouched && (policy.wereOf?.(one.caller).includes(other.caller) ?? false);
}

/** Whose yes counts by today's policy: has the role, is not who asked, and each person once. */
export function counted(policy: Policy, pending: Pick<Pending, "asker" | "votes">, role: string): readonly Vote[] {
  const people: Who[] = [pending.asker];
  return pending.votes.filter((vote) => {
    if (people.some((one) => isSame(policy, one, vote)) || !mayApprove(policy, vote, role)) return false;
    people.push(vote);
    return true;
  });
}

/** Nobody who is vouched for by nobody approves anything. */
export function mayApprove(policy: Policy, { id, caller, guest }: Who, role: string): boolean {
  return id !== undefined && (policy.hasRole?.(caller, guest, role) ?? false);
}
