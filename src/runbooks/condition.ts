import { MicroError } from "../core/errors.ts";
import { type Reference, readReference } from "./reference.ts";
import type { Scope } from "./runbook.ts";

/**
 * What `when:` and `until:` say: `steps.look.result.count > 3 and not (region is "eu")`. Values are texts in quotes, numbers,
 * `true`, `false`, `null` and references; they are compared with `is` (`==`), `is not` (`!=`), `<`, `<=`, `>`, `>=`,
 * `contains`; `every` and `some` before a comparison look at each item of a list. Nothing is called and nothing is evaluated
 * by the language that this is written in.
 */
export interface Condition {
  readonly text: string;
  readonly references: readonly Reference[];
  /** What is not there counts as `null`. @throws MicroError `invalid_argument` for what cannot be compared */
  holds(scope: Scope): boolean;
}

const LONGEST = 1000;
const DEEPEST = 20;

type Value = (scope: Scope) => unknown;
type Test = (scope: Scope) => boolean;

/** @throws MicroError `invalid_argument` with `details.at`, the place of the trouble from 0 */
export function readCondition(text: string): Condition {
  if (text.length > LONGEST) throw wrong(`a condition has ${LONGEST} characters at most`, 0);
  const tokens = split(text);
  const references: Reference[] = [];
  let next = 0;
  let depth = 0;
  const peek = () => tokens[next]?.text;
  const place = () => tokens[next]?.at ?? text.length;
  const take = (word: string) => {
    if (peek() !== word || tokens[next]?.quoted) return false;
    next += 1;
    return true;
  };

  const either = (): Test => {
    const all = [both()];
    while (take("or")) all.push(both());
    return all.length === 1 ? (all[0] as Test) : (scope) => all.some((test) => test(scope));
  };
  const both = (): Test => {
    const all = [negated()];
    while (take("and")) all.push(negated());
    return all.length === 1 ? (all[0] as Test) : (scope) => all.every((test) => test(scope));
  };
  const negated = (): Test => {
    if (++depth > DEEPEST) throw wrong("that is nested too deeply", place());
    try {
      if (take("not")) {
        const test = negated();
        return (scope) => !test(scope);
      }
      if (take("(")) {
        const test = either();
        if (!take(")")) throw wrong("a bracket is not closed", place());
        return test;
      }
      return comparison();
    } finally {
      depth -= 1;
    }
  };
  const comparison = (): Test => {
    const each = take("every") ? "every" : take("some") ? "some" : undefined;
    const left = value();
    const compare = comparator();
    if (compare === undefined) {
      const truth = (found: unknown) => {
        if (found === undefined || found === null) return false;
        if (typeof found === "boolean") return found;
        throw wrong('that is neither true nor false: compare it with something, as in `is "ok"`', 0);
      };
      return each === undefined ? (scope) => truth(left(scope)) : (scope) => items(left(scope), each, truth);
    }
    const right = value();
    if (each === undefined) return (scope) => compare(left(scope), right(scope));
    return (scope) => items(left(scope), each, (item) => compare(item, right(scope)));
  };
  const comparator = () => {
    if (take("is")) return take("not") ? COMPARE["!="] : COMPARE["=="];
    const word = tokens[next]?.quoted ? undefined : peek();
    const found = word !== undefined && Object.hasOwn(COMPARE, word) ? COMPARE[word] : undefined;
    if (found) next += 1;
    return found;
  };
  const value = (): Value => {
    const token = tokens[next];
    if (token === undefined) throw wrong("there is something missing at the end", text.length);
    next += 1;
    if (token.quoted) return () => token.text;
    if (/^-?\d+(\.\d+)?$/.test(token.text)) return () => Number(token.text);
    if (Object.hasOwn(WORDS, token.text)) return () => WORDS[token.text];
    if (["and", "or", "not", "is", "contains", "every", "some"].includes(token.text) || !/^[A-Za-z]/.test(token.text)) {
      throw wrong(`a value is expected, not \`${token.text}\`: a text in quotes, a number, or a reference`, token.at);
    }
    const reference = located(() => readReference(token.text), token.at);
    references.push(reference);
    return (scope) => scope(reference);
  };

  const test = either();
  if (next < tokens.length) throw wrong(`\`${peek()}\` is not expected here`, place());
  return { text, references, holds: test };
}

const WORDS: Readonly<Record<string, unknown>> = { true: true, false: false, null: null };

/** A list without items proves nothing, so `every` does not hold for it. */
function items(found: unknown, how: "every" | "some", test: (item: unknown) => boolean): boolean {
  const list = Array.isArray(found) ? found : found === undefined || found === null ? [] : [found];
  return list.length > 0 && list[how](test);
}

const COMPARE: Readonly<Record<string, (left: unknown, right: unknown) => boolean>> = {
  "==": same,
  "!=": (left, right) => !same(left, right),
  "<": (left, right) => ordered(left, right, (by) => by < 0),
  "<=": (left, right) => ordered(left, right, (by) => by <= 0),
  ">": (left, right) => ordered(left, right, (by) => by > 0),
  ">=": (left, right) => ordered(left, right, (by) => by >= 0),
  contains: (left, right) => {
    if (typeof left === "string") return left.includes(String(right));
    return Array.isArray(left) && left.some((item) => same(item, right));
  },
};

/** A number and the text of it are the same: what services answer has either. */
function same(left: unknown, right: unknown): boolean {
  if (left === undefined || left === null || right === undefined || right === null) {
    return (left ?? null) === (right ?? null);
  }
  if (typeof left === "object" || typeof right === "object") return JSON.stringify(left) === JSON.stringify(right);
  return left === right || (typeof left !== typeof right && String(left) === String(right));
}

function ordered(left: unknown, right: unknown, test: (by: number) => boolean): boolean {
  if (left === undefined || left === null || right === undefined || right === null) return false;
  const [a, b] = [Number(left), Number(right)];
  const numbers = [left, right].every((one) => typeof one === "number" || (typeof one === "string" && one !== ""));
  if (numbers && !Number.isNaN(a) && !Number.isNaN(b)) return test(a - b);
  if (typeof left === "string" && typeof right === "string") return test(left < right ? -1 : left > right ? 1 : 0);
  throw wrong(`${JSON.stringify(left)} and ${JSON.stringify(right)} cannot be put in order`, 0);
}

interface Token {
  readonly text: string;
  readonly at: number;
  readonly quoted: boolean;
}

function split(text: string): readonly Token[] {
  const tokens: Token[] = [];
  const token = /\s+|"([^"\\]*)"|'([^'\\]*)'|==|!=|<=|>=|[<>()]|[A-Za-z0-9_@.*[\]-]+/y;
  while (token.lastIndex < text.length) {
    const at = token.lastIndex;
    const found = token.exec(text);
    if (found === null) throw wrong(`\`${text.slice(at, at + 10)}\` is not understood`, at);
    const [whole, double, single] = found;
    const quoted = double ?? single;
    if (quoted !== undefined) tokens.push({ text: quoted, at, quoted: true });
    else if (whole.trim() !== "") tokens.push({ text: whole, at, quoted: false });
  }
  if (tokens.length === 0) throw wrong("a condition is expected, as in steps.look.result.count > 3", 0);
  return tokens;
}

function located<T>(read: () => T, at: number): T {
  try {
    return read();
  } catch (error) {
    throw wrong(MicroError.from(error).message, at);
  }
}

function wrong(words: string, at: number): MicroError {
  return new MicroError("invalid_argument", words, { details: { at } });
}
