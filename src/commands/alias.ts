import { z } from "zod";
import { MicroError } from "../core/errors.ts";
import { type AnyCommand, type CommandContext, defineCommand } from "./command.ts";

/** A short word for a line. */
export interface AliasRow {
  readonly name: string;
  /** What it stands for, with `$1`, `$2` and `$*` for the words said behind it. */
  readonly line: string;
  /** Whose it is: who made it. */
  readonly owner: string;
  /** Epoch ms. */
  readonly at: number;
  /** Why it stands for nothing now. */
  readonly broken?: string;
}

/** The aliases of a bot; kept by it. All throw `MicroError` as the store does. */
export interface Aliases {
  /** By name. */
  list(): Promise<readonly AliasRow[]>;
  /**
   * Makes one, or changes one of the same owner.
   * @throws MicroError `conflict` (a command or somebody else's alias is called so), `invalid_argument` (no name; no command; it
   * leads back to itself; it holds a secret), `exhausted` (too many)
   */
  add(name: string, line: string, owner: string): Promise<{ readonly row: AliasRow; readonly before?: AliasRow }>;
  /** @param mine left out: anybody's @throws MicroError `not_found`, `permission_denied` (not theirs) */
  remove(name: string, mine?: string): Promise<AliasRow>;
  /** Whether who asks may take away what others made. */
  mayAll(context: CommandContext): boolean;
}

/** What it takes to take others' aliases away. */
export const OTHERS_ALIASES = { name: "alias remove", permission: "bot:admin", effect: "write" } as const;

const MAKE = { permission: "bot:alias", effect: "write", confirm: false, whilePaused: true } as const;
const name = z.string({ error: "which? `alias list` shows them" }).describe("the word to say");

/** `alias add`, `alias list`, `alias show` and `alias remove`. */
export function aliasCommands(aliases: Aliases): readonly AnyCommand[] {
  const find = async (wanted: string) => {
    const found = (await aliases.list()).find((row) => row.name === wanted.toLowerCase());
    if (found) return found;
    throw new MicroError("not_found", `there is no alias ${wanted}; \`alias list\` shows them`);
  };
  const add = defineCommand({
    ...MAKE,
    name: "alias add",
    summary: "Give a line a short name, for everybody here",
    input: z.object({
      name,
      line: z
        .string({ error: 'and for which line? In quotes: alias add top5 "stats orders | top 5"' })
        .describe("what it stands for, in quotes; $1, $2 and $* are the words said behind it"),
    }),
    words: ["name", "line"],
    takesLine: true,
    examples: ['alias add top5 "stats orders | sort -memory | top 5"', 'alias add up "health $1 | where status != ok"'],
    run: async ({ name: said, line }, { caller, person = caller }) => aliases.add(said, line, person),
    view: ({ row, before }) => ({
      kind: "text",
      text: `\`${row.name}\` is \`${row.line}\` now${before ? `; it was \`${before.line}\`` : ""}`,
    }),
  });
  const list = defineCommand({
    name: "alias list",
    aliases: ["aliases", "list aliases"],
    summary: "List the aliases",
    input: z.object({}),
    permission: "bot:talk",
    effect: "read",
    personal: true,
    examples: ["alias list"],
    run: async () => ({ aliases: await aliases.list() }),
    records: { fields: ["name", "line", "owner", "broken"], rows: (result) => result.aliases },
    view: ({ aliases: rows }) => {
      if (rows.length === 0) return { kind: "text", text: 'there is none: alias add top5 "stats orders | top 5"' };
      const lines = rows.map((row) =>
        [row.name, row.line, row.owner, ...(row.broken === undefined ? [] : [`(broken) ${row.broken}`])].join("\t"),
      );
      return { kind: "report", text: ["Alias\tLine\tOwner", ...lines].join("\n") };
    },
  });
  const show = defineCommand({
    name: "alias show",
    summary: "Show what an alias stands for",
    input: z.object({ name }),
    words: ["name"],
    permission: "bot:talk",
    effect: "read",
    examples: ["alias show top5"],
    run: async ({ name: said }) => find(said),
    view: ({ name: said, line, owner, broken }) => ({
      kind: "text",
      text: `\`${said}\` is \`${line}\`, made by ${owner}${broken === undefined ? "" : `; it is broken: ${broken}`}`,
    }),
    complete: async () => (await aliases.list()).map((row) => row.name),
  });
  const remove = defineCommand({
    ...MAKE,
    name: "alias remove",
    summary: "Take an alias away that you made",
    input: z.object({ name }),
    words: ["name"],
    examples: ["alias remove top5"],
    run: async ({ name: said }, context) => {
      const { caller, person = caller } = context;
      return { removed: await aliases.remove(said, aliases.mayAll(context) ? undefined : person) };
    },
    view: ({ removed }) => ({
      kind: "text",
      text: `\`${removed.name}\` stands for nothing now; it was \`${removed.line}\``,
    }),
    complete: async () => (await aliases.list()).map((row) => row.name),
  });
  return [add, list, show, remove];
}
