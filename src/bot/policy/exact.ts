const NUMBER = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/;

/** Whether a text is a number as JSON writes it. */
export function isNumber(text: string): boolean {
  return NUMBER.test(text);
}

/** Whether a number keeps its value as a double, as `100` and `1.50` do and `9007199254740993` does not. */
export function isExact(text: string): boolean {
  const wanted = digitsOf(text);
  return wanted !== undefined && wanted === digitsOf(String(Number(text)));
}

/** The same for `1.50`, `1.5` and `15e-1`. */
function digitsOf(text: string): string | undefined {
  const [, sign, whole, fraction = "", power = "0"] = NUMBER.exec(text) ?? [];
  if (whole === undefined) return undefined;
  const digits = whole + fraction;
  let from = 0;
  let to = digits.length;
  while (digits[from] === "0") from += 1;
  if (from === to) return "0";
  while (digits[to - 1] === "0") to -= 1;
  return `${sign}${digits.slice(from, to)}e${Number(power) - fraction.length + digits.length - to}`;
}
