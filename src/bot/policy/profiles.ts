import type { People } from "../people.ts";
import type { PolicyFile } from "./file.ts";
import { folded } from "./glob.ts";

/** Somebody as rules see them: all that a rule may call them by. */
export interface Profile {
  /** Keys of `Rule.who` that mean them in a rule that allows. */
  readonly allow: ReadonlySet<string>;
  /** The same in one that denies or wants approvals: also their other ids, in any letters, and a stranger is among a network's people. */
  readonly deny: ReadonlySet<string>;
  readonly roles: ReadonlySet<string>;
}

export interface Profiles {
  of(caller: string, guest: boolean): Profile;
}

/** So many callers are remembered; after that all are looked up anew. */
const KEPT = 10_000;

/**
 * Whom a policy's words mean. A person is meant by their name and by the id they speak with; a whole network's people
 * (`slack:*`) only where the network vouches for them; a stranger by nothing but their whole id, `guests` and `anyone`.
 */
export function createProfiles(
  file: Pick<PolicyFile, "groups" | "roles" | "rules" | "people">,
  people: People,
): Profiles {
  const groups = Object.entries(file.groups);
  const roles = Object.entries(file.roles);
  const wilds = wildcards(file);
  const alike = byLetters(file);
  const made = new Map<string, Profile>();

  const keysOf = (own: readonly string[], caller: string, vouched: boolean) => {
    const keys = new Set(own);
    if (vouched) for (const wild of wilds) if (caller.startsWith(wild.slice(0, -1))) keys.add(wild);
    // Groups may be members of groups, in any order.
    for (let before = -1; before !== keys.size; ) {
      before = keys.size;
      for (const [group, members] of groups) if (members.some((one) => keys.has(one))) keys.add(`group:${group}`);
    }
    for (const [role, { members }] of roles) if (members.some((one) => keys.has(one))) keys.add(`role:${role}`);
    return keys;
  };
  const make = (caller: string, guest: boolean): Profile => {
    const person = people.personOf(caller);
    const all = guest ? ["guests", "anyone"] : ["members", "anyone"];
    const allow = keysOf([caller, person, ...all], caller, !guest);
    // To many networks an id in other letters is the same, and some hand it on as it was typed.
    const own = [caller, ...(people.idsOf?.(caller) ?? [])].flatMap((id) => [id, ...(alike.get(folded(id)) ?? [])]);
    const ids = [...new Set(own.flatMap((id) => [id, ...(people.idsOf?.(id) ?? [])]))];
    const deny = keysOf([person, ...ids, ...ids.map(people.personOf), ...all], caller, true);
    const held = roles.map(([role]) => role).filter((role) => allow.has(`role:${role}`));
    return { allow, deny, roles: new Set(held) };
  };
  return {
    of: (caller, guest) => {
      const key = `${guest ? "?" : "!"}${people.version?.() ?? 0} ${caller}`;
      let profile = made.get(key);
      if (profile === undefined) {
        if (made.size >= KEPT) made.clear();
        profile = make(caller, guest);
        made.set(key, profile);
      }
      return profile;
    },
  };
}

/** Every `slack:*` that the file names, in lists or rules. */
function wildcards(file: Pick<PolicyFile, "groups" | "roles" | "rules">): readonly string[] {
  return [...new Set(named(file).filter((one) => one.endsWith(":*")))];
}

/** The ids that the file names, by what they are in small letters. */
function byLetters(file: Pick<PolicyFile, "groups" | "roles" | "rules" | "people">): Map<string, readonly string[]> {
  const ids = [...named(file), ...Object.values(file.people).flat()].filter((one) => /^(?!role:|group:).*:/s.test(one));
  const found = new Map<string, readonly string[]>();
  for (const id of new Set(ids)) found.set(folded(id), [...(found.get(folded(id)) ?? []), id]);
  return found;
}

/** All that lists and rules name. */
function named(file: Pick<PolicyFile, "groups" | "roles" | "rules">): readonly string[] {
  const lists = [...Object.values(file.groups), ...Object.values(file.roles).map(({ members }) => members)];
  return [...lists.flat(), ...file.rules.flatMap(({ who }) => who)];
}
