/** What a value can be compared as. */
export type Quantity =
  | { readonly kind: "number" | "duration" | "size"; readonly amount: number }
  | { readonly kind: "text"; readonly text: string };

/** In nanoseconds. */
const DURATIONS: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  μs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
  d: 86_400e9,
};

/** In bytes; `12.30mb` of `stats` is as Go's servers mean it, 1024 each. */
const SIZES: Readonly<Record<string, number>> = {
  b: 1,
  kb: 2 ** 10,
  kib: 2 ** 10,
  mb: 2 ** 20,
  mib: 2 ** 20,
  gb: 2 ** 30,
  gib: 2 ** 30,
  tb: 2 ** 40,
  tib: 2 ** 40,
};

const NUMBER = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?$/i;
const SIZE = /^([+-]?\d+(?:\.\d+)?) ?([kmgt]i?b|b)$/i;
const DURATION = /^-?(?:\d+(?:\.\d+)?(?:ns|us|µs|μs|ms|s|m|h|d))+$/;
const DURATION_PART = /(\d+(?:\.\d+)?)(ns|us|µs|μs|ms|s|m|h|d)/g;

/** A number, a duration as Go spells it (with days), a size in bytes, or else a text. */
export function quantityOf(value: unknown): Quantity {
  if (typeof value === "number") return { kind: "number", amount: value };
  const text = String(value ?? "");
  const first = text.charCodeAt(0);
  // Most texts are none, and that is soon seen: digits, signs and the point stand before `:`.
  if (text.length > 40 || first > 57 || first < 43) return { kind: "text", text };
  if (NUMBER.test(text)) return { kind: "number", amount: Number(text) };
  const size = SIZE.exec(text);
  if (size) return { kind: "size", amount: Number(size[1]) * (SIZES[(size[2] as string).toLowerCase()] as number) };
  if (!DURATION.test(text)) return { kind: "text", text };
  let amount = 0;
  for (const [, count, unit] of text.matchAll(DURATION_PART))
    amount += Number(count) * (DURATIONS[unit as string] ?? 0);
  return { kind: "duration", amount: text.startsWith("-") ? -amount : amount };
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
