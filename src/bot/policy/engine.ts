import { createPeople, type People } from "../people.ts";
import type { Policy, Request } from "../policy.ts";
import type { PolicyFile } from "./file.ts";
import { like } from "./glob.ts";
import { type Facts, factsOf, partsOf } from "./match.ts";
import { checkCommands, knownTo } from "./mentioned.ts";
import { createProfiles, type Profile } from "./profiles.ts";
import { whyDenied, whyRefused } from "./reasons.ts";
import type { Rule } from "./rule.ts";
import { createShelf, type Ready, type Shelf } from "./shelf.ts";

type Asked = Pick<Request["command"], "permission" | "effect"> &
  Partial<Pick<Request["command"], "name" | "aliases" | "boundAs">>;

export interface EngineInit {
  /** Names the file in reasons; left out where there is none. */
  readonly file?: string;
  /** Ids that people have linked themselves (`links.ts`). */
  readonly linked?: Linked;
}

/** Ids that belong to one person by their own word on both networks. */
export interface Linked {
  /** The ids of the caller's person, the first of them first; empty for who is not linked. */
  idsOf(caller: string): readonly string[];
  /** The ids that were linked with the caller's in the last day and are no more. */
  wereOf?(caller: string): readonly string[];
  /** Another number after every change. */
  version(): number;
}

/**
 * A policy's rules, decided in this order: a rule that denies, a rule that wants approvals, a rule that allows, a grant, and
 * what holds without any of them: members may do what changes nothing and say who they are. Their order in the file means
 * nothing.
 *
 * A rule is looked for among those that name the caller and the command, which are remembered for each; so a decision costs
 * what is said about this person and this command, and not what the file holds.
 */
export function createEngine(file: PolicyFile, { file: name, linked }: EngineInit = {}): Policy {
  const people = withLinks(createPeople(file.people), linked);
  const profiles = createProfiles(file, people);
  const ruled = new WeakMap<Profile, Map<string, Shelf>>();
  const bySubject = new Map<string, Ready[]>();
  const ready = file.rules.map(
    (rule): Ready => ({ rule, parts: partsOf(rule), ...(rule.approvals && { wide: partsOf(rule, true) }) }),
  );
  /** Those that deny or want approvals, as they are for whom they allow nothing. */
  const binding = new Map<Ready, Ready>();
  for (const one of ready) {
    if (one.rule.effect === "deny") binding.set(one, one);
    else if (one.wide) binding.set(one, { ...one, binds: true });
    for (const key of one.rule.who) {
      const rules = bySubject.get(key);
      if (rules) rules.push(one);
      else bySubject.set(key, [one]);
    }
  }
  const roles = Object.entries(file.roles);

  /** The rules that speak of this person and this command. */
  const rulesFor = (profile: Profile, command: Asked): Shelf => {
    const commands = ruled.get(profile) ?? new Map<string, Shelf>();
    ruled.set(profile, commands);
    const key = `${command.name} ${command.permission}`;
    const known = commands.get(key);
    if (known) return known;
    const found = new Map<Rule, Ready>();
    // What denies or wants approvals binds a person with all their ids; only what allows is about the id that speaks.
    for (const subject of profile.deny) {
      for (const one of bySubject.get(subject) ?? []) {
        const bound = binding.get(one);
        if (bound !== undefined && binds(one.rule, command)) found.set(one.rule, bound);
      }
    }
    for (const subject of profile.allow) {
      for (const one of bySubject.get(subject) ?? []) {
        if (one.rule.effect === "allow" && speaksOf(one.rule, command)) found.set(one.rule, one);
      }
    }
    const shelf = createShelf([...found.values()]);
    commands.set(key, shelf);
    return shelf;
  };
  /** What is granted by permission, as it is written in the file. */
  const grantOf = (profile: Profile, guest: boolean, permission: string): string | undefined => {
    if (granted(file.guests, permission)) return "guests";
    if (!guest && granted(file.members, permission)) return "members";
    const role = roles.find(([role, { grants }]) => profile.roles.has(role) && granted(grants, permission));
    return role && `roles.${role[0]}.grants`;
  };
  /** What allows a request, but for the approvals that it needs. */
  const permit = (profile: Profile, { guest, command }: Request, allowing: Rule | undefined) => {
    if (allowing) return { rule: allowing.text, why: `allowed by \`${allowing.text}\`` };
    const grant = grantOf(profile, guest, command.permission);
    if (grant !== undefined) return { rule: grant, why: `allowed by ${grant} of the policy` };
    if (guest || !isOpen(command)) return;
    const what = command.effect === "read" ? "what changes nothing" : "this for their own accounts";
    return { rule: "default", why: `all members may do ${what}` };
  };
  const reason = (request: Request, facts: Facts, own: Shelf): string => {
    const near = ready
      .filter(({ rule }) => rule.effect === "allow" && speaksOf(rule, request.command))
      .map((one) => {
        const misfits = one.parts.filter((part) => !part.fits(facts)).map(({ aspect }) => aspect);
        return { rule: one.rule, named: own.all.includes(one), misfits };
      });
    return whyRefused({ request, file: name, near });
  };

  return {
    decide: (request) => {
      const { caller, guest, command } = request;
      const profile = profiles.of(caller, guest);
      const rules = rulesFor(profile, command);
      const facts = factsOf(request);
      let allowing: Rule | undefined;
      let wanting: Rule | undefined;
      for (const list of rules.about(facts)) {
        for (const { rule, parts, wide, binds } of list) {
          const fits = parts.every((part) => part.fits(facts));
          if (fits && rule.effect === "deny") {
            return { allowed: false, rule: rule.text, why: whyDenied(rule, { request, file: name }) };
          }
          if (fits && !binds && (allowing === undefined || isStricter(rule, allowing))) allowing = rule;
          if (wide === undefined || !(fits || wide.every((part) => part.fits(facts)))) continue;
          if (wanting === undefined || isStricter(rule, wanting)) wanting = rule;
        }
      }
      const permitted = permit(profile, request, allowing);
      if (permitted) {
        if (wanting?.approvals === undefined) return { allowed: true, ...permitted };
        const { text, approvals } = wanting;
        const why = wanting === allowing ? permitted.why : `${permitted.why}, approved as \`${text}\` wants it`;
        return { allowed: true, rule: text, why, approvals };
      }
      return {
        allowed: false,
        rule: "default",
        // Looks at every rule there is, which nobody needs who only wants to know whether.
        get why() {
          return reason(request, facts, rules);
        },
      };
    },
    allows: (caller, guest, command) => {
      const profile = profiles.of(caller, guest);
      const rules = rulesFor(profile, command);
      if (rules.all.some(({ rule }) => rule.effect === "deny" && isUnconditional(rule))) return false;
      if (rules.all.some(({ rule, binds }) => rule.effect === "allow" && !binds)) return true;
      return (!guest && isOpen(command)) || grantOf(profile, guest, command.permission) !== undefined;
    },
    personOf: people.personOf,
    idsOf: (caller) => {
      // Also those that are linked with one of those: the file links some, and people others.
      const all = new Set([caller]);
      for (const one of all) for (const id of people.idsOf?.(one) ?? []) all.add(id);
      return [...all];
    },
    wereOf: (caller) => {
      const all = new Set([caller]);
      for (const one of all) {
        for (const id of [...(people.idsOf?.(one) ?? []), ...(linked?.wereOf?.(one) ?? [])]) all.add(id);
      }
      return [...all];
    },
    hasRole: (caller, guest, role) => profiles.of(caller, guest).roles.has(role),
    known: () => knownTo(file),
    check: (known) => checkCommands(file, known),
  };
}

