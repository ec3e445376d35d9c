import { parse as parseYaml } from "yaml";
import { z } from "zod";
import type { AnyCommand } from "../commands/command.ts";
import { MicroError } from "../core/errors.ts";
import { createPeople, peopleSchema } from "./people.ts";

/** One thing that somebody wants to do, as rules see it. */
export interface Request {
  readonly caller: string;
  /** The network does not vouch for the caller, or calls them a stranger. */
  readonly guest: boolean;
  readonly command: Pick<AnyCommand, "name" | "permission" | "effect">;
  /** The name of the service it acts on; absent where it acts on none. */
  readonly target?: string;
  /** Its typed arguments. */
  readonly input?: Readonly<Record<string, unknown>>;
  /** `slack:C02`: the network and the room's id; absent on the command line. */
  readonly room?: string;
  /** Epoch ms. */
  readonly at: number;
}

/** What a policy says of a request, and why. */
export interface Decision {
  readonly allowed: boolean;
  /** The rule that decided, as it is written; `default` when none did. */
  readonly rule: string;
  /** For who asks: what is missing, and who can give it. */
  readonly why: string;
  /** So many others of that role have to say yes first. */
  readonly approvals?: { readonly count: number; readonly role: string };
}

/** Who may do what. */
export interface Policy {
  decide(request: Request): Decision;
  /** @param guest the network does not vouch for the caller, or calls them a stranger */
  allows(caller: string, guest: boolean, command: Pick<AnyCommand, "permission" | "effect">): boolean;
  /** Who the caller is on every network: `ann` for each of her ids, else the caller. Nobody is linked when left out. */
  personOf?(caller: string): string;
  /** Whether the caller has that role now, as approvals ask (`Decision.approvals`). Nobody has any when left out. */
  hasRole?(caller: string, guest: boolean, role: string): boolean;
}

const pattern = z
  .string()
  .regex(/^[a-z*][\w-]*:[a-z*][\w-]*$/, { error: "a grant is area:verb, either may be *, as in registry:*" });

const schema = z.strictObject({
  /** Granted to everybody whom the network vouches for, beside all that changes nothing. */
  members: z.array(pattern).default([]),
  /** Granted to strangers too; nothing else is. */
  guests: z.array(pattern).default([]),
  /** Ids of one person on several networks; roles may name the person. */
  people: peopleSchema,
  roles: z
    .record(z.string(), z.strictObject({ members: z.array(z.string().min(3)), grants: z.array(pattern) }))
    .default({}),
});

type Rules = z.output<typeof schema>;

/**
 * What holds when no policy file is given: members may do what changes nothing, guests nothing, and whoever sits at this
 * machine's terminal may do what the `micro` command line lets them do anyway.
 * @param owners callers who have the bot's own powers already, such as the OS user that it runs as
 */
export function policyFor(owners: readonly string[]): Policy {
  return fromRules(schema.parse({ roles: { owners: { members: ["terminal:*", ...owners], grants: ["*:*"] } } }));
}

/** The policy of a bot that nobody owns beside its terminal. */
export const defaultPolicy: Policy = policyFor([]);

/**
 * A policy file.
 * @param name names the file in errors
 * @throws MicroError `invalid_argument` that says which entry is wrong
 */
export function readPolicy(text: string, name: string): Policy {
  let value: unknown;
  try {
    value = parseYaml(text) ?? {};
  } catch (error) {
    const line = (error as Error).message.split("\n")[0];
    throw new MicroError("invalid_argument", `policy ${name} is not YAML: ${line}`, { cause: error });
  }
  const checked = schema.safeParse(value);
  if (!checked.success) {
    const issue = checked.error.issues[0];
    throw new MicroError("invalid_argument", `policy ${name}, at ${issue?.path.join(".") || "top"}: ${issue?.message}`);
  }
  try {
    return fromRules(checked.data);
  } catch (error) {
    throw new MicroError("invalid_argument", `policy ${name}, at ${(error as Error).message}`, { cause: error });
  }
}

function fromRules(rules: Rules): Policy {
  const guests = new Set(rules.guests);
  const members = new Set(rules.members);
  const people = createPeople(rules.people);
  for (const [role, { members: named }] of Object.entries(rules.roles)) {
    const unknown = named.find((member) => !member.includes(":") && !people.has(member));
    if (unknown === undefined) continue;
    throw new MicroError(
      "invalid_argument",
      `roles.${role}.members: there is no person ${unknown} under people, and an id is input:id, as in slack:T01/U02`,
    );
  }
  const roles = Object.values(rules.roles).map((role) => ({ members: role.members, grants: new Set(role.grants) }));
  const policy: Policy = {
    decide: ({ caller, guest, command }) => {
      const allowed = policy.allows(caller, guest, command);
      const who = guest ? "you are a guest here, and guests need" : "you need";
      const why = `${who} the permission ${command.permission} for \`${command.name}\`; who runs this bot can grant it to ${caller} in its policy file`;
      return { allowed, rule: "default", why };
    },
    allows: (caller, guest, { permission, effect }) => {
      if (!guest && effect === "read") return true;
      if (granted(guests, permission) || (!guest && granted(members, permission))) return true;
      const person = people.personOf(caller);
      const named = (member: string) => member === person || names(member, caller, guest);
      return roles.some((role) => role.members.some(named) && granted(role.grants, permission));
    },
    personOf: people.personOf,
    hasRole: (caller, guest, role) => {
      const person = people.personOf(caller);
      const listed = Object.hasOwn(rules.roles, role) ? rules.roles[role]?.members : undefined;
      return listed?.some((member) => member === person || names(member, caller, guest)) ?? false;
    },
  };
  return policy;
}

function granted(grants: ReadonlySet<string>, permission: string): boolean {
  if (grants.has(permission) || grants.has("*:*")) return true;
  const [area, verb] = permission.split(":");
  return grants.has(`${area}:*`) || grants.has(`*:${verb}`);
}

/** `terminal:*` names every member on that input; a stranger is only ever named by their whole id. */
function names(member: string, caller: string, guest: boolean): boolean {
  return member === caller || (!guest && member.endsWith(":*") && caller.startsWith(member.slice(0, -1)));
}
