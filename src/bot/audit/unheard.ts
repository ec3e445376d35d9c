/** So many people are counted at once. */
const PEOPLE = 1000;

/** Counts the messages of each person that nobody listened to, until a record of theirs can tell. */
export function createUnheard() {
  const counts = new Map<string, number>();
  return {
    add: (person: string): void => {
      if (counts.size >= PEOPLE && !counts.has(person)) return;
      counts.set(person, (counts.get(person) ?? 0) + 1);
    },
    take: (person: string): number => {
      const count = counts.get(person) ?? 0;
      if (count > 0) counts.delete(person);
      return count;
    },
  };
}
