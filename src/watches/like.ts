/** Whether a text is like a pattern, in which every `*` stands for anything. Takes no longer than both are long, whatever they hold. */
export function like(text: string, pattern: string): boolean {
  const [head = "", ...rest] = pattern.split("*");
  const tail = rest.pop();
  if (tail === undefined) return text === head;
  if (text.length < head.length + tail.length || !text.startsWith(head) || !text.endsWith(tail)) return false;
  const end = text.length - tail.length;
  let at = head.length;
  for (const part of rest) {
    const found = text.indexOf(part, at);
    if (found === -1 || found + part.length > end) return false;
    at = found + part.length;
  }
  return true;
}

/** The same of a version: `2.3.x` is `2.3.*`, and a `v` before either counts for nothing. */
export function versionLike(version: string, pattern: string): boolean {
  return like(plain(version), plain(pattern).replace(/(^|\.)x(?=\.|$)/gi, "$1*"));
}

function plain(version: string): string {
  return /^v\d/i.test(version) ? version.slice(1) : version;
}
