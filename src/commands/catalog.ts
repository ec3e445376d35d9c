import { distance } from "fastest-levenshtein";
import { MicroError } from "../core/errors.ts";
import { lookAlike } from "../core/look-alike.ts";
import type { AnyCommand } from "./command.ts";
import type { Line } from "./line.ts";

/** A line that begins with a command's name. */
export interface Match {
  readonly command: AnyCommand;
  readonly line: Line;
  /** Index of the first word after the name. */
  readonly from: number;
}

/** The commands there are. Immutable: who wants another one makes another catalog and swaps it. */
export interface Catalog {
  /** By name. */
  readonly commands: readonly AnyCommand[];
  /** The command whose name is the longest beginning of the line. */
  match(line: Line): Match | undefined;
  /** Commands whose names are most like the beginning of the line, best first. */
  nearest(line: Line, count: number, among?: (command: AnyCommand) => boolean): readonly AnyCommand[];
  /** Words that may come next after complete words that begin a command's name. */
  next(words: readonly string[]): readonly string[];
}

/** One word of the names: what it ends, and what may follow. */
interface Node {
  command: AnyCommand | undefined;
  /** Missing where every name ends, as most do: thousands of empty maps would only be in the way. */
  after: Map<string, Node> | undefined;
}

/**
 * @throws MicroError `conflict` when two commands share a name or alias, or one looks like it did: names are owned, nothing
 * is shadowed
 */
export function createCatalog(commands: readonly AnyCommand[]): Catalog {
  const root: Node = { command: undefined, after: undefined };
  for (const command of commands) {
    for (const name of [command.name, ...(command.aliases ?? [])]) {
      const why = lookAlike(name);
      if (why !== undefined) throw new MicroError("conflict", `no command can be called "${name}": ${why}`);
      let node = root;
      for (const word of name.split(" ")) {
        node.after ??= new Map();
        let below = node.after.get(word);
        if (below === undefined) {
          below = { command: undefined, after: undefined };
          node.after.set(word, below);
        }
        node = below;
      }
      if (node.command) throw new MicroError("conflict", `two commands are called "${name}": rename one of them`);
      node.command = command;
    }
  }
  const sorted = [...commands].sort((a, b) => (a.name < b.name ? -1 : 1));
  return {
    commands: sorted,
    match: (line) => {
      let node = root;
      let command: AnyCommand | undefined;
      let from = 0;
      for (let at = 0; at < line.words.length; at++) {
        const word = line.words[at];
        if (word === undefined || word.quoted || node.after === undefined) break;
        const below = node.after.get(word.text) ?? node.after.get(word.text.toLowerCase());
        if (below === undefined) break;
        node = below;
        if (node.command) {
          command = node.command;
          from = at + 1;
        }
      }
      return command && { command, line, from };
    },
    nearest: (line, count, among = () => true) =>
      sorted
        .filter(among)
        .map((command) => ({ command, far: farness(command, line) }))
        .sort((a, b) => a.far - b.far)
        .slice(0, count)
        .map(({ command }) => command),
    next: (words) => {
      let node: Node | undefined = root;
      for (const word of words) node = node?.after?.get(word.toLowerCase());
      return [...(node?.after?.keys() ?? [])].sort();
    },
  };
}

/** How far the line's first words are from the command's nearest name, as a share of its length: 0 is the same. */
function farness(command: AnyCommand, line: Line): number {
  const names = [command.name, ...(command.aliases ?? [])];
  return Math.min(
    ...names.map((name) => {
      const count = name.split(" ").length;
      const said = line.words
        .slice(0, count)
        .map((word) => word.text)
        .join(" ")
        .toLowerCase()
        .slice(0, 64);
      const first = name.split(" ")[0] ?? name;
      const whole = distance(said, name) / name.length;
      // "get greeter" means "get service greeter": the right verb alone counts for something.
      return said.startsWith(`${first} `) || said === first ? Math.min(whole, 0.5) : whole;
    }),
  );
}
