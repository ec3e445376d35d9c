/** People by name, and how to reach them. */
export interface Contacts {
  /** `slack:T01/U02` and the like, the best first; of what is an id itself, that one. Empty: nobody can be reached by that name. */
  idsOf(person: string): readonly string[];
  /** Who it is of a calendar's event: the contact with one of its addresses (`mailto:…`), or else its title. */
  nameOf(mails: readonly string[], title: string): string;
  names(): readonly string[];
}

/** @param others people whom somebody else knows (the policy's `people`); `idsOf` is empty for who is unknown there, too */
export function createContacts(
  named: Readonly<Record<string, readonly string[]>>,
  others: { idsOf(name: string): readonly string[]; names(): readonly string[] },
): Contacts {
  const byMail = new Map<string, string>();
  for (const [name, ids] of Object.entries(named)) {
    for (const id of ids) if (id.startsWith("mailto:")) byMail.set(id.toLowerCase(), name);
  }
  return {
    idsOf: (person) => {
      if (isId(person)) return [person];
      const own = Object.hasOwn(named, person) ? (named[person] ?? []) : [];
      // Those of the file first: they say how somebody wants to be woken.
      return [...new Set([...own, ...others.idsOf(person)])].filter(
        (id) => !id.startsWith("mailto:") && !id.includes("*"),
      );
    },
    nameOf: (mails, title) => {
      for (const mail of mails) {
        const name = byMail.get(mail);
        if (name !== undefined) return name;
      }
      return title;
    },
    names: () => [...new Set([...Object.keys(named), ...others.names()])].toSorted(),
  };
}

/** What a stranger wrote for a name: what is an id is a text in quotes, by which nobody can be written to. */
export function nameOnly(person: string): string {
  return isId(person) ? `"${person}"` : person;
}

/** `slack:T01/U02`, and no name. */
function isId(person: string): boolean {
  return /^[a-z][\w-]*:[^\s]+$/.test(person);
}
