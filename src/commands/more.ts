import { z } from "zod";
import type { AnyCommand } from "./command.ts";
import { defineCommand } from "./command.ts";

/** Answers that were too long to be said whole; kept by who says them, for a while. */
export interface LongAnswers {
  /**
   * A page; what the answer itself showed is the first. @param page default 2
   * @throws MicroError `not_found`, for one that is not this asker's, too
   */
  page(id: string, asker: Asker, page?: number): Page;
  /** The lines that hold the text, whatever its case. @throws MicroError as `page` does */
  filter(id: string, asker: Asker, text: string): { readonly lines: readonly string[]; readonly of: number };
}

export interface Page {
  readonly lines: readonly string[];
  /** From 1. */
  readonly page: number;
  readonly pages: number;
}

/** Who asks where; what was said to a room may be read on by the room. */
export interface Asker {
  readonly person: string;
  readonly room: string | undefined;
}

const id = z.string({ error: "more of what? a long answer names its id" }).describe("as the answer names it");

/** `more` and `filter`, over the answers that were too long. They are answered at once, however busy the room is. */
export function moreCommands(answers: LongAnswers): readonly AnyCommand[] {
  const more = defineCommand({
    name: "more",
    summary: "Read on in an answer that was too long",
    input: z.object({
      id,
      page: z.coerce.number().int().positive().optional().describe("which page, the next by default"),
    }),
    words: ["id", "page"],
    permission: "bot:talk",
    effect: "read",
    urgent: true,
    examples: ["more 03f9a1", "more 03f9a1 3"],
    run: async (input, { caller, person = caller, room }) => ({
      id: input.id,
      ...answers.page(input.id, { person, room }, input.page),
    }),
    view: ({ id, lines, page, pages }) => {
      const next = page < pages ? `; \`more ${id} ${page + 1}\` is the next` : "; that is all";
      return { kind: "list", items: lines, note: `page ${page} of ${pages}${next}` };
    },
  });
  const filter = defineCommand({
    name: "filter",
    summary: "Show the lines of an answer that was too long which hold a text",
    input: z.object({ id, text: z.string({ error: "which text?" }).describe("what a line holds") }),
    words: ["id", "text"],
    rest: "text",
    permission: "bot:talk",
    effect: "read",
    urgent: true,
    examples: ["filter 03f9a1 greeter"],
    run: async ({ id, text }, { caller, person = caller, room }) => ({
      text,
      ...answers.filter(id, { person, room }, text),
    }),
    view: ({ lines, text, of }) =>
      lines.length === 0
        ? { kind: "text", text: `none of ${of} lines holds ${text}` }
        : { kind: "list", items: lines, note: `${lines.length} of ${of} lines` },
  });
  return [more, filter];
}
