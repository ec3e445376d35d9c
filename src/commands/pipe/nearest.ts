import { distance } from "fastest-levenshtein";

/** The name that is most like what was said, if any is like it at all. */
export function nearestOf(said: string, names: readonly string[]): string | undefined {
  const wanted = said.toLowerCase().slice(0, 64);
  let nearest: string | undefined;
  let least = Math.max(2, wanted.length * 0.6);
  for (const name of names) {
    // What somebody began to say is near, however long it goes on.
    const begins = wanted.length > 1 && name.toLowerCase().startsWith(wanted);
    const far = begins ? 0.5 : distance(wanted, name.toLowerCase());
    if (far < least) {
      least = far;
      nearest = name;
    }
  }
  return nearest;
}
