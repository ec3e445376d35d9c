import type { OutgoingMessage, Part } from "../input.ts";
import { render } from "./render.ts";

type Text = NonNullable<OutgoingMessage["file"]>;

/** docs.discord.com, "Create Message": content has at most 2000 characters. */
const MAX_CONTENT = 2000;

/**
 * A message within Discord's limit. The bot keeps to `Input.limits.textLength`, but what is escaped grows, to twice its
 * length at worst; then the longest part is cut, and the whole goes into a file, if there is none yet and it is said once.
 */
export function fitted(message: Pick<OutgoingMessage, "parts" | "file" | "progress">): {
  readonly content: string;
  readonly file: Text | undefined;
} {
  let { parts } = message;
  let content = render(parts);
  if (content.length <= MAX_CONTENT) return { content, file: message.file };
  while (content.length > MAX_CONTENT) {
    parts = shortened(parts, content.length - MAX_CONTENT);
    content = render(parts);
  }
  const whole = { name: "answer.txt", text: message.parts.map((part) => part.text).join("\n") };
  const attached = message.progress === undefined || message.progress.last;
  return { content, file: message.file ?? (attached ? whole : undefined) };
}

/** The longest part without its last `excess` characters and the one for the mark; each is one character or more when rendered. */
function shortened(parts: readonly Part[], excess: number): readonly Part[] {
  const longest = parts.reduce((one, other) => (other.text.length > one.text.length ? other : one));
  const kept = longest.text.slice(0, Math.max(0, longest.text.length - excess - 2)).replace(/[\ud800-\udbff]$/, "");
  return parts.map((part) => (part === longest ? { ...part, text: kept === "" ? "" : `${kept}…` } : part));
}
