/** Whether a text is like a pattern, in which every `*` stands for anything. Takes time for both their lengths, whatever they hold. */
export function like(text: string, pattern: string): boolean {
  return matcher(pattern)(text);
}

/** The same for many texts. */
export function matcher(pattern: string): (text: string) => boolean {
  if (!pattern.includes("*")) return (text) => text === pattern;
  if (pattern === "*") return () => true;
  const parts = pattern.split("*");
  const first = parts[0] as string;
  const last = parts.at(-1) as string;
  const between = parts.slice(1, -1);
  return (text) => {
    if (text.length < first.length + last.length || !text.startsWith(first) || !text.endsWith(last)) return false;
    const end = text.length - last.length;
    let at = first.length;
    for (const part of between) {
      const found = text.indexOf(part, at);
      if (found === -1 || found + part.length > end) return false;
      at = found + part.length;
    }
    return true;
  };
}

/** Letters that differ only in case become one: also the long s and the kelvin sign, which Go's JSON takes for s and k. */
export function folded(text: string): string {
  return text.toUpperCase().toLowerCase();
}
