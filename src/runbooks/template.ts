import { z } from "zod";
import type { Catalog } from "../commands/catalog.ts";
import type { AnyCommand } from "../commands/command.ts";
import { type Field, fields } from "../commands/fields.ts";
import { lineOf } from "../commands/form.ts";
import { chatLine } from "../commands/line.ts";
import { parse } from "../commands/parse.ts";
import { pipedIn } from "../commands/pipe/split.ts";
import { MicroError } from "../core/errors.ts";
import { CROSSED_OUT } from "../core/redact.ts";
import { type Reference, readReference } from "./reference.ts";
import type { Scope, Where } from "./runbook.ts";

/**
 * A command line with holes: `call orders Orders.Drain {"region":"${region}"}`. What is filled in stays one value of the field
 * that its hole stands in, whatever it looks like: a line is first taken apart with the holes in it, as the command's own
 * parser does, then its values are filled, and a line is made of them anew that is read back before it is used.
 */
export interface Template {
  /** As the file has it. */
  readonly text: string;
  readonly references: readonly Reference[];
  /** The line with a mark in each hole's stead, which nothing else looks like. */
  readonly marked: string;
  /** Where in its file it stands, if it is of one. */
  readonly at?: Where;
}

const LONGEST = 4000;
const MARK = /zq(\d+)qz/g;

/** `$${` is `${` itself. @throws MicroError `invalid_argument` with `details.at` */
export function readTemplate(text: string): Template {
  const fail = (words: string, at: number) => {
    throw new MicroError("invalid_argument", words, { details: { at } });
  };
  const line = text.trim();
  if (line === "") fail("a command line is expected", 0);
  if (line.length > LONGEST) fail(`a command line has ${LONGEST} characters at most`, 0);
  if (/zq\d+qz/.test(line)) fail("the line has a word in it that stands for something else here (zq…qz)", 0);
  const references: Reference[] = [];
  let marked = "";
  let from = 0;
  for (let at = line.indexOf("${"); at !== -1; at = line.indexOf("${", from)) {
    if (line[at - 1] === "$" && at > from) {
      marked += `${line.slice(from, at - 1)}\${`;
      from = at + 2;
      continue;
    }
    const end = line.indexOf("}", at);
    if (end === -1) fail("`${` is not closed", at);
    try {
      references.push(readReference(line.slice(at + 2, end)));
    } catch (error) {
      fail(MicroError.from(error).message, at);
    }
    marked += `${line.slice(from, at)}zq${references.length - 1}qz`;
    from = end + 1;
  }
  return { text: line, references, marked: marked + line.slice(from) };
}

/** A line whose command and fields are known, with its holes. */
export interface Understood {
  readonly command: AnyCommand;
  /** By field, as texts; the marks of holes are in them. */
  readonly given: Readonly<Record<string, unknown>>;
}

/**
 * Takes a line apart without looking at what its values are worth.
 * @throws MicroError `not_found` (no such command), `invalid_argument` (an unknown option, too many words, a pipe)
 */
export function understand(text: string, catalog: Catalog): Understood {
  const line = chatLine(text);
  // It would be taken off before the command is understood: what is checked here would not be what is done.
  if (pipedIn(line)) {
    throw new MicroError("invalid_argument", NO_PIPE);
  }
  const match = catalog.match(line);
  if (match === undefined) {
    const near = catalog.nearest(line, 3).map(({ name }) => `\`${name}\``);
    const said = line.words[0]?.text.slice(0, 40) ?? "";
    const hint = near.length === 0 ? "" : `; the nearest are ${near.join(", ")}`;
    throw new MicroError("not_found", `there is no command "${said.replace(MARK, "${…}")}"${hint}`);
  }
  const { command } = match;
  return { command, given: parse({ ...match, command: loosely(command) }).input };
}

const NO_PIPE =
  "a step's line has no pipe: its result is looked at by later steps, as in `when: steps.look.result.count > 3`; leave out what begins with ` | `, or put a | that belongs to the line into quotes";

/** The line with its holes filled. @throws MicroError `invalid_argument`: a value that cannot stand where its hole is */
export function fill(template: Template, scope: Scope, catalog: Catalog): string {
  if (template.references.length === 0) return template.marked;
  const values = template.references.map((reference) => {
    const value = scope(reference);
    if (value === undefined || value === null) {
      throw new MicroError("invalid_argument", `\`\${${reference.join(".")}}\` has no value in \`${template.text}\``);
    }
    if (plainText(value).includes(CROSSED_OUT)) {
      throw unfit(template, `\${${reference.join(".")}} is a secret, and secrets are not kept for later steps`);
    }
    return value;
  });
  const { command, given } = understand(template.marked, catalog);
  const filled: Record<string, string> = {};
  for (const field of fields(command)) {
    const value = given[field.name];
    if (value !== undefined) filled[field.name] = fillField(field, value, values, template);
  }
  const line = lineOf(command, filled);
  const again = understand(line, catalog);
  const same =
    again.command === command && fields(command).every((field) => sameText(field, filled, again.given[field.name]));
  if (same) return line;
  throw unfit(template, "what is filled in would change what the line means");
}

