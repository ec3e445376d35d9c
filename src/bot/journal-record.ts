import { createHash } from "node:crypto";
import type { IncomingMessage } from "../inputs/input.ts";
import type { Taken } from "./journal.ts";

/** What the journal keeps of a message in the shared store: while it is open everything, then only that it was there. */
export type JournalRecord = OpenRecord | ClosedRecord;

export interface OpenRecord extends Omit<Taken, "message" | "hidden"> {
  /** The replica that works on it; empty: nobody. */
  readonly by: string;
  /** How many had it before. */
  readonly before: number;
  /** A write was started. */
  readonly begun?: true;
  /** What that was, where the message says something else. */
  readonly meant?: string;
  readonly message: IncomingMessage;
  /** `message.text` is not what was said: only the beginning, or secrets are crossed out in it. */
  readonly cut?: true;
}

export interface ClosedRecord {
  /** Epoch ms, of when it was taken. */
  readonly at: number;
}

const PREFIX = "journal.";

/** Parts of the journal that are looked through one after the other, so that nobody has to read all of it at once. */
export const SHARDS: readonly string[] = [..."0123456789abcdef"].map((digit) => `${PREFIX}${digit}.`);

/** The same for the same message; ids are as long as networks like. */
export function keyFor({ input, message }: Pick<Taken, "input" | "message">): string {
  const hash = createHash("sha256").update(`${input}:${message.id}`).digest("hex");
  return `${PREFIX}${hash[0]}.${hash.slice(1, 40)}`;
}

export function isOpen(record: JournalRecord): record is OpenRecord {
  return "by" in record;
}

/** Characters of a text that are kept; a longer one is not begun anew, only spoken of. */
const WHOLE = 16_384;
const BEGINNING = 200;

export function openRecord(taken: Taken, by: string): OpenRecord {
  const { id, input, caller, at, message, hidden } = taken;
  const { filled, ...said } = message;
  const size = message.text.length + (filled === undefined ? 0 : JSON.stringify(filled).length);
  if (size <= WHOLE && !hidden) return { by, before: 0, id, input, caller, at, message };
  return { by, before: 0, id, input, caller, at, cut: true, message: { ...said, text: said.text.slice(0, BEGINNING) } };
}

/** `undefined`: it is none, or one of a version to come. */
export function readRecord(value: string): JournalRecord | undefined {
  try {
    const record = JSON.parse(value) as Partial<OpenRecord>;
    if (typeof record.at !== "number") return undefined;
    if (record.by === undefined) return { at: record.at };
    return record.message === undefined || record.input === undefined ? undefined : (record as OpenRecord);
  } catch {
    return undefined;
  }
}
