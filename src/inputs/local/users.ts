import { readFile } from "node:fs/promises";
import { userInfo } from "node:os";

/** What a name must look like to stand for a user: never like a number, which stands for those without a name. */
const NAME = /^[A-Za-z_][A-Za-z0-9_.@-]{0,63}\$?$/;

/**
 * The name of an OS user, as `id -un` has it: from `/etc/passwd`, of whom it does not know (a directory service) the number.
 * Our own name is always known.
 */
export async function userName(uid: number, passwd = "/etc/passwd"): Promise<string> {
  const text = await readFile(passwd, "utf8").catch(() => "");
  for (const line of text.split("\n")) {
    const [name = "", , number] = line.split(":");
    if (number === String(uid) && NAME.test(name)) return name;
  }
  const own = uid === process.getuid?.() ? ownName() : "";
  return NAME.test(own) ? own : String(uid);
}

function ownName(): string {
  try {
    return userInfo().username;
  } catch {
    return "";
  }
}