/** Whether a field reads as it was meant to. */
function sameText(field: Field, meant: Readonly<Record<string, string>>, read: unknown): boolean {
  const text = meant[field.name];
  if (text === undefined) return read === undefined || asText(read) === String(field.default);
  if (read === undefined) return text === String(field.default) || (field.type === "boolean" && text === "false");
  return asText(read) === text.trim();
}

function fillField(field: Field, value: unknown, values: readonly unknown[], template: Template): string {
  const text = asText(value);
  const json = field.place === "rest" && /^[{[]/.test(text);
  const done = json ? inJson(text, values) : text.replace(MARK, (_mark, index) => plainText(values[Number(index)]));
  if (done === text) return text;
  const several = field.type === "list" || field.type === "pairs";
  if (several && done.split("\n").length !== text.split("\n").length) {
    throw unfit(template, `a value for ${field.name} has several lines`);
  }
  if (done.split("\n").some((one) => one.trim() === "")) throw unfit(template, `the value for ${field.name} is empty`);
  if (done.trim() !== done) throw unfit(template, `the value for ${field.name} begins or ends with a blank`);
  if (field.type === "boolean" && done !== "true" && done !== "false") {
    throw unfit(template, `${field.name} is true or false, not "${done.slice(0, 40)}"`);
  }
  if (json && isJson(text.replace(MARK, "0")) && !isJson(done)) throw unfit(template, "it would be no JSON");
  return done;
}

function asText(value: unknown): string {
  if (Array.isArray(value)) return value.map(String).join("\n");
  if (typeof value === "object" && value !== null) {
    return Object.entries(value)
      .map(([name, one]) => `${name}=${String(one)}`)
      .join("\n");
  }
  return String(value);
}

function plainText(value: unknown): string {
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/** Within a JSON text a value becomes part of it: in quotes as characters, elsewhere as JSON. All but ASCII is escaped. */
function inJson(text: string, values: readonly unknown[]): string {
  let quoted = false;
  let done = "";
  for (let at = 0; at < text.length; at++) {
    const mark = /^zq(\d+)qz/.exec(text.slice(at, at + 12));
    if (mark) {
      const value = values[Number(mark[1])];
      const json = escaped(JSON.stringify(quoted ? plainText(value) : value));
      done += quoted ? json.slice(1, -1) : json;
      at += mark[0].length - 1;
      continue;
    }
    if (quoted && text[at] === "\\") done += text[at++];
    else if (text[at] === '"') quoted = !quoted;
    done += text[at] ?? "";
  }
  return done;
}

function escaped(json: string): string {
  return json.replace(/[^\x20-\x7e]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function unfit(template: Template, why: string): MicroError {
  return new MicroError("invalid_argument", `\`${template.text}\` cannot be said: ${why}`);
}

const loose = new WeakMap<AnyCommand, AnyCommand>();

/** The command with the same fields, each of which takes anything: a hole is no number yet. */
function loosely(command: AnyCommand): AnyCommand {
  const before = loose.get(command);
  if (before) return before;
  const { target: _target, ...rest } = command;
  const made: AnyCommand = {
    ...rest,
    takesAnyName: true,
    input: z.object(
      Object.fromEntries(fields(command).map((field) => [field.name, z.any().optional().meta(metaOf(field))])),
    ),
  };
  loose.set(command, made);
  return made;
}

function metaOf({ type, short }: Field): Record<string, unknown> {
  const json = type === "list" ? "array" : type === "pairs" ? "object" : type;
  return { type: json, ...(short === undefined ? {} : { short }) };
}

/** What an understood line lacks or has wrong, as far as that is known before its holes are filled. */
export function flawOf({ command, given }: Understood): string | undefined {
  const whole = !JSON.stringify(given).match(/zq\d+qz/);
  if (whole) {
    const checked = command.input.safeParse(given);
    if (checked.success) return undefined;
    const [issue] = checked.error.issues;
    return `${issue?.path.join(".") || command.name}: ${issue?.message}`;
  }
  const missing = fields(command).find(({ name, required }) => required && given[name] === undefined);
  if (missing) return `\`${command.name}\` wants ${missing.name}`;
  const { shape } = command.input as { readonly shape?: Readonly<Record<string, z.ZodType>> };
  for (const [name, value] of Object.entries(given)) {
    if (JSON.stringify(value).match(/zq\d+qz/)) continue;
    const checked = shape?.[name]?.safeParse(value);
    if (checked && !checked.success) return `${name}: ${checked.error.issues[0]?.message}`;
  }
  return undefined;
}
