import { constants } from "node:fs";
import { lstat, open, stat } from "node:fs/promises";

/** A folder that stays the same one, whatever happens to the names that lead there. */
export interface Held extends AsyncDisposable {
  readonly path: string;
}

/**
 * What a socket asks us to prove is proven in the folder that it stands in, and nowhere else: else somebody could put a socket
 * of theirs before us, ask the bot in our place, and lead us by a link to where the bot expects its proof.
 * @param real its last name must be no link
 * @throws what the system says of it
 */
export async function hold(folder: string, real: boolean): Promise<Held> {
  if (process.platform === "linux") {
    const flags = O_PATH | constants.O_DIRECTORY | (real ? constants.O_NOFOLLOW : 0);
    const handle = await open(folder, flags);
    return { path: `/proc/self/fd/${handle.fd}`, [Symbol.asyncDispose]: () => handle.close() };
  }
  const found = await (real ? lstat(folder) : stat(folder));
  if (!found.isDirectory()) throw new Error(`${folder} is no folder`);
  return { path: folder, [Symbol.asyncDispose]: async () => {} };
}

/** To know a folder by, without a right to read it (`open(2)`); Node has no name for it. */
const O_PATH = 0o10000000;
