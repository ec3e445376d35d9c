import { z } from "zod";
import { MicroError } from "../core/errors.ts";
import type { Context } from "./context.ts";

/** Who a caller is: the same person on every network where the policy file says so. */
export interface People {
  /** `ann` for each of her ids; a caller whom nobody linked is only themselves. */
  personOf(caller: string): string;
  has(name: string): boolean;
  /** All ids of the caller's person; left out or empty where nobody is linked. */
  idsOf?(caller: string): readonly string[];
  /** Another number after every change; left out where nothing changes. */
  version?(): number;
}

const name = z.string().regex(/^[A-Za-z][\w.-]*$/, { error: "a person's name is a word, as in ann" });

/** `*` would make one person of many, and `guest` stands for everybody whom nobody vouches for. */
const id = z
  .string()
  .regex(/^[a-z][\w-]*:[^*]+$/, { error: "an id is input:id, as a refusal shows it (slack:T01/U02), without a *" })
  .refine((said) => !said.endsWith(":guest"), { error: "guest is everybody whom nobody vouches for, and no person" });

/** `people` of a policy file: each with the ids that networks guarantee for them. */
export const peopleSchema = z.record(name, z.array(id)).default({});

/** @throws MicroError `invalid_argument` when an id belongs to two people */
export function createPeople(linked: Readonly<Record<string, readonly string[]>>): People {
  const byId = new Map<string, string>();
  for (const [person, ids] of Object.entries(linked)) {
    for (const one of ids) {
      const other = byId.get(one);
      if (other !== undefined && other !== person) {
        throw new MicroError(
          "invalid_argument",
          `people: ${one} is both ${other} and ${person}; take it from one of them`,
        );
      }
      byId.set(one, person);
    }
  }
  const has = (person: string) => Object.hasOwn(linked, person);
  return {
    personOf: (caller) => byId.get(caller) ?? caller,
    has,
    idsOf: (caller) => linked[byId.get(caller) ?? ""] ?? [],
  };
}

/**
 * What a caller is called: the input and the id that it vouches for; `guest` when it vouches for nobody. An id that reads
 * like that (an OS user may be called so) is told apart by a `=`.
 */
export function callerOf(input: string, id: string | undefined): string {
  if (id === undefined) return `${input}:guest`;
  return `${input}:${/^(?:=|guest(?: |$))/.test(id) ? "=" : ""}${id}`;
}

/** Whom a message is from. Nobody can tell one stranger from another, so those in one room are one, but no more than that. */
function personOf({ caller, message }: Context, known: (caller: string) => string): string {
  return message.from.id === undefined ? `${caller} in ${message.place.room}` : known(caller);
}

/** Puts whom the policy knows the caller as beside them. */
export function withPerson(policy: { personOf?(caller: string): string }): (context: Context) => Context {
  return (context) => ({ ...context, person: personOf(context, (caller) => policy.personOf?.(caller) ?? caller) });
}

/** Two with the same name here may do each other's: cancel, confirm, read on. */
export function whose({ caller, person = caller }: Pick<Context, "caller" | "person">): string {
  return person;
}

/** Nobody vouches for them, or the network calls them a stranger. */
export function isGuest({ message }: Context): boolean {
  return message.from.guest || message.from.id === undefined;
}
