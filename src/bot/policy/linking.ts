import { createHash, randomInt } from "node:crypto";
import type { Linking, LinkStep } from "../../commands/link.ts";
import type { Clock } from "../../core/clock.ts";
import { MicroError } from "../../core/errors.ts";
import type { Kv } from "../../platform/kv/kv.ts";
import type { Policy } from "../policy.ts";
import type { Accounts } from "./accounts.ts";

/** Without those that are taken for one another. */
const LETTERS = "23456789ABCDEFGHJKMNPQRSTVWXYZ";
const TEN_MINUTES = 600_000;
/** Offers that are open at once; more are none of people. */
const MOST = 1000;

export interface LinkingInit {
  readonly kv: Kv;
  readonly clock: Clock;
  readonly accounts: Accounts;
  readonly policy: Policy;
  /** @default 600000 */
  readonly validMs?: number;
}

interface Offer {
  readonly from: string;
  readonly until: number;
  /** Who typed the code first, on another network. */
  readonly to?: string;
  /** Who of the two has named the other. */
  readonly named: readonly string[];
}

/**
 * Two ids become one person when both have said so: a code that one of them was shown is typed by the other, and each names
 * the other's id. So a code that somebody has looked over is of no use, and nobody is linked with a stranger by typing what
 * they were sent without being told with whom.
 */
export function createLinking({ kv, clock, accounts, policy, validMs = TEN_MINUTES }: LinkingInit): Linking {
  const personOf = (caller: string) => policy.personOf?.(caller) ?? caller;
  const read = async (code: string, signal: AbortSignal) => {
    const entry = await kv.get(keyOf(code), { signal });
    const offer = entry && (JSON.parse(entry.value) as Offer);
    if (entry === undefined || offer === undefined || offer.until <= clock.now()) {
      if (entry) await kv.delete(entry.key, { signal, revision: entry.revision });
      throw new MicroError("not_found", "there is no such code, or it is too old; say `link` for another");
    }
    return { entry, offer };
  };
  const changed = () => new MicroError("conflict", "somebody else has just used that code; say `link` for another");

  return {
    offer: async ({ caller }, signal): Promise<LinkStep> => {
      const open = await kv.list("people.codes.", { signal });
      const old = open.filter(({ value }) => {
        const { until, from } = JSON.parse(value) as Offer;
        return until <= clock.now() || from === caller;
      });
      for (const { key } of old) await kv.delete(key, { signal });
      if (open.length - old.length >= MOST)
        throw new MicroError("exhausted", "too many codes are open; try again later");
      const code = newCode();
      const offer: Offer = { from: caller, until: clock.now() + validMs, named: [] };
      if ((await kv.create(keyOf(code), JSON.stringify(offer), { signal })) === undefined) throw changed();
      return { step: "offered", code, minutes: Math.round(validMs / 60_000), caller };
    },
    take: async ({ caller }, code, other, signal): Promise<LinkStep> => {
      const { entry, offer } = await read(code, signal);
      const { from, to } = offer;
      if (caller === from && to === undefined) {
        throw new MicroError(
          "invalid_argument",
          "say that on the other network, as who you are there; you are this one already",
        );
      }
      if (caller !== from && to !== undefined && caller !== to) {
        await kv.delete(entry.key, { signal });
        throw new MicroError(
          "conflict",
          "two have typed that code, so it is void; say `link` for another, where nobody reads along",
        );
      }
      const partner = caller === from ? (to as string) : from;
      if (other !== undefined && other !== partner) {
        throw new MicroError("invalid_argument", `that code is not for ${other}, but for ${partner}`);
      }
      checkApart(caller, partner);
      const named = other === undefined ? offer.named : [...new Set([...offer.named, caller])];
      if (named.length === 2) {
        // The code is gone before the link is there: it works once, whatever fails.
        if (!(await kv.delete(entry.key, { signal, revision: entry.revision }))) throw changed();
        const ids = await accounts.join(from, partner === from ? caller : partner, signal);
        return { step: "linked", ids, person: personOf(from) === from ? personOf(ids[1] as string) : personOf(from) };
      }
      const next: Offer = { ...offer, to: caller === from ? (to as string) : caller, named };
      if ((await kv.update(entry.key, JSON.stringify(next), entry.revision, { signal })) === undefined) throw changed();
      const step = other === undefined ? "named" : "half";
      return { step, code: shown(code), by: partner, caller };
    },
    leave: async ({ caller }, id, signal) => {
      if (id !== caller && !accounts.idsOf(caller).includes(id)) {
        throw new MicroError("not_found", `${id} is not one of yours`);
      }
      return accounts.part(id, signal);
    },
  };

  /** The policy file says who two different people are, and nobody can say otherwise. */
  function checkApart(one: string, other: string): void {
    const [first, second] = [personOf(one), personOf(other)];
    if (first === second) throw new MicroError("conflict", `${one} and ${other} are one person already`);
    if (first !== one && second !== other && !first.includes(":") && !second.includes(":")) {
      throw new MicroError(
        "permission_denied",
        `the policy file says that ${one} is ${first} and ${other} is ${second}`,
      );
    }
  }
}

function newCode(): string {
  const letters = Array.from({ length: 8 }, () => LETTERS[randomInt(LETTERS.length)]);
  return shown(letters.join(""));
}

function plain(code: string): string {
  return code.toUpperCase().replace(/[^A-Z0-9]/g, "");
}

function shown(code: string): string {
  const letters = plain(code);
  return `${letters.slice(0, 4)}-${letters.slice(4)}`;
}

/** A store is read by others, too, and a code is as good as a password while it is valid. */
function keyOf(code: string): string {
  return `people.codes.${createHash("sha256").update(plain(code)).digest("hex")}`;
}
