/** What was remembered last, by name; a bounded number of it. */
export interface Recent<T> {
  get(name: string): T | undefined;
  set(name: string, value: T): void;
  /** Nothing that was not set anew since the call before this is remembered any more. */
  turn(): void;
  readonly size: number;
}

/**
 * Two maps, one behind the other: when the first is full the second is dropped. To delete the oldest of one map for each
 * new name would be to walk over all that was deleted before it.
 *
 * @param most how many names are remembered at most; half of it at least
 */
export function createRecent<T>(most: number): Recent<T> {
  let young = new Map<string, T>();
  let old = new Map<string, T>();
  const turn = () => {
    old = young;
    young = new Map();
  };
  return {
    get size() {
      return young.size + old.size;
    },
    get: (name) => young.get(name) ?? old.get(name),
    set: (name, value) => {
      if (young.size >= most / 2 && !young.has(name)) turn();
      young.set(name, value);
    },
    turn,
  };
}
