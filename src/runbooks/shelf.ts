import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { MicroError } from "../core/errors.ts";
import { didYouMean, thereAre } from "./meant.ts";
import { examineRunbook, MAX_BYTES, readRunbook } from "./read.ts";
import { isName } from "./reference.ts";
import type { Runbook } from "./runbook.ts";

/** The runbooks of a folder, read whenever they are asked for: who has saved a file uses it with the next run. */
export interface Shelf {
  /** For people: the folder. */
  readonly where: string;
  /** By name. @throws MicroError `unavailable` when the folder cannot be read */
  all(): Promise<readonly Shelved[]>;
  /** @throws MicroError `not_found` with those that there are; `invalid_argument` when it is none */
  get(name: string): Promise<Runbook>;
}

/** A file, read or not. */
export interface Shelved {
  readonly name: string;
  readonly file: string;
  readonly book?: Runbook;
  /** What is wrong with it, a line each, with line and column. */
  readonly error?: MicroError;
  /** What was understood of one that is wrong, to look for more that is. */
  readonly draft?: Runbook;
}

const MAX_FILES = 500;

/** @param folder with files `<name>.yaml`; one that is not there holds none */
export function folderShelf(folder: string): Shelf {
  const textOf = async (file: string): Promise<string> => {
    const shown = join(folder, file);
    try {
      const { size } = await stat(shown);
      // Before it is read: it may be anything.
      if (size > MAX_BYTES)
        throw new MicroError("invalid_argument", `${shown}: a runbook has ${MAX_BYTES >> 10} KB at most`);
      return await readFile(shown, "utf8");
    } catch (error) {
      if (error instanceof MicroError) throw error;
      throw new MicroError("unavailable", `${shown} cannot be read: ${MicroError.from(error).message}`, {
        cause: error,
      });
    }
  };
  const read = async (name: string, file: string): Promise<Runbook> =>
    readRunbook(await textOf(file), name, join(folder, file));
  const draftOf = async (name: string, file: string): Promise<Runbook | undefined> =>
    examineRunbook(await textOf(file).catch(() => ""), name).book;
  const files = async (): Promise<readonly { readonly name: string; readonly file: string }[]> => {
    try {
      const found = await readdir(folder);
      return found
        .filter((file) => /\.ya?ml$/.test(file) && !file.startsWith("."))
        .sort()
        .slice(0, MAX_FILES)
        .map((file) => ({ name: file.replace(/\.ya?ml$/, ""), file }));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
      throw new MicroError(
        "unavailable",
        `the runbooks in ${folder} cannot be read: ${MicroError.from(error).message}`,
        {
          cause: error,
        },
      );
    }
  };
  return {
    where: folder,
    all: async () =>
      Promise.all(
        (await files()).map(async ({ name, file }): Promise<Shelved> => {
          const shown = join(folder, file);
          try {
            if (!isName(name))
              throw new MicroError(
                "invalid_argument",
                `${shown}: a runbook is called by a word of letters, digits, - and _`,
              );
            return { name, file: shown, book: await read(name, file) };
          } catch (error) {
            const draft = await draftOf(name, file);
            return { name, file: shown, error: MicroError.from(error), ...(draft && { draft }) };
          }
        }),
      ),
    get: async (name) => {
      const all = await files();
      const found = all.find((one) => one.name === name);
      if (found && isName(name)) return read(name, found.file);
      const names = all.map((one) => one.name);
      const known = names.length === 0 ? `there are none in ${folder}` : thereAre(names);
      const meant = didYouMean(name.slice(0, 40), names);
      throw new MicroError("not_found", `there is no runbook ${name.slice(0, 40)}; ${meant}${known}`);
    },
  };
}
