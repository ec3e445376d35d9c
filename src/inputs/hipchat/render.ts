import type { Part } from "../input.ts";
import { legal } from "../xmpp/xml.ts";

const ZERO_WIDTH_SPACE = "\u200b";

/** HipChat's limit for one message, in characters (`chat.md §5`). */
export const MAX_LENGTH = 10_000;

/** A room notification of REST v2. */
export interface Notification {
  readonly message: string;
  readonly message_format: "html" | "text";
}

/**
 * Our parts as what a person would type. Code begins with `/code`, which shows all of a message with a fixed width; it works
 * for a whole message only. What HipChat finds in text by itself is kept from it by a character of no width: mentions, which
 * ring at people; emoticons in parentheses; and, at the beginning, its commands (`/me`, `/code`, `s/old/new/`, which
 * changes what was said before). That is the last step.
 */
export function asTyped(parts: readonly Part[]): string {
  const given = shown(parts);
  const code = given.some(({ kind }) => kind === "code");
  const text = inert(given.map((part) => part.text).join("\n"), code);
  return cut(code ? `/code ${text}` : text.replace(/^(?=\s*(?:\/|s\/))/, ZERO_WIDTH_SPACE));
}

/**
 * Our parts as a notification: HTML when there is code in them, with tags of ours alone (`chat.md §5`, "Allowed HTML"). In
 * HTML HipChat finds nothing by itself. What becomes too long for it by being escaped is said as it would be typed.
 */
export function asNotification(parts: readonly Part[]): Notification {
  const given = shown(parts);
  const message = given
    .map(({ kind, text }) => (kind === "code" ? `<pre>${encode(text)}</pre>` : encode(text).replaceAll("\n", "<br>")))
    .join("");
  const html = given.some(({ kind }) => kind === "code") && message.length <= MAX_LENGTH;
  return html ? { message, message_format: "html" } : { message: asTyped(parts), message_format: "text" };
}

function shown(parts: readonly Part[]): readonly Part[] {
  return parts
    .filter((part) => part.text !== "")
    .map(({ kind, text }) => ({ kind, text: legal(text).replace(/\r\n?/g, "\n") }));
}

/** In code there are no emoticons, and parentheses are better left as they are. */
function inert(text: string, code: boolean): string {
  const quiet = text.replace(/@(?=[\p{L}\p{N}_"])/gu, `@${ZERO_WIDTH_SPACE}`);
  return code ? quiet : quiet.replace(/\((?=[a-z\d]+\))/gi, `(${ZERO_WIDTH_SPACE}`);
}

/** The bot keeps to `Input.limits.textLength`; what our own signs make of that fits, so this is for what nobody has counted. */
function cut(text: string): string {
  if (text.length <= MAX_LENGTH) return text;
  return `${text.slice(0, MAX_LENGTH - 1).replace(/[\ud800-\udbff]$/, "")}…`;
}

function encode(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")
    .replaceAll("'", "&#39;");
}
