import type { Clock } from "../core/clock.ts";

/** Who was told once that they are not listened to. */
export interface Told {
  /** Whether it is the first time, and not too many were told just now: who comes in crowds is not answered one by one. */
  first(person: string): boolean;
}

/** People who are forgotten when many others came after them are told again. */
const AT_MOST = 1000;

/** So many are told in a minute. */
const A_MINUTE = 20;

export function createTold(clock: Clock): Told {
  const people = new Set<string>();
  let lately: readonly number[] = [];
  return {
    first: (person) => {
      if (people.has(person)) return false;
      const now = clock.now();
      lately = lately.filter((at) => at <= now && at > now - 60_000);
      if (lately.length >= A_MINUTE) return false;
      lately = [...lately, now];
      people.add(person);
      if (people.size > AT_MOST) people.delete(people.values().next().value as string);
      return true;
    },
  };
}
