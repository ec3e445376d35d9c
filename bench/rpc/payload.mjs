// What is asked and answered: about 50 bytes, or 10 KB of text.
const TEXT = "The quick brown fox jumps over the lazy dog; 0123456789. ".repeat(200);

/** @param {"small" | "large"} size */
export function request(size) {
  return { name: size === "small" ? "John of the long and winding road" : TEXT.slice(0, 10_000) };
}

/** What the greeter answers. */
export function greeting({ name }) {
  return { msg: `Hello ${name}` };
}
