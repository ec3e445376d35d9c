import type { OutgoingMessage, Part } from "../input.ts";
import { length, render } from "./render.ts";

type Text = NonNullable<OutgoingMessage["file"]>;

/** core.telegram.org/bots/api, "sendMessage" and "sendDocument": characters after entities are parsed. */
const MAX_TEXT = 4096;
const MAX_CAPTION = 1024;

/**
 * A message within Telegram's limits. The bot keeps to `Input.limits.textLength`, but a file's caption is shorter than
 * that; then the longest part, which is what the file holds, is cut further. What grows by our own signs beyond the limit
 * is cut too, and goes into a file as a whole, but for what changes later: a file's text can become no other's.
 */
export function fitted(message: Pick<OutgoingMessage, "parts" | "file" | "progress">): {
  readonly text: string;
  readonly file: Text | undefined;
} {
  const { parts, progress } = message;
  const long = length(parts) > MAX_TEXT;
  const whole = { name: "answer.txt", text: parts.map((part) => part.text).join("\n") };
  const file = message.file ?? (long && progress === undefined ? whole : undefined);
  return { text: render(within(parts, file ? MAX_CAPTION : MAX_TEXT)), file };
}

function within(parts: readonly Part[], limit: number): readonly Part[] {
  let fit = parts;
  for (let excess = length(fit) - limit; excess > 0; excess = length(fit) - limit) fit = shortened(fit, excess);
  return fit;
}

/** The longest part without its last `excess` characters and the one for the mark. */
function shortened(parts: readonly Part[], excess: number): readonly Part[] {
  const longest = parts.reduce((one, other) => (other.text.length > one.text.length ? other : one));
  const kept = longest.text.slice(0, Math.max(0, longest.text.length - excess - 1)).replace(/[\ud800-\udbff]$/, "");
  return parts.map((part) => (part === longest ? { ...part, text: kept === "" ? "" : `${kept}…` } : part));
}
