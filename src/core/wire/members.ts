/**
 * The members of a JSON object as the texts that stand in it, so that a payload inside an envelope can be taken out without
 * reading it. `undefined` when the text is no object. The text of a member is not checked.
 */
export function members(text: string): ReadonlyMap<string, string> | undefined {
  const found = new Map<string, string>();
  let at = skipBlanks(text, 0);
  if (text[at] !== "{") return undefined;
  at = skipBlanks(text, at + 1);
  while (text[at] === '"') {
    const keyEnd = valueEnd(text, at);
    const colon = skipBlanks(text, keyEnd);
    if (keyEnd === -1 || text[colon] !== ":") return undefined;
    const start = skipBlanks(text, colon + 1);
    const end = valueEnd(text, start);
    if (end === -1) return undefined;
    const key = keyOf(text.slice(at, keyEnd));
    if (key === undefined) return undefined;
    found.set(key, text.slice(start, end));
    at = skipBlanks(text, end);
    if (text[at] === ",") at = skipBlanks(text, at + 1);
  }
  return text[at] === "}" ? found : undefined;
}

function keyOf(quoted: string): string | undefined {
  try {
    return JSON.parse(quoted) as string;
  } catch {
    return undefined; // such as "\\x"
  }
}

/** Where the value that begins at `from` ends; -1 when it does not. */
export function valueEnd(text: string, from: number): number {
  let depth = 0;
  for (let at = from; at < text.length; at++) {
    switch (text[at]) {
      case '"': {
        for (at++; text[at] !== '"'; at++) {
          if (at >= text.length) return -1;
          if (text[at] === "\\") at++;
        }
        if (depth === 0) return at + 1;
        break;
      }
      case "{":
      case "[":
        depth++;
        break;
      case "}":
      case "]":
        if (depth === 0) return at;
        if (--depth === 0) return at + 1;
        break;
      case ",":
        if (depth === 0) return at;
        break;
    }
  }
  return depth === 0 && from < text.length ? text.length : -1;
}

export function skipBlanks(text: string, from: number): number {
  let at = from;
  while (at < text.length && text.charCodeAt(at) <= 32) at++;
  return at;
}