function withLinks(people: People, linked: Linked | undefined): People {
  if (linked === undefined) return people;
  return {
    ...people,
    // The file's word counts before people's own.
    personOf: (caller) => {
      const known = people.personOf(caller);
      if (known !== caller) return known;
      const ids = linked.idsOf(caller);
      const named = new Set(ids.map(people.personOf).filter((person) => people.has(person)));
      if (named.size > 1) return caller;
      return [...named][0] ?? ids[0] ?? caller;
    },
    // All that the file or a link makes one with another: whichever of them a link joins, none of the others is lost.
    idsOf: (caller) => {
      const found = new Set([caller]);
      // A set walks also over what is added meanwhile.
      for (const id of found) for (const one of [...(people.idsOf?.(id) ?? []), ...linked.idsOf(id)]) found.add(one);
      return [...found];
    },
    version: linked.version,
  };
}

/** What members may do unless a rule denies it: what changes nothing, and to say who they are themselves (`link`). */
function isOpen({ effect, permission }: Asked): boolean {
  return effect === "read" || permission === "bot:link";
}

function speaksOf({ what }: Rule, { name, aliases = [], permission }: Asked): boolean {
  return what.some((one) => {
    if (one === "*") return true;
    if (one.includes(":")) return grants(one, permission);
    return [name, ...aliases].some((called) => called !== undefined && like(called, one));
  });
}

/** Whether a rule that denies or wants approvals for what it speaks of does so for this command, too. */
function binds(rule: Rule, command: Asked): boolean {
  const { aliases = [], boundAs = [] } = command;
  return speaksOf(rule, { ...command, aliases: [...aliases, ...boundAs] });
}

/** Who is named by a rule that wants approvals gets around it by no other; among equals the first in the file counts. */
function isStricter(one: Rule, other: Rule): boolean {
  const more = (one.approvals?.count ?? 0) - (other.approvals?.count ?? 0);
  return more > 0 || (more === 0 && one.line < other.line);
}

function isUnconditional({ targets, rooms, hours, tests }: Rule): boolean {
  return (
    targets.every(({ service, endpoint }) => service === "*" && endpoint === undefined) &&
    rooms.length === 0 &&
    hours === undefined &&
    tests.length === 0
  );
}

function granted(patterns: readonly string[], permission: string): boolean {
  return patterns.some((one) => grants(one, permission));
}

/** `registry:*` covers `registry:write`. */
function grants(pattern: string, permission: string): boolean {
  const [area, verb] = permission.split(":");
  const [patternArea, patternVerb] = pattern.split(":");
  return (patternArea === "*" || patternArea === area) && (patternVerb === "*" || patternVerb === verb);
}
