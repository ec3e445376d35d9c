/**
 * A header's name as Go spells it: `micro-id` is `Micro-Id`. Go services of the first era compare names to the letter where
 * the carrier keeps them (`wire.md §3.3`). A name that HTTP could not carry (`:topic`) is left as it is.
 */
export function goName(name: string): string {
  return remembered(goNames, name, (it) =>
    TOKEN.test(it)
      ? it.toLowerCase().replace(/(^|-)([a-z])/g, (_, dash: string, letter: string) => dash + letter.toUpperCase())
      : it,
  );
}

/** A header's name as frames have it. */
export function frameName(name: string): string {
  return remembered(frameNames, name, (it) => it.toLowerCase());
}

/** A token as RFC 9110 §5.6.2 defines it. */
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/** The same few names come again and again. What strangers send is remembered up to a limit. */
const goNames = new Map<string, string>();
const frameNames = new Map<string, string>();
const MAX_REMEMBERED = 1000;
const MAX_LENGTH = 100;

function remembered(names: Map<string, string>, name: string, spell: (name: string) => string): string {
  const known = names.get(name);
  if (known !== undefined) return known;
  const spelt = spell(name);
  if (names.size < MAX_REMEMBERED && name.length <= MAX_LENGTH) names.set(name, spelt);
  return spelt;
}
