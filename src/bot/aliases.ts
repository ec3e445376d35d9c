import { z } from "zod";
import type { Aliases, AliasRow } from "../commands/alias.ts";
import type { Catalog } from "../commands/catalog.ts";
import { chatLine, type Line } from "../commands/line.ts";
import { pipedIn } from "../commands/pipe/split.ts";
import { readStages } from "../commands/pipe/stages.ts";
import { checkPlaces, substitute } from "../commands/substitute.ts";
import { unclosedQuote } from "../commands/unclosed.ts";
import type { Clock } from "../core/clock.ts";
import { MicroError } from "../core/errors.ts";
import { lookAlike } from "../core/look-alike.ts";
import { keyOf } from "../platform/kv/keys.ts";
import type { Entry, Kv } from "../platform/kv/kv.ts";

export interface AliasesInit {
  readonly kv: Kv;
  readonly clock: Clock;
  readonly catalog: () => Catalog;
  /** Words that are no commands and mean something to the bot (its name, `yes`, `hi`), each with what they are: `a greeting, …`. */
  readonly taken: ReadonlyMap<string, string>;
  readonly mayAll: Aliases["mayAll"];
  /** Whether a line holds what nobody else is to see. */
  readonly holdsSecret: (line: Line) => boolean;
  /** @default 500 */
  readonly max?: number;
  /** @default 100 */
  readonly maxOwn?: number;
}

/** What a line with an alias stands for. */
export interface Expanded {
  readonly line: Line;
  /** The alias that it begins with. */
  readonly alias: AliasRow;
}

export interface KnownAliases extends Aliases {
  /**
   * What is meant by a line that begins with an alias; `undefined`: it begins with none.
   * @throws MicroError `invalid_argument` (words are missing, or it leads back to itself)
   */
  expand(line: Line): Promise<Expanded | undefined>;
}

const NAME = /^[\p{Ll}\p{Lo}\p{N}][\p{Ll}\p{Lo}\p{N}\p{M}_-]{0,31}$/u;
const LONGEST = 1000;
/** Aliases of aliases. */
const DEEPEST = 8;
const PREFIX = "alias";
const schema = z.object({ name: z.string(), line: z.string(), owner: z.string(), at: z.number() });

