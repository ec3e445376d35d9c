import { MicroError } from "./errors.ts";
import { createCanon, fill, keepTail } from "./redact-canon.ts";
import { createFinder, type Finder, LONGEST, type Needle, needlesOf, SHORTEST } from "./redact-needles.ts";
import { findPatterns, isSecretName } from "./redact-patterns.ts";

/** What stands where a secret was. */
export const CROSSED_OUT = "[secret]";

/** Shorter values are not looked for: they would be found in the middle of words. */
export const SHORTEST_SECRET = SHORTEST;

/** So many values at most, since every one is kept in all its forms. */
const MOST_VALUES = 2000;

/**
 * Takes secrets out of what is said and written down: values it knows, in whatever form they stand there, and what looks
 * like a token, a key or a password.
 *
 * A value is found as it is and in other case, split by blanks and characters of no width, escaped as JSON, URLs and HTML
 * escape (several times over), in base64 of both alphabets at any place of what was encoded, in hex, and cut off (its first
 * three quarters; eight characters where the text ends or says `…`). Not found is what was said backwards, enciphered or
 * packed, and a value of fewer than six characters.
 *
 * The time it takes grows with the text alone (about 10 ms for a million characters), not with how many values are known.
 */
export interface Redactor {
  /** The text with `[secret]` where secrets were. Text without any comes back as it is. */
  text(text: string): string;
  /** JSON text that stays JSON: what cannot be crossed out within it is written anew. */
  jsonText(text: string): string;
  /**
   * A copy of something that survives JSON, its texts and keys without secrets; and without texts and numbers whose key
   * says that they are secret (`password`). What stands deeper than 32 levels is left out.
   */
  json(value: unknown): unknown;
  /**
   * Looks for these values, too, until the function that it gives is called. Those that are too short are let be.
   * @throws MicroError `exhausted` where there would be more than 2000
   */
  add(values: Iterable<string>): () => void;
}

/** @param values known from the start, as `add` takes them */
export function createRedactor(values: Iterable<string> = []): Redactor {
  /** How often each was added. */
  const known = new Map<string, { count: number; readonly needles: readonly Needle[] }>();
  let finder: Finder | undefined;

  const add = (added: Iterable<string>) => {
    const mine = [...new Set(added)];
    for (const value of mine) {
      const there = known.get(value);
      if (there) there.count++;
      else known.set(value, { count: 1, needles: needlesOf(value) });
    }
    finder = undefined;
    let held = true;
    const forget = () => {
      if (!held) return;
      held = false;
      for (const value of mine) {
        const there = known.get(value);
        if (there && --there.count === 0) known.delete(value);
      }
      finder = undefined;
    };
    if (known.size > MOST_VALUES) {
      forget();
      throw new MicroError("exhausted", `more than ${MOST_VALUES} secrets cannot be kept out of what is said`);
    }
    return forget;
  };
  const text = (given: string): string => {
    if (given.length < SHORTEST) return given;
    const spans: Span[] = [];
    const onSpan = (start: number, end: number) => void spans.push({ start, end });
    finder ??= createFinder([...known.values()].flatMap(({ needles }) => needles));
    if (known.size > 0) findValues(finder, given, onSpan);
    findPatterns(given, onSpan);
    return spans.length === 0 ? given : crossedOut(given, spans);
  };
  const json = (value: unknown) => withoutSecrets(value, text, 0);
  const jsonText = (given: string): string => {
    const clean = text(given);
    if (clean === given || isJson(clean)) return clean;
    return isJson(given) ? text(JSON.stringify(json(JSON.parse(given)))) : clean;
  };
  add(values);
  return { text, jsonText, json, add };
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

interface Span {
  readonly start: number;
  readonly end: number;
}

/** One for all, since nobody else runs in between. */
const canon = createCanon(1 << 15);

function findValues(finder: Finder, text: string, onSpan: (start: number, end: number) => void): void {
  canon.length = 0;
  for (let at = 0; ; ) {
    at = fill(canon, text, at);
    const last = at >= text.length;
    finder.find(canon, last, onSpan);
    if (last) return;
    keepTail(canon, LONGEST + 2);
  }
}

function crossedOut(text: string, spans: Span[]): string {
  spans.sort((a, b) => a.start - b.start);
  let out = "";
  let from = 0;
  for (let index = 0; index < spans.length; ) {
    const { start, end: first } = spans[index] as Span;
    let end = first;
    // Pieces of one secret may have the end of a line between them.
    for (index++; index < spans.length && isBlank(text, end, (spans[index] as Span).start); index++) {
      end = Math.max(end, (spans[index] as Span).end);
    }
    if (isCrossedOut(text, start, end)) continue;
    out += text.slice(from, start) + CROSSED_OUT;
    from = end;
  }
  return out + text.slice(from);
}

function isBlank(text: string, from: number, to: number): boolean {
  return to <= from || (to - from <= 4 && /^\s*\n\s*$/.test(text.slice(from, to)));
}

/** A secret that is a word of `[secret]` is not crossed out in it. */
function isCrossedOut(text: string, start: number, end: number): boolean {
  const { length } = CROSSED_OUT;
  return end - start <= length && text.slice(Math.max(0, end - length), start + length).includes(CROSSED_OUT);
}

const DEEPEST = 32;

function withoutSecrets(value: unknown, text: (text: string) => string, depth: number): unknown {
  if (typeof value === "string") return text(value);
  if (typeof value === "number" || typeof value === "bigint") {
    const said = String(value);
    return text(said) === said ? value : CROSSED_OUT;
  }
  if (typeof value !== "object" || value === null) return value;
  if (depth > DEEPEST) return undefined;
  if (Array.isArray(value)) return value.map((item) => withoutSecrets(item, text, depth + 1));
  if ("toJSON" in value && typeof value.toJSON === "function") {
    return withoutSecrets(value.toJSON(), text, depth + 1);
  }
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => {
      const said = text(key);
      const hidden = (typeof inner === "string" && inner !== "") || typeof inner === "number";
      return [said, hidden && isSecretName(key) ? CROSSED_OUT : withoutSecrets(inner, text, depth + 1)];
    }),
  );
}
