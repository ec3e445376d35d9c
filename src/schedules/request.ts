import { chatLine, type Word } from "../commands/line.ts";
import { MicroError } from "../core/errors.ts";
import { readAt, readCron, readEvery, readIn, readZone, type When } from "./when.ts";

/** What a schedule is made with. */
export type Maker = "every" | "at" | "in" | "cron";

/** What somebody wants to be done later. */
export interface Request {
  readonly when: When;
  /** A line, as it would be said. */
  readonly line: string;
  /** Where its answer belongs, if not where it was asked for. */
  readonly room?: string;
}

/**
 * `10m "health orders" in #ops`, `day at 09:00 in Europe/Berlin "…"`; for `cron` its fields stand in quotes, too.
 * @throws MicroError `invalid_argument`
 */
export function readRequest(kind: Maker, text: string, zone: string, now: number): Request {
  const words = chatLine(text).words;
  const plain: string[] = [];
  const quoted: string[] = [];
  let room: string | undefined;
  let inZone: string | undefined;
  for (let at = 0; at < words.length; at++) {
    const word = words[at] as Word;
    if (word.quoted) quoted.push(word.text.trim());
    else if (word.text.toLowerCase() === "in") {
      const where = words[++at]?.text;
      if (where === undefined) throw wrong("in which room, or which time zone?");
      if (isZone(where)) inZone = readZone(where);
      else room = where;
    } else plain.push(word.text);
  }
  const pattern = kind === "cron" ? quoted.shift() : undefined;
  const [line, ...more] = quoted;
  if (line === undefined || line === "" || more.length > 0 || (kind === "cron" && plain.length > 0)) {
    throw wrong(`say the line in quotes, once: ${EXAMPLES[kind]}`);
  }
  const used = inZone ?? zone;
  const when =
    kind === "every"
      ? readEvery(plain, used, now)
      : kind === "at"
        ? readAt(plain, used, now)
        : kind === "in"
          ? readIn(plain, used, now)
          : readCron(pattern ?? "", used, now);
  return { when, line, ...(room !== undefined && { room }) };
}

export const EXAMPLES = {
  every: 'every 10m "health orders" in #ops',
  at: 'at 03:00 "stats orders | top 5"',
  in: 'in 10m "health orders"',
  cron: 'cron "0 9 * * 1-5" "health orders" in Europe/Berlin',
} as const satisfies Readonly<Record<Maker, string>>;

/** A room may have a `/` in its name (`a@b/c`), but no capital before it. */
function isZone(text: string): boolean {
  return /^(UTC|GMT|[A-Z][A-Za-z_]+\/[A-Z][\w+/-]*)$/.test(text);
}

function wrong(words: string): MicroError {
  return new MicroError("invalid_argument", words);
}