/** Aliases are keys in the store, so every replica knows them; a command of the same name always counts before one. */
export function createAliases(init: AliasesInit): KnownAliases {
  const { kv, clock, catalog, taken, mayAll, holdsSecret, max = 500, maxOwn = 100 } = init;

  const find = async (name: string): Promise<{ readonly row: AliasRow; readonly entry: Entry } | undefined> => {
    if (!NAME.test(name)) return undefined;
    const entry = await kv.get(keyOf(PREFIX, name));
    const row = entry && read(entry.value);
    return entry && row && { entry, row };
  };
  const all = async () =>
    (await kv.list(`${PREFIX}.`)).map(({ value }) => read(value)).filter((row) => row !== undefined);
  /** A command's name, or the word that some begin with: a slip of the pen would say the alias. */
  const clash = (name: string) => {
    const meaning = taken.get(name);
    if (meaning !== undefined) return `\`${name}\` is ${meaning}`;
    if (!catalog().next([]).includes(name)) return undefined;
    const alone = catalog().match(chatLine(name)) !== undefined;
    if (alone) return `there is a command \`${name}\`, and that counts`;
    const longer = catalog()
      .next([name])
      .slice(0, 3)
      .map((next) => `\`${name} ${next}\``);
    return `commands begin with that word (${longer.join(", ")}), and those count`;
  };
  /** The alias that a line begins with, if it is no command. */
  const named = (line: Line): string | undefined => {
    const first = line.words[0];
    if (first === undefined || first.quoted || catalog().match(line)) return undefined;
    return first.text.toLowerCase();
  };

  const expand = async (line: Line, instead?: AliasRow): Promise<Expanded | undefined> => {
    const met: string[] = [];
    let alias: AliasRow | undefined;
    for (let now = line; ; ) {
      const name = named(now);
      const row = name === undefined ? undefined : name === instead?.name ? instead : (await find(name))?.row;
      if (row === undefined) return alias && { line: now, alias };
      if (met.includes(row.name) || met.length >= DEEPEST) throw circles([...met, row.name]);
      met.push(row.name);
      alias ??= row;
      const piped = pipedIn(now);
      const said = (piped?.head ?? now).words.slice(1);
      const text = substitute(row.name, row.line, said);
      now = chatLine(piped ? `${text} | ${piped.text}` : text);
    }
  };

  /** @throws MicroError what is wrong with a line */
  const check = async (row: AliasRow) => {
    const { name, line } = row;
    if (line === "" || line.length > LONGEST || line.includes("\n")) {
      throw wrong(`the line of an alias is one line of at most ${LONGEST} characters`);
    }
    checkPlaces(line);
    const known = chatLine(line);
    if (holdsSecret(known)) {
      throw wrong("that line holds a secret, and everybody can see what an alias stands for");
    }
    const piped = pipedIn(known);
    const left = piped && unclosedQuote(piped.stages.flat());
    if (left !== undefined) throw wrong(left.words);
    if (piped && !piped.text.includes("$")) readStages(piped.stages);
    const words = Array.from({ length: 9 }, (_, at) => `w${at}`).join(" ");
    // With as many words as it may want, to see what it comes to.
    const counts = [...line.matchAll(/\$([1-9])/g)].map(([, place]) => Number(place));
    const tried = chatLine(
      `${name} ${words
        .split(" ")
        .slice(0, Math.max(0, ...counts))
        .join(" ")}`,
    );
    const { line: whole } = (await expand(tried, row)) ?? { line: known };
    if (pipedIn(whole)?.head.words.length === 0 || catalog().match(whole)) return;
    const open = unclosedQuote(whole.words);
    if (open !== undefined) throw wrong(open.words);
    const near = catalog().nearest(whole, 3);
    const names = near.map((command) => `\`${command.name}\``).join(", ");
    throw wrong(`\`${whole.words[0]?.text ?? ""}\` is no command and no alias; the nearest are ${names}`);
  };

  return {
    mayAll,
    expand: (line) => expand(line),
    list: async () =>
      (await all())
        .map((row) => {
          const broken = clash(row.name);
          return broken === undefined ? row : { ...row, broken };
        })
        .sort((a, b) => (a.name < b.name ? -1 : 1)),
    add: async (said, line, owner) => {
      const name = said.toLowerCase();
      const doubtful = lookAlike(name);
      if (!NAME.test(name) || doubtful !== undefined) {
        const why = doubtful ?? "it is one word of letters, digits, `-` and `_`, 32 at most";
        throw wrong(`no alias can be called "${said.slice(0, 40)}": ${why}`);
      }
      const other = clash(name);
      if (other !== undefined) throw new MicroError("conflict", `no alias can be called "${name}": ${other}`);
      const row: AliasRow = { name, line: line.trim(), owner, at: clock.now() };
      await check(row);
      const there = await find(name);
      if (there && there.row.owner !== owner) {
        const words = `\`${name}\` is an alias of ${there.row.owner} already, for \`${there.row.line}\`; take another name`;
        throw new MicroError("conflict", words);
      }
      if (there === undefined) {
        const rows = await all();
        const own = rows.filter((one) => one.owner === owner).length;
        if (rows.length >= max || own >= maxOwn) {
          const words = rows.length >= max ? `there are ${max} aliases` : `you have ${maxOwn} aliases`;
          throw new MicroError("exhausted", `${words}, and no more are kept: \`alias remove\` takes one away`);
        }
      }
      const key = keyOf(PREFIX, name);
      const value = JSON.stringify(row);
      const done = await (there ? kv.update(key, value, there.entry.revision) : kv.create(key, value));
      if (done === undefined) throw busy(name);
      return { row, ...(there && { before: there.row }) };
    },
    remove: async (said, mine) => {
      const name = said.toLowerCase();
      const there = await find(name);
      if (there === undefined)
        throw new MicroError("not_found", `there is no alias ${said}; \`alias list\` shows them`);
      if (mine !== undefined && there.row.owner !== mine) {
        const words = `\`${name}\` is an alias of ${there.row.owner}; they can take it away, or who has the grant \`bot:admin\``;
        throw new MicroError("permission_denied", words);
      }
      if (!(await kv.delete(keyOf(PREFIX, name), { revision: there.entry.revision }))) throw busy(name);
      return there.row;
    },
  };
}

function read(value: string): AliasRow | undefined {
  try {
    return schema.safeParse(JSON.parse(value)).data;
  } catch {
    return undefined;
  }
}

function circles(names: readonly string[]): MicroError {
  return wrong(`that alias leads back to itself: ${names.join(" → ")}`);
}

function busy(name: string): MicroError {
  return new MicroError("conflict", `somebody else changes the alias ${name} at this moment; say it again`);
}

function wrong(words: string): MicroError {
  return new MicroError("invalid_argument", words);
}
