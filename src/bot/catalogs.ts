import { type Catalog, createCatalog } from "../commands/catalog.ts";
import type { AnyCommand } from "../commands/command.ts";
import { comesFrom } from "../commands/identity.ts";
import { pluginsCommand } from "../commands/plugins.ts";
import { MicroError } from "../core/errors.ts";
import type { CallOptions } from "../core/lifecycle.ts";
import type { Log } from "../core/log.ts";
import { lookAlike } from "../core/look-alike.ts";
import type { Broken, CommandSource, Offered, Owned } from "../plugins/plugins.ts";
import { GREETINGS } from "./address.ts";

/** The bot's own commands and those of its sources, as one catalog that is swapped whole whenever one of them changes. */
export interface Catalogs {
  /** What is in force now. Immutable, so who began with one ends with it. */
  current(): Catalog;
  /** What did not become a command, or not the newest of it. */
  broken(): readonly (Broken & { readonly source: string })[];
  /** Resolves when every source has offered what it has by now. @throws MicroError as a source does */
  start(options?: CallOptions): Promise<void>;
  stop(): Promise<void>;
}

export interface CatalogsInit {
  /** The bot's own: nobody takes one of their names. */
  readonly own: (current: () => Catalog, plugins: AnyCommand) => readonly AnyCommand[];
  readonly sources: readonly CommandSource[];
  /** What the bot is called; no command is called so. */
  readonly name: string;
  readonly log: Log;
}

/** A command of a source that is in force. */
interface Held extends Owned {
  readonly source: string;
}

/** Said to the bot itself, before it looks for a command (`approvals/spoken.ts`, `asking.ts`). */
export const SPOKEN = ["yes", "no", "approve", "answer", "break-glass"];

/** Words that are no commands and mean something to a bot of that name, each with what they are: `a greeting, …`. */
export function takenWords(name: string): ReadonlyMap<string, string> {
  return new Map([
    ...GREETINGS.map((word) => [word, "a greeting, which is left out before I look for a command"] as const),
    ...SPOKEN.map((word) => [word, "what is said to me about a question or a request"] as const),
    [name, "what I am called"],
  ]);
}

/** @throws MicroError `conflict` when two of the bot's own commands share a name */
export function createCatalogs({ own, sources, name, log }: CatalogsInit): Catalogs {
  const offers = new Map<string, Offered>(sources.map((source) => [source.name, { commands: [] }]));
  let held: readonly Held[] = [];
  let refused: readonly (Broken & { readonly source: string })[] = [];
  let catalog: Catalog;

  const broken = () => [
    ...[...offers].flatMap(([source, { broken = [] }]) => broken.map((one) => ({ source, ...one }))),
    ...refused,
  ];
  const plugins = pluginsCommand(() => ({
    commands: held.map(({ command, from, source, said }) => ({
      name: command.name,
      from,
      source,
      ...(said !== undefined && { said }),
    })),
    broken: broken(),
  }));
  const mine = own(() => catalog, plugins);
  catalog = createCatalog(mine);
  for (const command of mine) comesFrom(command, { from: "the bot" });
  const owned = [...mine, ...[...SPOKEN, name].map((word) => ({ name: word }) as AnyCommand)];

  /** Whoever has a name keeps it; those who come later, whatever their source, are told who has it. */
  const rebuild = () => {
    const offered = [...offers].flatMap(([source, { commands }]) => commands.map((one) => ({ ...one, source })));
    const before = new Set(held.map(placeOf));
    const inOrder = [
      ...offered.filter((one) => before.has(placeOf(one))),
      ...offered.filter((one) => !before.has(placeOf(one))),
    ];
    const owners = createOwners();
    for (const command of owned) owners.add({ command, from: "the bot", source: "" });
    const taken: Held[] = [];
    const turned: (Broken & { readonly source: string })[] = [];
    for (const one of inOrder) {
      const why = unfit(one.command) ?? owners.clash(one);
      if (why === undefined) {
        taken.push(one);
        owners.add(one);
      } else turned.push({ source: one.source, from: one.from, why, command: one.command.name });
    }
    for (const { command, source, from, digest } of taken) {
      comesFrom(command, { source, from, ...(digest !== undefined && { digest }) });
    }
    catalog = createCatalog([...mine, ...taken.map(({ command }) => command)]);
    held = taken;
    const known = new Set(refused.map(wordsOf));
    for (const one of turned) if (!known.has(wordsOf(one))) log.warn({ from: one.from }, one.why);
    refused = turned;
  };

  return {
    current: () => catalog,
    broken,
    start: async (options) => {
      const offer = (source: CommandSource) => (offered: Offered) => {
        offers.set(source.name, offered);
        rebuild();
      };
      await Promise.all(sources.map((source) => source.start(offer(source), options)));
    },
    stop: async () => {
      const stopping = sources.map(async (source) => {
        // One that cannot end keeps nobody else from it.
        await source.stop().catch((error: unknown) => {
          log.warn(
            { source: source.name, reason: MicroError.from(error).message },
            "commands of a source may be left open",
          );
        });
      });
      await Promise.all(stopping);
    },
  };
}

