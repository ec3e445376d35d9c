import { distance } from "fastest-levenshtein";
import { z } from "zod";
import { createCatalog } from "../../commands/catalog.ts";
import type { AnyCommand } from "../../commands/command.ts";
import { fields } from "../../commands/fields.ts";
import { chatLine } from "../../commands/line.ts";
import { type Need, PARTS } from "../../commands/needs.ts";
import { parse } from "../../commands/parse.ts";
import { MicroError } from "../../core/errors.ts";

const fn = z.custom((value) => typeof value === "function", "must be a function");
const names = z.array(z.string());
const yes = z.literal(true, "can only be `true`");

/** What a definition may hold. Whatever its words, they follow the name of the field. */
const DEFINITION = {
  name: z.string("must be a text: the words that select it"),
  aliases: z.array(z.string(), "must be a list of names").optional(),
  summary: z
    .string("must be a text: one line that tells what it does")
    .regex(/^[^\n]{1,200}$/, "must be one line of 200 characters at most")
    .regex(/[^.]$/, "ends without a full stop"),
  input: z.custom(
    (value) => typeof value === "object" && value !== null && "shape" in value && "safeParse" in value,
    "must be `z.object({ … })`, with a field for each argument",
  ),
  words: names.optional(),
  rest: z.string().optional(),
  permission: z
    .string('must be a text such as "orders:restart": the grant that who says it needs')
    .regex(/^[a-z][\w.-]*:[\w.*-]+$/, 'must be `area:verb`, such as "orders:restart"'),
  effect: z.enum(["read", "write"], 'must be "read", or "write" for what changes something and is confirmed first'),
  whilePaused: yes.optional(),
  boundAs: names.optional(),
  confirm: z.literal(false, "can only be `false`").optional(),
  inPerson: yes.optional(),
  maxMs: z.number("must be a number of milliseconds").positive().optional(),
  aside: yes.optional(),
  personal: yes.optional(),
  urgent: yes.optional(),
  secrets: names.optional(),
  needs: z.array(z.custom<Need>(isNeed, `can name ${PARTS.join(", ")} and secrets:NAME`), "must be a list").optional(),
  worker: z
    .union([z.literal(true), z.strictObject({ memoryMb: size(8, 4096), timeMs: size(1, 86_400_000) })], {
      error: "must be `true` or `{ memoryMb: 8 to 4096, timeMs: 1 to 86400000 }`",
    })
    .optional(),
  details: names.optional(),
  examples: names.optional(),
  run: fn,
  view: fn,
  file: fn.optional(),
  target: fn.optional(),
  takesAnyName: yes.optional(),
  touches: fn.optional(),
  reveals: fn.optional(),
  complete: fn.optional(),
};

function size(least: number, most: number) {
  return z.number().min(least).max(most).optional();
}

function isNeed(value: unknown): boolean {
  const word = String(value);
  return (PARTS as readonly string[]).includes(word) || /^secrets:[A-Za-z][\w.-]{0,63}$/.test(word);
}

/** Something that was to be a command: it has the look of one, right or wrong. */
export function isMeant(value: unknown): value is object {
  return typeof value === "object" && value !== null && ("run" in value || ("name" in value && "input" in value));
}

/** Something that is wrong with a definition. */
export interface Flawed {
  /** A sentence. */
  readonly why: string;
  /** What the command is called, if it says so. */
  readonly name?: string;
  /** The field that it is about. */
  readonly key?: string;
  /** What stands there and is wrong. */
  readonly said?: string;
}

/** What is wrong with a command's definition, a sentence each; nothing where it can be loaded. */
export function problemsOf(given: object): readonly string[] {
  return flawsOf(given).map(({ why }) => why);
}

/** What is wrong with a command's definition, and with which part. The same for `micro lint` and for a file that was just saved. */
export function flawsOf(given: object): readonly Flawed[] {
  const { name: called } = given as { readonly name?: unknown };
  const name = typeof called === "string" ? { name: called } : {};
  const unknown = Object.keys(given)
    .filter((key) => !Object.hasOwn(DEFINITION, key))
    .map((key) => ({ ...name, key, why: `there is no field \`${key}\`${meant(key)}` }));
  const checked = z.object(DEFINITION).safeParse(given);
  const issues = checked.success ? [] : checked.error.issues;
  const wrong = new Map(
    issues.map(({ path, message }) => {
      const why = `\`${spelled(path)}\` ${message}`;
      return [why, { ...name, key: String(path[0]), why }];
    }),
  );
  const flaws = [...unknown, ...wrong.values()];
  return flaws.length > 0 ? flaws : flawsWithin(given as AnyCommand).map((flaw) => ({ ...name, ...flaw }));
}

/** What only shows once the parts are what they should be. */
function flawsWithin(command: AnyCommand): readonly Flawed[] {
  try {
    const known = new Set(fields(command).map(({ name }) => name));
    const lost = (command.secrets ?? []).filter((name) => !known.has(name));
    if (lost.length > 0) {
      return [{ key: "secrets", why: `\`secrets\` names ${lost.join(", ")}, and \`input\` has no such field` }];
    }
    const catalog = createCatalog([command]);
    return (command.examples ?? []).flatMap((example) => {
      const of = { key: "examples", said: example };
      const match = catalog.match(chatLine(example));
      if (match === undefined)
        return [{ ...of, why: `the example "${example}" does not begin with "${command.name}"` }];
      try {
        parse(match);
        return [];
      } catch (thrown) {
        return [{ ...of, why: `the example "${example}" is not understood: ${MicroError.from(thrown).message}` }];
      }
    });
  } catch (thrown) {
    return [{ why: MicroError.from(thrown).message }];
  }
}

function meant(key: string): string {
  const [best] = Object.keys(DEFINITION)
    .map((name) => ({ name, far: distance(key, name) }))
    .sort((a, b) => a.far - b.far);
  return best && best.far <= Math.max(2, key.length / 3) ? `; did you mean \`${best.name}\`?` : "";
}

function spelled(path: readonly PropertyKey[]): string {
  return path
    .map((part, at) => (typeof part === "number" ? `[${part}]` : `${at > 0 ? "." : ""}${String(part)}`))
    .join("");
}
