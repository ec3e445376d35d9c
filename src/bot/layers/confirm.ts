import { chatLine, type Line } from "../../commands/line.ts";
import type { Clock } from "../../core/clock.ts";
import { MicroError } from "../../core/errors.ts";
import type { Choice, OutgoingMessage } from "../../inputs/input.ts";
import { type Context, type Layer, say } from "../context.ts";
import { mannered } from "../manners.ts";
import { whose } from "../people.ts";
import { renderAnswer } from "../render.ts";

/** A write that waits for its yes, or did. */
interface Question {
  readonly line: Line;
  /** Of the message that asked for it. */
  readonly context: Context;
  readonly expiresAt: number;
  /** Who decided what and when. */
  fate?: string;
}

export interface ConfirmInit {
  /** What the bot is called. */
  readonly name: string;
  readonly clock: Clock;
  /** Says something beside the answer. */
  readonly tell: (context: Context, message: OutgoingMessage) => void;
  /** @default 120000 */
  readonly waitMs?: number;
}

/** So many questions are remembered, those decided among them; the oldest go first. */
const KEPT = 1000;

/**
 * Asks before a command that changes things, and takes the answer: `yes` or `no`, from the same caller in the same room,
 * for exactly the line that was shown, once, in time. A bare word answers the caller's last question there; with an id, as
 * a button says it, that one question. Once it is decided the question says so, and its buttons are gone.
 *
 * Two layers: `heard` stands before the line is understood, `ask` after the caller was found to be allowed.
 */
export function confirm(init: ConfirmInit): { readonly heard: Layer; readonly ask: Layer } {
  const { name, clock, tell, waitMs = 120_000 } = init;
  const minutes = Math.round(waitMs / 60_000);
  const questions = new Map<string, Question>();
  /** The id of the last open question, by caller and room. */
  const last = new Map<string, string>();

  const forget = ({ context }: Question) => {
    if (last.get(mine(context)) === context.id) last.delete(mine(context));
  };
  const decide = (question: Question, fate: string) => {
    const { context, line } = question;
    question.fate = fate;
    forget(question);
    const { limits } = context.input;
    if (!limits.edits) return;
    const closing = renderAnswer(say(`${asking(line)}\n${fate}`), context.message.place, limits);
    const { place, parts } = closing;
    tell(context, { place, parts, progress: { key: keyOf(context.id), last: true } });
  };
  /** Those that nobody answered in time lose their buttons when somebody comes by. */
  const expire = () => {
    for (const question of questions.values()) {
      const over = question.fate === undefined && question.expiresAt < clock.now();
      if (over) decide(question, `nobody said yes within ${minutes} minutes, so nothing was done`);
    }
  };

  /** @throws MicroError when there is nothing for this caller to decide */
  const find = (context: Context, { word, id = last.get(mine(context)) }: Said): Question => {
    const question = id === undefined ? undefined : questions.get(id);
    if (question === undefined || where(question.context) !== where(context)) {
      throw whispered("not_found", `there is nothing of yours to say ${word} to; say the command again`);
    }
    const { line, fate } = question;
    if (fate !== undefined) throw whispered("conflict", `that is over: ${line.text}\n${fate}`);
    if (whose(question.context) !== whose(context)) {
      throw whispered("permission_denied", `only ${whoIs(question.context)} can say ${word} to this: ${line.text}`);
    }
    return question;
  };

  return {
    heard: async (context, next) => {
      const said = saidBy(context.line);
      if (said === undefined) return next(context);
      expire();
      const question = find(context, said);
      const at = `${new Date(clock.now()).toISOString().slice(11, 19)} UTC`;
      decide(question, `${whoIs(context)} said ${said.word} to it at ${at}`);
      const { line } = question;
      if (said.word === "no") return say(`not done: ${line.text}`);
      return next({ ...context, line, confirmed: true });
    },
    ask: async (context, next) => {
      const command = context.run?.command;
      if (context.confirmed || command?.effect !== "write" || command.confirm === false) return next(context);
      expire();
      const { id } = context;
      const line = chatLine(context.line.text);
      questions.set(id, { line, context, expiresAt: clock.now() + waitMs });
      last.set(mine(context), id);
      for (const [old, question] of questions) {
        if (questions.size <= KEPT) break;
        questions.delete(old);
        forget(question);
      }
      const words = `say \`${name} yes\` within ${minutes} minutes to do it, \`${name} no\` to drop it; among several, \`${name} yes ${id}\``;
      return { ...say(`${asking(line)}\n${words}`, { choices: choicesOf(id) }), key: keyOf(id) };
    },
  };
}

interface Said {
  readonly word: "yes" | "no";
  readonly id?: string | undefined;
}

/** `yes`, or `yes 03f9a1`, as buttons say it. */
function saidBy({ text }: Line): Said | undefined {
  const match = /^\s*(yes|no)(?:\s+([0-9a-f]{6}))?\s*$/i.exec(text);
  return match ? { word: match[1]?.toLowerCase() as Said["word"], id: match[2]?.toLowerCase() } : undefined;
}

function choicesOf(id: string): readonly Choice[] {
  return [
    { label: "Do it", line: `yes ${id}`, weight: "danger" },
    { label: "No", line: `no ${id}` },
  ];
}

function asking(line: Line): string {
  return `this changes things: ${line.text}`;
}

function keyOf(id: string): string {
  return `ask ${id}`;
}

function where({ input, message }: Context): string {
  return `${input.name} ${message.place.room}`;
}

function mine(context: Context): string {
  return `${whose(context)} ${where(context)}`;
}

/** A name for people, and what the network vouches for, since anybody may take a name. */
function whoIs({ caller, message }: Context): string {
  const { name, id } = message.from;
  return name === id ? name : `${name} (${caller})`;
}

function whispered(code: MicroError["code"], message: string): MicroError {
  return mannered(new MicroError(code, message), { whisper: true });
}
