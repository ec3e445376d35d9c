/** Turns of which nobody has more than their share. Whoever waited longest comes next, of those who may. */
export interface Turns {
  /** Resolves when it is their turn. */
  take(person: string): Promise<void>;
  leave(person: string): void;
}

/** @param count how many turns there are */
export function createTurns(count: number): Turns {
  const held = createCount();
  const waiting: { readonly person: string; readonly begin: () => void }[] = [];
  const mayBegin = ({ person }: { readonly person: string }) => held.all < count && held.of(person) < share(count);
  return {
    take: async (person) => {
      if (!mayBegin({ person })) await new Promise<void>((begin) => waiting.push({ person, begin }));
      else held.add(person, 1);
    },
    leave: (person) => {
      held.add(person, -1);
      const at = waiting.findIndex(mayBegin);
      const [next] = at < 0 ? [] : waiting.splice(at, 1);
      if (next === undefined) return;
      // Before they know, so that nobody comes in between.
      held.add(next.person, 1);
      next.begin();
    },
  };
}

/** How much of something one person may have, so that there is some for others. */
export function share(of: number): number {
  return Math.ceil(of / 2);
}

/** How many things there are, and how many of them are whose. */
export interface Count {
  readonly all: number;
  of(person: string): number;
  /** @param more 1 or -1 */
  add(person: string, more: number): void;
}

export function createCount(): Count {
  const counts = new Map<string, number>();
  let all = 0;
  return {
    get all() {
      return all;
    },
    of: (person) => counts.get(person) ?? 0,
    add: (person, more) => {
      all += more;
      const own = (counts.get(person) ?? 0) + more;
      if (own > 0) counts.set(person, own);
      else counts.delete(person);
    },
  };
}
