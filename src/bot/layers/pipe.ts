import type { Catalog } from "../../commands/catalog.ts";
import type { AnyCommand } from "../../commands/command.ts";
import { chatLine } from "../../commands/line.ts";
import { applyStages, checkStages } from "../../commands/pipe/apply.ts";
import { quantityOf } from "../../commands/pipe/quantity.ts";
import { isList, type Records, recordsOf } from "../../commands/pipe/records.ts";
import { type Piped, pipedIn } from "../../commands/pipe/split.ts";
import { readStages, type Stage } from "../../commands/pipe/stages.ts";
import { tableView } from "../../commands/pipe/table.ts";
import { unclosedQuote } from "../../commands/unclosed.ts";
import type { Clock } from "../../core/clock.ts";
import { MicroError } from "../../core/errors.ts";
import type { Redactor } from "../../core/redact.ts";
import type { Choice } from "../../inputs/input.ts";
import { type Answer, type Context, type Layer, toldOf } from "../context.ts";
import { hushedRecords } from "../hush.ts";
import { roomOf } from "../long.ts";
import { whose } from "../people.ts";
import { isPicture } from "../picture.ts";
import type { Results } from "../results.ts";
import { turnFor } from "../turn.ts";

export interface PipeInit {
  readonly catalog: () => Catalog;
  readonly results: Results;
  readonly redactor: Redactor;
  readonly clock: Clock;
  /** What a stop waits for. */
  readonly during: (context: Context, work: Promise<unknown>) => void;
}

/**
 * Takes the pipe off a line, so that what is understood, allowed and confirmed is the command alone, and does to its rows what
 * the stages say. What is wrong with them is said before the command runs, where that can be known. Rows are kept, and a line
 * that begins with a `|` goes on with those: it never runs the command again.
 *
 * Secrets are crossed out before anything is looked for in the rows, so that nobody finds one by asking for it.
 */
export function pipe({ catalog, results, redactor, clock, during }: PipeInit): Layer {
  const rowsOf = (command: AnyCommand, result: unknown): Records | undefined => {
    const records = recordsOf(command, result);
    return records && hushedRecords(records, redactor);
  };
  const keep = (context: Context, command: AnyCommand, { whisper }: Answer, records: Records) => {
    const person = whose(context);
    const room = roomOf(context.input.name, context.message.place.room);
    const line = toldOf(context);
    const kept = { ...records, id: context.id, command: command.name, line, at: clock.now() };
    during(context, results.keep(person, room, { ...kept, ...(whisper && { whisper }) }));
  };
  return async (context, next) => {
    const piped = pipedIn(context.line);
    if (piped?.head.words.length === 0) {
      const answer = await next({ ...context, head: chatLine(`pipe ${piped.text}`) });
      const { whisper } = (answer?.result ?? {}) as { readonly whisper?: true };
      return answer && whisper ? { ...answer, whisper } : answer;
    }
    const command = catalog().match(piped?.head ?? context.line)?.command;
    // Whoever else understands such a line is given all of it.
    if (command === undefined) return next(context);
    if (piped) checkQuotes(piped, command);
    const stages = piped && readStages(piped.stages);
    if (stages) checkBefore(command, stages);
    const answer = await next(piped ? { ...context, head: piped.head } : context);
    if (answer?.result === undefined || command.reveals || command.name === "pipe") return answer;
    if (stages === undefined && !isList(command, answer.result)) return answer;
    await turnFor(answer.view);
    const records = rowsOf(command, answer.result);
    if (records === undefined) return stages ? { ...answer, note: NO_ROWS } : answer;
    keep(context, command, answer, records);
    return stages ? through(answer, records, stages, command) : offering(context, answer, records);
  };
}

const NO_ROWS = "this answer has no rows, so the pipe did nothing";

/** @throws MicroError `invalid_argument`: a quote before or within the pipes is not closed, or a line was meant to have the pipes */
function checkQuotes({ head, stages }: Piped, { name, takesLine }: AnyCommand): void {
  const open = unclosedQuote(stages.flat()) ?? (takesLine ? unclosedQuote(head.words) : undefined);
  if (open !== undefined) throw new MicroError("invalid_argument", open.words);
  if (!takesLine) return;
  const words = `the line for \`${name}\` stands in quotes, all of it: else its | is none of it`;
  throw new MicroError("invalid_argument", words);
}

/** @throws MicroError `invalid_argument` when it cannot be piped, or will not have such a field */
function checkBefore(command: AnyCommand, stages: readonly Stage[]): void {
  if (command.reveals) {
    throw new MicroError("invalid_argument", `what \`${command.name}\` tells is a secret, and goes through no pipe`);
  }
  if (command.records?.fields) checkStages(stages, command.records.fields);
}

/** What was changed has been changed, whatever is wrong with the pipe: that is told, and is no failure of the command. */
function through(answer: Answer, records: Records, stages: readonly Stage[], { name, effect }: AnyCommand): Answer {
  try {
    const result = applyStages(records, stages);
    const as = answer.output === "text" ? result.as : "json";
    const note = answer.view.kind === "list" || answer.view.kind === "report" ? answer.view.note : undefined;
    // A picture is of the whole answer, which the pipe was to leave.
    const { file, ...rest } = answer;
    const beside = file !== undefined && !isPicture(file) ? { file } : {};
    return { ...rest, ...beside, output: "text", view: tableView({ ...result, as }, note) };
  } catch (thrown) {
    const { code, message } = MicroError.from(thrown);
    const kept = "its answer is kept: say the pipe alone, a line that begins with |";
    if (effect !== "write") throw new MicroError(code, `${message}; ${kept}`);
    const text = `\`${name}\` was carried out, but not its pipe: ${message}; ${kept}`;
    return { ...answer, output: "text", view: { kind: "text", text } };
  }
}

/** What can be done next with many rows, where there are buttons. */
function offering({ id, input }: Context, answer: Answer, { rows, fields }: Records): Answer {
  if (!input.limits.buttons || rows.length < 3) return answer;
  const measured = fields.find((name) => /^[\w.]+$/.test(name) && quantityOf(rows[0]?.[name]).kind !== "text");
  const go = (stages: string) => `pipe --of ${id} ${stages}`;
  const choices: readonly Choice[] = [
    ...(measured === undefined ? [] : [{ label: `Sort by ${measured}`, line: go(`sort -${measured}`) }]),
    ...(rows.length > 10 ? [{ label: "Top 10", line: go("top 10") }] : []),
    { label: "JSON", line: go("json") },
  ];
  return { ...answer, choices: [...(answer.choices ?? []), ...choices] };
}
