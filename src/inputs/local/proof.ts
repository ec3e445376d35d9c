import { randomBytes } from "node:crypto";
import { chmodSync, lstatSync, mkdirSync, readdirSync, rmdirSync, unlinkSync } from "node:fs";
import { lstat } from "node:fs/promises";
import { join } from "node:path";
import { MicroError } from "../../core/errors.ts";

/*
 * Node cannot ask a socket who is at its other end, so whoever comes is told to make a directory under a fresh random name, and
 * the kernel writes their user id on it. A directory and not a file, because a directory cannot be linked to from elsewhere, and
 * one that only its owner may write cannot be moved here by anybody else; a file of somebody else's can be both.
 */

/** The folder beside a socket where people prove who they are. */
export interface Proofs {
  /** The name of a directory that has never been. */
  ask(): string;
  /** The user id of who made it; it is removed. @throws MicroError `unauthenticated` */
  check(name: string): Promise<number>;
  /** Removes what was made under a name after all, if anything. */
  forget(name: string): void;
  /** Removes the folder. */
  close(): void;
}

/**
 * @param shared whether other users than ours may make something in it: everybody may then, but nobody may list it or
 * touch what is somebody else's
 * @throws MicroError `conflict` when somebody else's folder stands there
 */
export function openProofs(folder: string, shared: boolean): Proofs {
  try {
    mkdirSync(folder, 0o700);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    const found = lstatSync(folder);
    if (!found.isDirectory() || found.uid !== process.getuid?.()) {
      throw new MicroError("conflict", `${folder} is in the way and not ours; remove it`, { cause: error });
    }
  }
  chmodSync(folder, shared ? 0o1733 : 0o700);
  // Left by a bot that was killed.
  for (const old of readdirSync(folder)) remove(join(folder, old));
  const { dev } = lstatSync(folder);
  return {
    ask: () => randomBytes(16).toString("hex"),
    check: async (name) => {
      const made = await lstat(join(folder, name)).catch(() => undefined);
      remove(join(folder, name));
      // On another device it is a mount, and those may claim whatever they like. What others may write to may have been moved here.
      if (made?.isDirectory() && made.dev === dev && (made.mode & 0o077) === 0) return made.uid;
      throw new MicroError(
        "unauthenticated",
        made === undefined
          ? "who you are was not proven: the directory that was asked for is not there"
          : "who you are was not proven: what was made is no directory of your own",
      );
    },
    forget: (name) => remove(join(folder, name)),
    close: () => remove(folder),
  };
}

/** Never what is in it: that would be to delete wherever somebody's links lead. */
function remove(path: string): void {
  try {
    const found = lstatSync(path, { throwIfNoEntry: false });
    if (found?.isDirectory()) rmdirSync(path);
    else if (found !== undefined) unlinkSync(path);
  } catch {
    // Somebody has put something into their directory; the next bot tries again.
  }
}
