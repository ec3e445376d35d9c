/** Who was told once that they are not listened to. */
export interface Told {
  /** Whether it is the first time. */
  first(person: string): boolean;
}

/** People who are forgotten when many others came after them are told again. */
const AT_MOST = 1000;

export function createTold(): Told {
  const people = new Set<string>();
  return {
    first: (person) => {
      if (people.has(person)) return false;
      people.add(person);
      if (people.size > AT_MOST) people.delete(people.values().next().value as string);
      return true;
    },
  };
}
