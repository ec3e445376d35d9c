import { z } from "zod";
import { oneLine } from "./audit.ts";
import { type Command, defineCommand } from "./command.ts";

/** What commands come from outside the bot, and what did not become one. */
export interface Plugins {
  readonly commands: readonly {
    readonly name: string;
    readonly from: string;
    readonly source: string;
    /** What is said to reach it, where that is not its name. */
    readonly said?: string;
  }[];
  /** `kept`: an older version of it is in force. */
  readonly broken: readonly {
    readonly from: string;
    readonly source: string;
    readonly why: string;
    readonly kept?: true;
    /** Of `Broken` (`plugins/plugins.ts`): for who shows them one by one. */
    readonly command?: string;
    readonly flaws?: readonly {
      readonly why: string;
      readonly file?: string;
      readonly line?: number;
      readonly column?: number;
    }[];
  }[];
}

const input = z.object({});

/** `plugins`, over whatever is loaded when it is asked. */
export function pluginsCommand(plugins: () => Plugins): Command<typeof input, Plugins> {
  return defineCommand({
    name: "plugins",
    summary: "List the commands that come from outside the bot, and what did not load",
    input,
    permission: "bot:plugins",
    effect: "read",
    personal: true,
    examples: ["plugins"],
    run: async () => plugins(),
    records: {
      fields: ["name", "source", "from", "said", "why"],
      rows: ({ commands, broken }) => [
        ...commands,
        ...broken.map(({ source, from, why, kept }) => ({
          name: "(broken)",
          source,
          from,
          why,
          ...(kept && { kept }),
        })),
      ],
    },
    view: ({ commands, broken }) => {
      if (commands.length + broken.length === 0) return { kind: "text", text: NONE };
      const rows = commands.map(({ name, from, source, said }) =>
        [name, source, from, ...(said === undefined ? [] : [oneLine(said, 80)])].join("\t"),
      );
      const wrong = broken.map(
        ({ from, source, why, kept }) =>
          `(broken)\t${source}\t${from}: ${why}${kept ? "; the version before is used" : ""}`,
      );
      return { kind: "report", text: [...rows, ...wrong].join("\n") };
    },
  });
}

const NONE =
  "no command comes from outside the bot: a file in `commands/` makes one; where that folder came after I was started, start me again";
