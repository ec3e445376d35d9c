import { readFile, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { MicroError } from "../../core/errors.ts";

/** Bytes of a file that people name; no policy is that long. */
const MOST = 4 * 1024 * 1024;

/** Reads a file that people name. @throws MicroError `invalid_argument` */
export type ReadFile = (name: string) => Promise<string>;

/** Only files beside the policy file: in chat nobody is to look around on the bot's disk. */
export function readFileBeside(policy: string | undefined): ReadFile {
  return async (name) => {
    if (policy === undefined)
      throw new MicroError("invalid_argument", "this bot has no policy file: start it with --policy");
    if (name !== basename(name) && name !== policy) {
      throw new MicroError("invalid_argument", `name a file beside ${basename(policy)}, without its folder`);
    }
    return readNamed(join(dirname(policy), basename(name)));
  };
}

/** Any file of this machine, for whoever sits at it. */
export async function readNamed(path: string): Promise<string> {
  try {
    const { size } = await stat(path);
    if (size > MOST) throw new Error(`it has ${size} bytes`);
    return await readFile(path, "utf8");
  } catch (error) {
    throw new MicroError("invalid_argument", `${path} cannot be read: ${(error as Error).message}`, { cause: error });
  }
}
