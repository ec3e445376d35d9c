/**
 * Somebody who said something, by what it takes to tell later whether another is the same person (`House.samePerson`). Survives
 * JSON.
 */
export interface Speaker {
  /** What their network vouches for; absent: it vouches for nobody. */
  readonly id?: string;
  /** `slack:T01/U02`. */
  readonly caller: string;
  /** Who the policy knew them as then. */
  readonly person: string;
  /** All callers that were linked as that person then, this one too, where there were others. */
  readonly ids?: readonly string[];
}