function placeOf({ source, from, command }: Held): string {
  return `${source} ${from} ${command.name}`;
}

function wordsOf({ source, from, why }: Broken & { readonly source: string }): string {
  return `${source} ${from} ${why}`;
}

function namesOf({ name, aliases = [] }: AnyCommand): readonly string[] {
  return [name, ...aliases];
}

/** Up to four words that can be typed on any keyboard and are no option, no JSON and no pipe. */
const NAME =
  /^[\p{Ll}\p{Lo}\p{N}][\p{Ll}\p{Lo}\p{N}\p{M}_.'?-]*( [\p{Ll}\p{Lo}\p{N}][\p{Ll}\p{Lo}\p{N}\p{M}_.'?-]*){0,3}$/u;

/** Why it can be no command at all. */
function unfit(command: AnyCommand): string | undefined {
  for (const name of namesOf(command)) {
    const why = lookAlike(name);
    if (why !== undefined) return `no command can be called "${name}": ${why}`;
    if (!NAME.test(name) || name.length > 64) {
      return `no command can be called "${name.slice(0, 64)}": one to four words in lower case, of letters, digits and "-"`;
    }
  }
  return undefined;
}

/**
 * Who has which name. One that is the beginning of another's, or begins with one, would take lines from it: `call x` those of
 * `call`. Within one file or service that is its own affair, as long as the names differ.
 */
function createOwners(): { clash(one: Held): string | undefined; add(one: Held): void } {
  const names = new Map<string, Held>();
  /** By what names of several words begin with. */
  const longer = new Map<string, { readonly name: string; readonly held: Held }>();
  const other = (one: Held, { from, source }: Held) => source !== one.source || from !== one.from;
  return {
    clash: (one) => {
      for (const name of namesOf(one.command)) {
        const same = names.get(name);
        if (same) return clashWords(name, name, same.from);
        for (const start of beginnings(name)) {
          const shorter = names.get(start);
          if (shorter && other(one, shorter)) return clashWords(name, start, shorter.from);
        }
        const over = longer.get(name);
        if (over && other(one, over.held)) return clashWords(name, over.name, over.held.from);
      }
      return undefined;
    },
    add: (one) => {
      for (const name of namesOf(one.command)) {
        names.set(name, one);
        for (const start of beginnings(name)) if (!longer.has(start)) longer.set(start, { name, held: one });
      }
    },
  };
}

/** `a`, `a b` of `a b c`. */
function beginnings(name: string): readonly string[] {
  const words = name.split(" ");
  return words.slice(1).map((_, at) => words.slice(0, at + 1).join(" "));
}

function clashWords(name: string, theirs: string, from: string): string {
  const whose = name === theirs ? `is a name of ${from} already` : `would take lines from "${theirs}" of ${from}`;
  return `"${name}" is not taken as a command: it ${whose}; give it another name`;
}
