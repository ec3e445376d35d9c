import { createHash } from "node:crypto";
import { MicroError } from "../../core/errors.ts";
import { plainText } from "../../core/plain-text.ts";
import type { Alert, Link, Severity } from "../alert.ts";

/** What a request of a source says. */
export interface Reading {
  /** None: nothing that we keep. */
  readonly groups: readonly ReadGroup[];
  /** Its alerts carry the times that they began at, so one that says the same is the same, told again. */
  readonly timed: boolean;
}

export interface ReadGroup {
  readonly group: string;
  /** 1 to `MOST_ALERTS`. */
  readonly alerts: readonly Alert[];
  readonly left?: number;
}

/**
 * Reads the parsed body of a request. Pure. @param now epoch ms, for what carries no time
 * @throws MicroError `invalid_argument` that names the field and what it should be, and repeats no value
 */
export type Reader = (body: unknown, now: number) => Reading;

/** Of one request. */
export const MOST_ALERTS = 500;
const MOST_LABELS = 64;
const MOST_LINKS = 8;
const LABEL = 1000;
/** Characters of all labels of one alert. */
const LABELS = 16_000;
const LINE = 1000;
const DESCRIPTION = 4000;
const NAME = 200;
const URL_LENGTH = 2000;

/** Text of strangers in one line. */
export function lineOf(value: unknown, most = LINE): string {
  // Most of it is a word or a line already.
  if (typeof value === "string" && value.length <= most && PLAIN.test(value)) return value;
  return cut(textOf(value).replace(/\s+/g, " ").trim(), most);
}

/** Printable ASCII with single blanks within. */
const PLAIN = /^[\x21-\x7e]*(?: [\x21-\x7e]+)*$/;

/** The same in several. */
export function descriptionOf(value: unknown): string | undefined {
  const text = cut(textOf(value).trim(), DESCRIPTION);
  return text === "" ? undefined : text;
}

export function nameOf(...values: readonly unknown[]): string {
  for (const value of values) {
    const name = lineOf(value, NAME);
    if (name !== "") return name;
  }
  return "alert";
}

function textOf(value: unknown): string {
  if (typeof value === "string") return plainText(value);
  return typeof value === "number" || typeof value === "boolean" ? String(value) : "";
}

function cut(text: string, most: number): string {
  // Not between the two halves of a character.
  return text.length <= most ? text : `${text.slice(0, most - 1).replace(/[\uD800-\uDBFF]$/, "")}…`;
}

/** What is no text, number or switch is left out, and what is too much. */
export function labelsOf(values: Readonly<Record<string, unknown>>): Readonly<Record<string, string>> {
  const labels: Record<string, string> = {};
  let [count, size] = [0, 0];
  for (const [key, value] of Object.entries(values)) {
    const [name, text] = [lineOf(key, LABEL), lineOf(value, LABEL)];
    if (name === "" || text === "" || name === "__proto__") continue;
    size += name.length + text.length;
    count += 1;
    if (count > MOST_LABELS || size > LABELS) break;
    labels[name] = text;
  }
  return labels;
}

/** Only what leads to a page. */
export function linksOf(candidates: readonly (readonly [string, unknown])[]): readonly Link[] {
  const links = new Map<string, Link>();
  for (const [label, value] of candidates) {
    const url = addressOf(value);
    if (url !== undefined && links.size < MOST_LINKS && !links.has(url)) {
      links.set(url, { label: lineOf(label, 40) || "link", url });
    }
  }
  return [...links.values()];
}

function addressOf(value: unknown): string | undefined {
  if (typeof value !== "string" || value.length > URL_LENGTH || !/^https?:\/\//i.test(value)) return undefined;
  try {
    const { href, username, password } = new URL(value);
    return username === "" && password === "" && href.length <= URL_LENGTH ? href : undefined;
  } catch {
    return undefined;
  }
}

const CRITICAL = /^(?:critical|crit|fatal|emergency|emerg|page|disaster|error|err|high|urgent|p[01]|sev[01]|0|1)$/i;
const INFO = /^(?:info|information|informational|notice|low|none|debug|ok|p[45]|sev[45]|4|5)$/i;

/** The words that monitoring has for it; what says nothing is a warning. */
export function severityOf(value: unknown): Severity {
  const word = lineOf(value, 40);
  if (CRITICAL.test(word)) return "critical";
  return INFO.test(word) ? "info" : "warning";
}

/** RFC 3339, or seconds or milliseconds since 1970. `undefined`: it is no time, or Go's zero one. */
export function timeOf(value: unknown): number | undefined {
  const ms = typeof value === "number" ? (value < 1e11 ? value * 1000 : value) : Date.parse(textOf(value));
  return Number.isFinite(ms) && ms > 0 && ms < 8e15 ? Math.round(ms) : undefined;
}

/** Nothing has begun after we heard of it, whatever the clock of a source says. */
export function startOf(value: unknown, now: number): number {
  return Math.min(timeOf(value) ?? now, now);
}

/** The name of a runbook of ours, alone or with what it takes: `restart-payments node=db1`. What is longer is none, since a part of it is another. */
export function runbookOf(...values: readonly unknown[]): string | undefined {
  return values.find(
    (value): value is string =>
      typeof value === "string" && value.length <= 100 && /^[A-Za-z][\w-]*(?: \w[\w-]*=[\w.:@/-]+)*$/.test(value),
  );
}

/** One for each set of texts. */
export function fingerprintOf(...parts: readonly unknown[]): string {
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 16);
}

/** A group's name as its source gives it; a very long one by its hash. */
function groupNameOf(text: string): string {
  return text.length <= LINE ? text : fingerprintOf(text);
}

/** Each fingerprint once, its last word, and so many at most. @param left that the source itself has left out */
export function groupOf(group: string, all: readonly Alert[], left = 0): ReadGroup {
  const alerts = [...new Map(all.map((alert) => [alert.fingerprint, alert])).values()];
  const over = Math.max(0, alerts.length - MOST_ALERTS) + left;
  return { group: groupNameOf(group), alerts: alerts.slice(0, MOST_ALERTS), ...(over > 0 && { left: over }) };
}

/** Where in the JSON and what is expected there, as a person reads it: `alerts[2].labels: expected record`. */
export function refused(issue: { readonly path: readonly PropertyKey[]; readonly message: string } | undefined): never {
  const path = (issue?.path ?? []).map((part) => (typeof part === "number" ? `[${part}]` : `.${String(part)}`));
  const where = lineOf(path.join("").replace(/^\./, ""), NAME) || "the body";
  const what = (issue?.message ?? "not understood").replace(/^Invalid input: /, "");
  throw new MicroError("invalid_argument", `${where}: ${what}`);
}
