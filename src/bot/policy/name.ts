import { folded, matcher } from "./glob.ts";

/** A name as it was said, and as rules look at it that fit as soon as they may. */
export interface Name {
  readonly said: string;
  readonly folded: string;
  /** Folded, without blanks around it and dots behind it: on the wire, or in DNS, they are lost. */
  readonly bare: string;
}

export function nameOf(value: unknown): Name | undefined {
  return typeof value === "string" ? named(value) : undefined;
}

export function named(said: string): Name {
  let small: string | undefined;
  let bare: string | undefined;
  return {
    said,
    get folded() {
      small ??= folded(said);
      return small;
    },
    get bare() {
      bare ??= bared(this.folded);
      return bare;
    },
  };
}

/** Whether a name is like a pattern. @param wide as soon as it may be */
export function naming(pattern: string, wide: boolean): (name: Name) => boolean {
  if (!wide) {
    const fits = matcher(pattern);
    return ({ said }) => fits(said);
  }
  const whole = matcher(folded(pattern));
  const bare = matcher(bared(folded(pattern)));
  return (name) => whole(name.folded) || bare(name.bare);
}

/** What a name is to whoever drops blanks at its ends, and to DNS, which drops the dot behind it. */
export function bared(text: string): string {
  const inner = trimmed(text);
  let to = inner.length;
  while (inner[to - 1] === ".") to -= 1;
  return inner.slice(0, to);
}

/** Without what HTTP, Go or JavaScript take for blanks at its ends. */
export function trimmed(text: string): string {
  const isBlank = (at: number) => /[\s\p{Cc}]/u.test(text[at] ?? "x");
  let from = 0;
  let to = text.length;
  while (isBlank(from)) from += 1;
  while (to > from && isBlank(to - 1)) to -= 1;
  return text.slice(from, to);
}
