/** What a value can be compared as. */
export type Quantity =
  | { readonly kind: "number" | "duration" | "size"; readonly amount: number }
  | { readonly kind: "text"; readonly text: string };

/** In nanoseconds. */
const DURATIONS: ReadonlyMap<string, number> = new Map(
  Object.entries({
    ns: 1,
    us: 1e3,
    µs: 1e3,
    μs: 1e3,
    ms: 1e6,
    s: 1e9,
    m: 60e9,
    h: 3600e9,
    d: 86_400e9,
  }),
);

/** In bytes; `12.30mb` of `stats` is as Go's servers mean it, 1024 each. */
const SIZES: ReadonlyMap<string, number> = new Map(
  Object.entries({
    b: 1,
    kb: 2 ** 10,
    kib: 2 ** 10,
    mb: 2 ** 20,
    mib: 2 ** 20,
    gb: 2 ** 30,
    gib: 2 ** 30,
    tb: 2 ** 40,
    tib: 2 ** 40,
  }),
);

/** A number, a duration as Go spells it (with days), a size in bytes, or else a text. */
export function quantityOf(value: unknown): Quantity {
  if (typeof value === "number") return { kind: "number", amount: value };
  const text = String(value ?? "");
  return measured(text) ?? { kind: "text", text };
}

/** Longer is none. */
const LONGEST = 40;

/** Read sign by sign: thousands are read to sort them, and most texts are none. */
function measured(text: string): Quantity | undefined {
  const { length } = text;
  if (length === 0 || length > LONGEST || text === "-" || text === "+") return undefined;
  let at = text.charCodeAt(0) === 0x2d || text.charCodeAt(0) === 0x2b ? 1 : 0;
  const sign = at === 1 && text[0] === "-" ? -1 : 1;
  let nanoseconds = 0;
  for (let first = true; at < length; first = false) {
    const begin = at;
    while (at < length && isDigit(text, at)) at++;
    const whole = at - begin;
    if (text[at] === ".") at++;
    while (at < length && isDigit(text, at)) at++;
    if (at - begin === 0 || (whole === 0 && at - begin === 1)) return undefined;
    const count = Number(text.slice(begin, at));
    if (first && at === length) return { kind: "number", amount: sign * count };
    const from = at;
    while (at < length && !isDigit(text, at) && text[at] !== ".") at++;
    const unit = text.slice(from, at);
    if (first && at === length) {
      const bytes = SIZES.get(unit.trimStart().toLowerCase());
      if (bytes !== undefined) return { kind: "size", amount: sign * count * bytes };
    }
    const each = DURATIONS.get(unit);
    if (each === undefined) return first ? scientific(text) : undefined;
    nanoseconds += count * each;
  }
  return { kind: "duration", amount: sign * nanoseconds };
}

/** `1e9`. */
function scientific(text: string): Quantity | undefined {
  return /^[+-]?\d+(\.\d+)?e[+-]?\d+$/i.test(text) ? { kind: "number", amount: Number(text) } : undefined;
}

function isDigit(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code >= 48 && code <= 57;
}

/**
 * Less than, equal to or greater than 0, as `sort` wants it; `undefined` when one cannot be told from the other, as a size from a
 * duration. Zero is zero of everything.
 */
export function compare(a: Quantity, b: Quantity): number | undefined {
  if (a.kind === "text" || b.kind === "text") {
    if (a.kind !== "text" || b.kind !== "text") return undefined;
    return a.text === b.text ? 0 : a.text < b.text ? -1 : 1;
  }
  if (a.kind !== b.kind && !(a.amount === 0 && a.kind === "number") && !(b.amount === 0 && b.kind === "number")) {
    return undefined;
  }
  return a.amount - b.amount;
}
