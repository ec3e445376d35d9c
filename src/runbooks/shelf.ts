import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { MicroError } from "../core/errors.ts";
import { MAX_BYTES, readRunbook } from "./read.ts";
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
  /** What is wrong with it, with line and column. */
  readonly error?: MicroError;
}

const MAX_FILES = 500;

/** @param folder with files `<name>.yaml`; one that is not there holds none */
export function folderShelf(folder: string): Shelf {
  const read = async (name: string, file: string): Promise<Runbook> => {
    const shown = join(folder, file);
    try {
      const { size } = await stat(shown);
      // Before it is read: it may be anything.
      if (size > MAX_BYTES)
        throw new MicroError("invalid_argument", `${shown}: a runbook has ${MAX_BYTES >> 10} KB at most`);
      return readRunbook(await readFile(shown, "utf8"), name, shown);
    } catch (error) {
      if (error instanceof MicroError) throw error;
      throw new MicroError("unavailable", `${shown} cannot be read: ${MicroError.from(error).message}`, {
        cause: error,
      });
    }
  };
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
            return { name, file: shown, error: MicroError.from(error) };
          }
        }),
      ),
    get: async (name) => {
      const all = await files();
      const found = all.find((one) => one.name === name);
      if (found && isName(name)) return read(name, found.file);
      const known =
        all.length === 0 ? `there are none in ${folder}` : `there are ${all.map((one) => one.name).join(", ")}`;
      throw new MicroError("not_found", `there is no runbook ${name.slice(0, 40)}; ${known}`);
    },
  };
}
