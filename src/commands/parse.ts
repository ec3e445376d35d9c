import { MicroError } from "../core/errors.ts";
import type { Match } from "./catalog.ts";
import { type Field, fields, usage, valueName } from "./fields.ts";
import { nearlyOther } from "./further-names.ts";
import { jsonEnd, type Line, type Word } from "./line.ts";
import { doubtfulName } from "./names.ts";
import { unclosedQuote } from "./unclosed.ts";

/** `json`: the facts; `raw`: what a service answered, not laid out anew. */
export type Output = "text" | "json" | "raw";

/** A command with everything it needs to run. */
export interface Parsed {
  readonly input: Record<string, unknown>;
  readonly output: Output;
  /** Where its fields' values stand in the line, in that order; also those that a later one took the place of. */
  readonly values: readonly Value[];
}

/** Where in a line the trouble stands, for a caret under it. */
export interface Mark {
  readonly start: number;
  readonly end: number;
}

/** A field's value as it stands in a line, without an option's name and without quotes. */
export interface Value extends Mark {
  readonly field: string;
}

/**
 * Turns the words after a command's name into its typed input. Options may stand anywhere; `--` ends them; JSON and other
 * rests of a line are taken from the text as they stand. A list or pairs that is the last of `words` takes each word that is left.
 * @throws MicroError `invalid_argument` with `details.usage` and, where a word is to blame, `details.mark` and `details.line`
 */
export function parse(match: Match): Parsed {
  const { command, line } = match;
  const specs = fields(command);
  const other = nearlyOther(match);
  if (other !== undefined) throw wrong(match, other.words, other.word);
  const given: Record<string, unknown> = {};
  const marks: Record<string, Mark> = {};
  const values: Value[] = [];
  let output: Output = "text";
  let optionsOver = false;
  let wordIndex = 0;

  for (let at = match.from; at < line.words.length; at++) {
    const word = line.words[at] as Word;
    if (!optionsOver && !word.quoted && isOption(word.text)) {
      if (word.text === "--") {
        optionsOver = true;
        continue;
      }
      const option = readOption(word.text);
      const field = option.name === "output" || option.name === "o" ? OUTPUT : findOption(specs, option.name);
      if (field === undefined) {
        throw wrong(match, `${command.name} has no option ${word.text.split("=")[0]}`, word);
      }
      const apart = option.value === undefined && field.type !== "boolean";
      const holder = apart ? line.words[++at] : word;
      const value = option.value ?? (apart ? holder?.text : "true");
      if (holder === undefined || value === undefined) {
        throw wrong(match, `--${field.name} wants a value: ${valueName(field)}`, word);
      }
      if (field === OUTPUT) output = readOutput(match, value, holder);
      else if (field.type === "pairs" && !/^[^=]+=/.test(value)) {
        throw wrong(match, `--${field.name} wants ${valueName(field)}, not "${shortened(value)}"`, holder);
      } else take(given, field, value);
      marks[field.name] = holder;
      const equals = option.value === undefined ? 0 : line.text.slice(word.start, word.end).indexOf("=") + 1;
      const { start, end } = inside(holder);
      values.push({ field: field.name, start: start + equals, end });
      continue;
    }
    const field = specs[wordIndex];
    // The last of the words takes all that come, where it can hold them.
    const last = specs[wordIndex + 1]?.place !== "word" && specs[wordIndex + 1]?.place !== "rest";
    const several = field?.type === "list" || field?.type === "pairs";
    if (!(several && last)) wordIndex++;
    if (field === undefined || field.place === "option") {
      const open = unclosedQuote(line.words.slice(match.from, at + 1));
      if (open !== undefined) throw wrong(match, open.words, open.word);
      const [, key = ""] = /^([\w-]+)=/.exec(word.text) ?? [];
      // As a runbook's parameters are said, which are no options.
      const meant = key === "" ? undefined : findOption(specs, key);
      const how = meant === undefined ? "" : `: an option is said as --${meant.name}=…`;
      throw wrong(match, `${command.name} does not know what to do with "${shortened(word.text)}"${how}`, word);
    }
    if (field.place === "word") {
      if (field.type === "pairs" && !/^[^=]+=/.test(word.text)) {
        throw wrong(match, `${field.name} wants ${valueName(field)}, not "${shortened(word.text)}"`, word);
      }
      const twice = field.type === "pairs" ? keyTwice(given[field.name], word.text) : undefined;
      if (twice !== undefined) throw wrong(match, `${shortened(twice)} is given twice: say which of them counts`, word);
      take(given, field, word.text);
      marks[field.name] = word;
      values.push({ field: field.name, ...inside(word) });
      continue;
    }
    const unquoted = quotedJson(word) ?? quotedPipe(word, line);
    if (unquoted !== undefined) {
      given[field.name] = unquoted;
      marks[field.name] = word;
      values.push({ field: field.name, ...inside(word) });
      continue;
    }
    const end = restEnd(line, word);
    if (/\S/.test(line.text[end] ?? " ")) {
      throw wrong(match, "there is something right behind the JSON: put a blank between", { start: end, end: end + 1 });
    }
    given[field.name] = line.text.slice(word.start, end);
    marks[field.name] = { start: word.start, end };
    values.push({ field: field.name, start: word.start, end });
    while ((line.words[at + 1]?.start ?? Number.POSITIVE_INFINITY) < end) at++;
  }

  const checked = command.input.safeParse(given);
  if (checked.success) {
    const input = checked.data as Record<string, unknown>;
    const doubtful = doubtfulName(command, line, match.from, input);
    if (doubtful === undefined) return { input, output, values };
    const { words, start, end } = doubtful;
    throw wrong(match, words, start === undefined || end === undefined ? undefined : { start, end });
  }
  const issue = checked.error.issues[0];
  const field = specs.find((spec) => spec.name === issue?.path[0]);
  const mark = field && marks[field.name];
  throw wrong(
    match,
    explained(issue?.message ?? "not understood", field, mark && line.text.slice(mark.start, mark.end)),
    mark,
  );
}

