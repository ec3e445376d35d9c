import { z } from "zod";
import type { Catalog } from "../commands/catalog.ts";
import { align } from "../commands/columns.ts";
import { type AnyCommand, defineCommand } from "../commands/command.ts";
import { MicroError } from "../core/errors.ts";
import { visibleRecords } from "./own-records.ts";
import { isName } from "./reference.ts";
import type { Shelf } from "./shelf.ts";

export interface ReadingInit {
  /** @param folder as it was named on the line, where files can be named there */
  readonly shelf: (folder?: string) => Promise<Shelf> | Shelf;
  readonly catalog: () => Promise<Catalog> | Catalog;
  /** A folder may be named on the line: on the command line, never in chat. */
  readonly folders?: boolean;
}

/* On the command line these stand beside all others, so what reads files is loaded when it is wanted. */

/** `runbook list`, `show`, `check`: what only reads files; and `record`, which makes a draft of one. */
export function readingCommands({ shelf, catalog, folders = false }: ReadingInit): readonly AnyCommand[] {
  const known = { permission: "runbook:read", effect: "read" } as const;
  const folder = z.string().optional().describe("the folder that they are in");
  const where = (given: { readonly folder?: string | undefined }) => shelf(given.folder);
  // In chat nobody names folders of the machine, so there is no such option.
  const withFolder = (folders ? { folder } : {}) as { readonly folder: typeof folder };

  const list = defineCommand({
    ...known,
    name: "runbook list",
    summary: "Show the runbooks that there are",
    input: z.object({ ...withFolder }),
    examples: ["runbook list"],
    run: async (input) => {
      const all = await (await where(input)).all();
      return {
        runbooks: all.map(({ name, book, error }) => ({
          name,
          ...(book && { summary: book.summary, parameters: book.parameters.map((one) => one.name) }),
          ...(error && { error: error.message }),
        })),
      };
    },
    view: ({ runbooks }) => {
      if (runbooks.length === 0) return { kind: "text", text: "there are no runbooks" };
      const rows = runbooks.map(({ name, summary, parameters, error }) => {
        const what = error === undefined ? summary : "(cannot be used, see below)";
        return `${name}\t${(parameters ?? []).join(" ") || "-"}\t${what}`;
      });
      const wrong = runbooks.flatMap(({ error }) => (error === undefined ? [] : error.split("\n")));
      const below = wrong.length > 0 ? ["", ...wrong] : [];
      const lines = ["Runbook\tParameters\tWhat it is for", ...rows, ...below];
      return { kind: "report", text: align(lines.join("\n")) };
    },
  });

  const show = defineCommand({
    ...known,
    name: "runbook show",
    summary: "Show what a runbook takes and does",
    input: z.object({
      name: z.string({ error: "which runbook? `runbook list` shows them" }).describe("the runbook's name"),
      ...withFolder,
    }),
    words: ["name"],
    examples: ["runbook show drain-orders"],
    run: async (input) => {
      const book = await (await where(input)).get(input.name);
      const { bookText } = await import("./book-text.ts");
      return { name: book.name, summary: book.summary, text: bookText(book), file: book.text };
    },
    view: ({ text }) => ({ kind: "report", text }),
  });

  const checked = defineCommand({
    ...known,
    name: "runbook check",
    aliases: ["runbook lint"],
    summary: "Tell all that is wrong with one runbook, or with all of them, without running any",
    input: z.object({ name: z.string().optional().describe("one of them"), ...withFolder }),
    words: ["name"],
    examples: ["runbook check", "runbook check drain-orders"],
    run: async (input, context) => {
      const books = await where(input);
      const all = (await books.all()).filter(({ name }) => input.name === undefined || name === input.name);
      if (all.length === 0 && input.name !== undefined) await books.get(input.name);
      const [commands, { flawsOf }] = await Promise.all([catalog(), import("./flaws.ts")]);
      const { mayRun } = context;
      const found = await Promise.all(
        all.map(async (one) => ({
          name: one.name,
          flaws: await flawsOf(one, { shelf: books, catalog: commands, mayRun }),
        })),
      );
      const wrong = found.flatMap(({ flaws }) => flaws);
      // A script is to notice.
      if (context.oneShot && wrong.length > 0) throw new MicroError("invalid_argument", wrong.join("\n"));
      return { runbooks: found };
    },
    view: ({ runbooks }) => {
      const wrong = runbooks.flatMap(({ flaws }) => flaws);
      if (wrong.length > 0) return { kind: "text", text: wrong.join("\n") };
      const count = runbooks.length;
      return {
        kind: "text",
        text: count === 0 ? "there are no runbooks" : `${count === 1 ? "1 runbook is" : `${count} runbooks are`} fine`,
      };
    },
  });

  const record = defineCommand({
    ...known,
    name: "runbook record",
    summary: "Make a draft of a runbook out of what you have said here lately",
    input: z.object({
      name: z
        .string()
        .refine(isName, { error: "a runbook is called by one word, as drain-orders" })
        .default("draft")
        .describe("what it is to be called"),
      since: z.string().default("1h").describe("so long ago at most, like 2h"),
    }),
    words: ["name"],
    examples: ["runbook record drain-orders", "runbook record drain-orders --since 30m"],
    run: async ({ name, since }, context) => {
      const { draftOf } = await import("./record.ts");
      const draft = draftOf(name, await visibleRecords(since, context));
      if (draft.steps > 0) return draft;
      throw new MicroError(
        "not_found",
        `in the last ${since} you have said nothing here that went well and could be a step`,
      );
    },
    view: ({ yaml }) => ({ kind: "report", text: yaml }),
  });

  return [list, show, checked, record];
}
