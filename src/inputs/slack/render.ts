import type { Part } from "../input.ts";

const ZERO_WIDTH_SPACE = "\u200b";

/** `text` beyond it is cut off by Slack, wherever that is (`chat.md §3`). */
const TEXT_MAX = 40_000;

/** Kept free for the words that tell what was cut. */
const NOTE_MAX = 100;

const FENCE = "```";

interface Rendering {
  /** `false`: addresses are kept from being links, for where previews cannot be switched off. */
  readonly links?: boolean;
  /** The most characters of Slack's markup. Default 40000. */
  readonly limit?: number;
}

/**
 * Our parts as the text of a Slack message. Nothing in them can come alive: `<`, `>` and `&` are the only way into
 * Slack's grammar of links, mentions and `<!channel>`, in a code block as outside of one (`chat.md §3`), so they are
 * encoded here, as the last step, and nothing is added after it.
 *
 * What does not fit is cut at the end of a line, and the last line tells how much that was.
 */
export function render(parts: readonly Part[], { links = true, limit = TEXT_MAX }: Rendering = {}): string {
  const said = parts.filter((part) => part.text !== "");
  // Encoding makes nothing shorter, so what is too long as it is need not be encoded to be seen so.
  if (said.reduce((sum, part) => sum + part.text.length, 0) <= limit) {
    const whole = said.map((part) => fenced(part.kind, inert(part.text, part.kind, links))).join("\n");
    if (whole.length <= limit) return whole;
  }
  for (const first of stretches(said, limit - NOTE_MAX, { links })) return `${first.markup}\n${cutNote(said, first)}`;
  return "";
}

/** As much of what is said as fits somewhere: encoded, its fences closed. */
export interface Stretch {
  readonly markup: string;
  /** How much of the parts is shown by its end. */
  readonly shown: Shown;
}

interface Shown {
  readonly characters: number;
  readonly lines: number;
}

/**
 * What is said in stretches of at most `size` characters of markup, each cut at the end of a line. Only a line that would
 * fill more than one by itself is cut within, and then ends with `…`.
 */
export function* stretches(
  parts: readonly Part[],
  size: number,
  { links = true }: Pick<Rendering, "links"> = {},
): Generator<Stretch> {
  const shown = { characters: 0, lines: 0 };
  let out: string | undefined;
  let open = false;
  const close = (): Stretch => {
    const markup = `${out ?? ""}${open ? `\n${FENCE}` : ""}`;
    out = undefined;
    open = false;
    return { markup, shown: { ...shown } };
  };

  for (const { kind, text } of parts) {
    if (text === "") continue;
    const code = kind === "code";
    for (let line of linesOf(text)) {
      for (;;) {
        const lead = (out === undefined ? "" : "\n") + (code && !open ? `${FENCE}\n` : "");
        const room = size - (out?.length ?? 0) - lead.length - (code ? FENCE.length + 1 : 0);
        // A line that is longer than the room needs no encoding to be known as too long.
        const encoded = line.length > room ? undefined : inert(line, kind, links);
        if (encoded !== undefined && encoded.length <= room) {
          out = `${out ?? ""}${lead}${encoded}`;
          open = code;
          break;
        }
        if (out !== undefined) {
          yield close();
          continue;
        }
        const head = fitting(line, room - 1, (some) => inert(some, kind, links));
        out = `${lead}${inert(head, kind, links)}…`;
        open = code;
        line = line.slice(head.length);
        shown.characters += head.length;
        yield close();
      }
      shown.characters += line.length + 1;
      shown.lines += 1;
    }
    if (open) {
      out += `\n${FENCE}`;
      open = false;
    }
  }
  if (out !== undefined) yield close();
}

/** One after the other, since most of a long text is never looked at. */
function* linesOf(text: string): Generator<string> {
  let from = 0;
  for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n", from)) {
    yield text.slice(from, end);
    from = end + 1;
  }
  yield text.slice(from);
}

/** What people read where something was cut. */
export function cutNote(parts: readonly Part[], { shown }: Stretch): string {
  let characters = 0;
  let lines = 0;
  for (const { text } of parts) {
    if (text === "") continue;
    characters += text.length + 1;
    lines += 1;
    for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) lines += 1;
  }
  return `… cut here: ${characters - shown.characters} characters in ${lines - shown.lines} lines do not fit`;
}

/** The beginning of a line that is no longer than `room` once it is escaped; at least one character, and no half of one. */
function fitting(line: string, room: number, escaped: (text: string) => string): string {
  let end = Math.min(line.length, room);
  while (end > 2 && escaped(line.slice(0, end)).length > room) {
    // Each step comes closer by what was too much, shrunk by how much longer escaping makes it.
    const length = escaped(line.slice(0, end)).length;
    end = Math.min(end - 1, Math.floor((end * room) / length));
  }
  const half = /[\ud800-\udbff]/.test(line[end - 1] ?? "") && end > 1;
  return line.slice(0, Math.max(1, half ? end - 1 : end));
}

function fenced(kind: Part["kind"], markup: string): string {
  return kind === "code" ? `${FENCE}\n${markup}\n${FENCE}` : markup;
}

function inert(text: string, kind: Part["kind"], links: boolean): string {
  const plain = encode(unfence(text));
  return links || kind === "code" ? plain : plain.replaceAll("://", `:${ZERO_WIDTH_SPACE}//`);
}

/** Slack's own encoding of the three characters of its grammar; half a character, which cannot be sent, becomes U+FFFD. */
function encode(text: string): string {
  return text
    .replace(/\p{Surrogate}/gu, "\ufffd")
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;");
}

/** Three backticks in a row would open or close a block; a character of no width keeps them apart. */
function unfence(text: string): string {
  return text.replace(/`{3,}/g, (ticks) => ticks.split("").join(ZERO_WIDTH_SPACE));
}