/** A definition's own words as they are; the schema library's, turned into ours. */
function explained(message: string, field: Field | undefined, said: string | undefined): string {
  if (field === undefined || !/^(Invalid|Too|Unrecognized)/.test(message)) return message;
  const name = field.place === "option" ? `--${field.name}` : field.name;
  if (/^Invalid (input|option)/.test(message)) {
    return `${name} wants ${valueName(field)}${said === undefined ? "" : `, not "${shortened(said)}"`}`;
  }
  return `${name}: ${message.charAt(0).toLowerCase()}${message.slice(1)}`;
}

/** Every command takes it, so no command declares it. */
const OUTPUT: Field = {
  name: "output",
  type: "string",
  place: "option",
  required: false,
  description: "text, json (the facts) or raw (what a service answered, as it came)",
  choices: ["text", "json", "raw"],
  default: "text",
  short: "o",
};

function isOption(text: string): boolean {
  return text[0] === "-" && text.length > 1 && !/^-[\d.]/.test(text);
}

function readOption(text: string): { name: string; value: string | undefined } {
  const bare = text.slice(text[1] === "-" ? 2 : 1);
  const equals = bare.indexOf("=");
  return equals === -1
    ? { name: bare, value: undefined }
    : { name: bare.slice(0, equals), value: bare.slice(equals + 1) };
}

function findOption(specs: readonly Field[], name: string): Field | undefined {
  const plain = name.includes("-") ? name.replaceAll("-", "_") : name;
  return specs.find((field) => field.place === "option" && (field.name === plain || field.short === name));
}

/** A text becomes what its field's type asks for; what does not fit stays text, and the schema says so. */
function take(given: Record<string, unknown>, field: Field, text: string): void {
  switch (field.type) {
    case "integer":
    case "number":
      given[field.name] = text.trim() === "" || Number.isNaN(Number(text)) ? text : Number(text);
      break;
    case "boolean":
      given[field.name] = text === "true" ? true : text === "false" ? false : text;
      break;
    // Added to what is there: a copy for each of thousands would let others wait for seconds.
    case "list": {
      given[field.name] ??= [];
      (given[field.name] as string[]).push(text);
      break;
    }
    case "pairs": {
      const equals = text.indexOf("=");
      given[field.name] ??= Object.create(null);
      if (equals > 0) (given[field.name] as Record<string, string>)[text.slice(0, equals)] = text.slice(equals + 1);
      break;
    }
    default:
      given[field.name] = text;
  }
}

/** The name in `name=value`, if there is a value for it already. */
function keyTwice(before: unknown, text: string): string | undefined {
  const key = text.slice(0, text.indexOf("="));
  return before !== undefined && Object.hasOwn(before as object, key) ? key : undefined;
}

/** A word without its quotes. */
function inside({ start, end, quoted }: Word): Mark {
  return quoted ? { start: start + 1, end: end - 1 } : { start, end };
}

/** JSON in the quotes that a shell wants around it, as it is pasted from there into a chat. */
function quotedJson({ quoted, text }: Word): string | undefined {
  const json = text.trim();
  return quoted && /^[{[]/.test(json) && jsonEnd(json, 0) === json.length ? json : undefined;
}

/** All of a rest in quotes that a `|` in it needs, or it would be a pipe. */
function quotedPipe(word: Word, { words }: Line): string | undefined {
  return word.quoted && word === words.at(-1) && word.text.includes("|") ? word.text : undefined;
}

/** A JSON value ends where its brackets do, so options may follow it; any other text goes on to the end. */
function restEnd(line: Line, word: Word): number {
  const first = line.text[word.start];
  const end = first === "{" || first === "[" ? jsonEnd(line.text, word.start) : -1;
  return end === -1 ? line.text.trimEnd().length : end;
}

function readOutput(match: Match, value: string, word: Word): Output {
  if (value === "text" || value === "json" || value === "raw") return value;
  throw wrong(match, `--output is text, json or raw, not "${shortened(value)}"`, word);
}

function wrong(match: Match, words: string, place?: Mark): MicroError {
  // Where a line may hold a secret, nothing of it is shown.
  const secret = (match.command.secrets ?? []).length > 0;
  const message = secret ? words.replace(/"[^"]*"/gs, "that") : words;
  const mark = secret ? undefined : place;
  return new MicroError("invalid_argument", message, {
    details: {
      usage: usage(match.command),
      ...(mark ? { line: match.line.text, mark: { start: mark.start, end: mark.end } } : {}),
    },
  });
}

function shortened(text: string): string {
  return text.length > 40 ? `${text.slice(0, 39)}…` : text;
}
