import { folded } from "./glob.ts";
import type { Facts, Part } from "./match.ts";
import { bared } from "./name.ts";
import type { Rule, Target } from "./rule.ts";

/** A rule and the parts that a request has to fit. */
export interface Ready {
  readonly rule: Rule;
  readonly parts: readonly Part[];
  /** The same for a rule that wants approvals, which fit as soon as they may. */
  readonly wide?: readonly Part[];
  /** It binds who asks, and allows them nothing: it speaks of another id of theirs, or of a command like this one. */
  readonly binds?: true;
}

/** Rules, put where a request finds those that may be about its service without looking at all others. */
export interface Shelf {
  readonly all: readonly Ready[];
  /** All that may fit, in no order. */
  about(facts: Pick<Facts, "target" | "elsewhere">): readonly (readonly Ready[])[];
}

export function createShelf(all: readonly Ready[]): Shelf {
  /** About any service, or services by a pattern. */
  const loose: Ready[] = [];
  const byService = new Map<string, Ready[]>();
  for (const ready of all) {
    const { targets } = ready.rule;
    const named = targets.length > 0 && targets.every(({ service }) => !service.includes("*"));
    if (!named) loose.push(ready);
    // Where rules find a name in other letters that fit as soon as they may, others are looked at once more, and do not fit.
    else for (const service of new Set(targets.flatMap(keysOf))) add(byService, service, ready);
  }
  const everything = [all];
  const others = [loose];
  return {
    all,
    about: ({ target, elsewhere }) => {
      if (elsewhere) return everything;
      if (target === undefined) return others;
      const { folded, bare } = target;
      const own = byService.get(folded);
      const trimmed = bare === folded ? undefined : byService.get(bare);
      if (trimmed) return own ? [loose, own, trimmed] : [loose, trimmed];
      return own ? [loose, own] : others;
    },
  };
}

function keysOf({ service }: Target): readonly string[] {
  const small = folded(service);
  return [small, bared(small)];
}

function add(lists: Map<string, Ready[]>, key: string, ready: Ready): void {
  const list = lists.get(key);
  if (list) list.push(ready);
  else lists.set(key, [ready]);
}
