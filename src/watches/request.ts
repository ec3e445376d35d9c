import { readDuration } from "../core/duration.ts";
import { MicroError } from "../core/errors.ts";
import {
  DEFAULT_EVERY_MS,
  DEFAULT_FOR_MS,
  type Kind,
  LONGEST_EVERY_MS,
  LONGEST_MS,
  SHORTEST_EVERY_MS,
} from "./watch.ts";

/** What stands behind the name of what is watched. */
export interface Request {
  /** `healthy`, or a pattern of versions. */
  readonly until?: string;
  /** Where it is told, if not where it was asked for. */
  readonly room?: string;
  readonly forMs: number;
  readonly everyMs: number;
}

export const EXAMPLES = {
  health: "watch health go.micro.srv.greeter until healthy",
  version: "watch version go.micro.srv.greeter until 2.3.*",
  service: "watch service go.micro.srv.greeter in #ops --for 7d",
  node: "watch node go.micro.srv.greeter-6f8b2c --every 10s",
} as const satisfies Readonly<Record<Kind, string>>;

/** `until 2.3.* in #ops`. @throws MicroError `invalid_argument` */
export function readRequest(
  kind: Kind,
  words: readonly string[],
  options: { readonly for?: string | undefined; readonly every?: string | undefined },
): Request {
  let until: string | undefined;
  let room: string | undefined;
  for (let at = 0; at < words.length; at += 2) {
    const [word = "", value] = [words[at]?.toLowerCase(), words[at + 1]];
    if (word !== "until" && word !== "in") throw wrong(`what is "${words[at]?.slice(0, 40)}"? ${says(kind)}`);
    if (value === undefined) throw wrong(word === "in" ? "in which room?" : `until what? ${says(kind)}`);
    if (word === "in") room = value;
    else until = readUntil(kind, value);
  }
  const forMs = options.for === undefined ? DEFAULT_FOR_MS : readLong(options.for);
  if (forMs < 1000 || forMs > LONGEST_MS) throw wrong("a watch lasts from 1s to 30d: --for 2h");
  const everyMs = options.every === undefined ? DEFAULT_EVERY_MS : readLong(options.every);
  if (everyMs < SHORTEST_EVERY_MS || everyMs > LONGEST_EVERY_MS) {
    throw wrong("nodes are asked every 5s to 1h: --every 30s");
  }
  return { forMs, everyMs, ...(until !== undefined && { until }), ...(room !== undefined && { room }) };
}

function readUntil(kind: Kind, value: string): string {
  if (kind === "health") {
    if (/^(healthy|well|up|ok)$/i.test(value)) return "healthy";
    throw wrong(`health is watched until healthy: ${EXAMPLES.health}`);
  }
  if (kind !== "version") throw wrong("only `watch version` and `watch health` wait for something: leave `until` out");
  if (/^[\w.*+~-]{1,64}$/.test(value)) return value;
  throw wrong(`"${value.slice(0, 40)}" is no version, as 2.3.1 or 2.3.*`);
}

/** A duration that may be one of days. */
function readLong(text: string): number {
  const days = /^(\d{1,4})d$/.exec(text)?.[1];
  return days === undefined ? readDuration(text) : Number(days) * 86_400_000;
}

function says(kind: Kind): string {
  return `it is said like this: ${EXAMPLES[kind]}`;
}

function wrong(words: string): MicroError {
  return new MicroError("invalid_argument", words);
}
