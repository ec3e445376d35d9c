import { z } from "zod";
import { MicroError } from "../../core/errors.ts";
import type { Catalog } from "../catalog.ts";
import { type AnyCommand, defineCommand } from "../command.ts";
import { chatLine } from "../line.ts";
import { unclosedQuote } from "../unclosed.ts";
import { applyStages } from "./apply.ts";
import type { Records } from "./records.ts";
import { stageWords } from "./split.ts";
import { DOES, readStages, STAGES } from "./stages.ts";
import { tableView } from "./table.ts";

/** The rows of an answer, as they are kept for a while. Secrets are crossed out in them. */
export interface KeptRows extends Records {
  /** Of the message that asked. */
  readonly id: string;
  /** The name of the command. */
  readonly command: string;
  /** What was said, as it may be shown. */
  readonly line: string;
  /** Epoch ms. */
  readonly at: number;
  /** Only who asked saw it. */
  readonly whisper?: true;
  /** So many rows there were, more than are kept; then `rows` has none. */
  readonly tooMany?: number;
}

/** Finds the rows of somebody's last answer in a room. @throws MicroError as the store does */
export type LastRows = (person: string, room: string) => Promise<KeptRows | undefined>;

/**
 * `| sort -uptime`: goes on with the last answer, and never asks for it again. A line that begins with a `|` becomes this
 * command (`bot/layers/pipe.ts`), so policy, audit and limits see it as any other.
 */
export function pipeCommand(last: LastRows, catalog: () => Catalog): AnyCommand {
  return defineCommand({
    name: "pipe",
    summary: "Sort, filter, count or cut the rows of your last answer here; said shorter: | sort -uptime",
    input: z.object({
      stages: z
        .string({ error: `say what to do with the rows: ${Object.values(STAGES).join("; ")}` })
        .describe("where, sort, select, top, count, json or table, with a | between two"),
      of: z.string().optional().describe("only if that answer is still the last: its id"),
    }),
    words: ["stages"],
    rest: "stages",
    permission: "bot:talk",
    effect: "read",
    details: [
      "What stands behind a | does something to the rows of a list, stage by stage: stats orders | sort -memory | top 5",
      "A line that begins with | goes on with your last list here, and runs nothing again.",
      "",
      ...Object.entries(STAGES).map(([kind, said]) => `  ${said}\t${DOES[kind as keyof typeof STAGES]}`),
    ],
    examples: ["pipe where status != ok", "pipe sort -uptime | select node uptime | top 10"],
    run: async ({ stages: text, of: id }, { person, caller, room = "", mayRun }) => {
      const { words } = chatLine(text);
      const open = unclosedQuote(words);
      if (open !== undefined) throw new MicroError("invalid_argument", open.words);
      const stages = readStages(stageWords(words));
      const kept = await last(person ?? caller, room);
      if (kept === undefined) throw new MicroError("not_found", NONE);
      if (id !== undefined && kept.id !== id) throw new MicroError("not_found", OLD);
      const command = catalog().commands.find(({ name }) => name === kept.command);
      if (command === undefined || !mayRun(command)) {
        throw new MicroError(
          "permission_denied",
          `you may not say \`${kept.command}\` any more, so nor see what it found`,
        );
      }
      if (kept.tooMany !== undefined) {
        const words = `the answer to \`${kept.line}\` had ${kept.tooMany} rows, too many to be kept; say it with the pipe behind it`;
        throw new MicroError("exhausted", words);
      }
      const from = `of \`${kept.line}\` at ${new Date(kept.at).toISOString().slice(11, 19)} UTC`;
      return { ...applyStages(kept, stages), from, ...(kept.whisper && { whisper: true as const }) };
    },
    records: { rows: ({ rows }) => rows },
    view: ({ from, ...result }) => tableView(result, from),
  });
}

const NONE =
  "there is no answer of yours here to go on with: say a command that shows a list, then a line that begins with |; it is kept for 30 minutes";
const OLD = "that answer is not kept any more, or is not yours: say the command again";
