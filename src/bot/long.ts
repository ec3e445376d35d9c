import type { AnyCommand } from "../commands/command.ts";
import { type Asker, type LongAnswers, moreCommands, type Page } from "../commands/more.ts";
import type { Clock } from "../core/clock.ts";
import { MicroError } from "../core/errors.ts";
import type { Choice } from "../inputs/input.ts";
import type { Context, Layer } from "./context.ts";
import { type KeepRest, linesWithin } from "./fit.ts";
import { whose } from "./people.ts";

export interface LongInit {
  readonly clock: Clock;
  /** What the bot is called. */
  readonly name: string;
  /** @default 1800000 */
  readonly keepMs?: number;
  /** How many answers at most; the oldest go first. @default 200 */
  readonly max?: number;
  /** How many characters, all together. @default 16000000 */
  readonly maxLength?: number;
}

/** Keeps what did not fit into a message, for a while, so that people can read on. */
export interface Long {
  /** `more` and `filter`. */
  readonly commands: readonly AnyCommand[];
  /** Keeps what an answer to this message could not show. @param whisper only who asked may read on */
  keep(context: Context, whisper: boolean): KeepRest;
  /** Puts what can be done next beside a page. */
  readonly offer: Layer;
}

interface Kept {
  readonly lines: readonly string[];
  readonly length: number;
  readonly asker: Asker;
  readonly whisper: boolean;
  readonly at: number;
  /** Where each page begins, by line. */
  readonly pages: readonly number[];
}

export function createLong({ clock, name, keepMs = 1_800_000, max = 200, maxLength = 16_000_000 }: LongInit): Long {
  const all = new Map<string, Kept>();
  let length = 0;

  const drop = (id: string) => {
    length -= all.get(id)?.length ?? 0;
    all.delete(id);
  };
  const expire = () => {
    for (const [id, { at }] of all) if (at < clock.now() - keepMs) drop(id);
  };
  const find = (id: string, { person, room }: Asker): Kept => {
    expire();
    const kept = all.get(id);
    const theirs = kept?.asker.person === person || (kept && !kept.whisper && kept.asker.room === room);
    if (kept && theirs) return kept;
    const minutes = Math.round(keepMs / 60_000);
    throw new MicroError("not_found", `there is no long answer ${id} for you here; one is kept ${minutes} minutes`);
  };
  const answers: LongAnswers = {
    page: (id, asker, page = 2) => {
      const { lines, pages } = find(id, asker);
      const from = pages[page - 1];
      if (from === undefined) throw new MicroError("not_found", `${id} has ${pages.length} pages`);
      return { lines: lines.slice(from, pages[page]), page, pages: pages.length };
    },
    filter: (id, asker, text) => {
      const { lines } = find(id, asker);
      const wanted = text.toLowerCase();
      return { lines: lines.filter((line) => line.toLowerCase().includes(wanted)), of: lines.length };
    },
  };

  return {
    commands: moreCommands(answers),
    keep: (context, whisper) => (whole, shown) => {
      const { id, input } = context;
      const size = whole.reduce((sum, line) => sum + line.length + 1, 0);
      if (size > maxLength) return undefined;
      expire();
      drop(id);
      const { textLength } = input.limits;
      const room = Math.max(Math.floor(textLength / 2), textLength - NOTE);
      const lines = [...whole.slice(0, shown), ...whole.slice(shown).flatMap((line) => piecesOf(line, room))];
      const pages = pagesOf(lines, shown, room);
      all.set(id, { lines, length: size, asker: askerOf(context), whisper, at: clock.now(), pages });
      length += size;
      for (const oldest of all.keys()) {
        if (all.size <= max && length <= maxLength) break;
        drop(oldest);
      }
      return { line: `${name} more ${id}`, choices: choicesOf(id, 2) };
    },
    offer: async (context, next) => {
      const answer = await next(context);
      const { command, input } = context.run ?? {};
      if (answer === undefined || (command?.name !== "more" && command?.name !== "filter")) return answer;
      const id = String(input?.["id"]);
      const whisper = all.get(id)?.whisper === true;
      const { page, pages } = (answer.result ?? {}) as Partial<Page>;
      const choices = page !== undefined && pages !== undefined && page < pages ? choicesOf(id, page + 1) : undefined;
      return { ...answer, ...(whisper && { whisper }), ...(choices && { choices }) };
    },
  };
}

/** What the words below a page take. */
const NOTE = 120;

/** So many lines are a page at most, however much a message holds. */
const PAGE_LINES = 100;

/** Where pages begin: the first is what was shown, and each that follows fits into a message. */
function pagesOf(lines: readonly string[], shown: number, room: number): readonly number[] {
  const starts = [0];
  for (let at = shown; at < lines.length; ) {
    starts.push(at);
    at += Math.max(1, linesWithin(lines, at, PAGE_LINES, room));
  }
  return starts;
}

/** A line that fits into no message, in pieces that do; no character is cut in two. */
function piecesOf(line: string, room: number): readonly string[] {
  if (line.length <= room) return [line];
  const pieces: string[] = [];
  for (let at = 0; at < line.length; ) {
    let end = Math.min(line.length, at + room);
    const code = line.charCodeAt(end - 1);
    if (end < line.length && code >= 0xd800 && code < 0xdc00) end--;
    pieces.push(line.slice(at, end));
    at = end;
  }
  return pieces;
}

function choicesOf(id: string, page: number): readonly Choice[] {
  return [
    { label: "Next page", line: `more ${id} ${page}` },
    { label: "Filter", line: `filter ${id}` },
  ];
}

function askerOf(context: Context): Asker {
  return { person: whose(context), room: roomOf(context.input.name, context.message.place.room) };
}

/** A room's name among the rooms of all inputs. */
export function roomOf(input: string, room: string): string {
  return `${input}:${room}`;
}
