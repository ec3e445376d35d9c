/**
 * `make`, remembered by its argument. Holds at most `max` answers; the oldest goes first, so that a flood of strange keys
 * costs time and not memory.
 */
export function memo<V>(max: number, make: (key: string) => V): (key: string) => V {
  const answers = new Map<string, V>();
  return (key) => {
    const known = answers.get(key);
    if (known !== undefined || answers.has(key)) return known as V;
    const answer = make(key);
    if (answers.size >= max) answers.delete(answers.keys().next().value as string);
    answers.set(key, answer);
    return answer;
  };
}
