import { homedir, userInfo } from "node:os";
import { join } from "node:path";
import { MicroError } from "../core/errors.ts";

type Env = Readonly<Record<string, string | undefined>>;

/**
 * `$XDG_STATE_HOME/micro-bot`, as the XDG base directory specification has it.
 * @throws MicroError `invalid_argument` for a user whom the system knows no home of, as in a container
 */
export function defaultStateDir(env: Env): string {
  return join(env["XDG_STATE_HOME"] || join(env["HOME"] || home(), ".local", "state"), "micro-bot");
}

function home(): string {
  try {
    return homedir();
  } catch (error) {
    throw new MicroError("invalid_argument", "you have no home folder to keep anything in; give --state_dir", {
      cause: error,
    });
  }
}

/** What the system calls whoever runs this: their number, when it knows no name. */
export function ownName(): string {
  try {
    return userInfo().username;
  } catch {
    return String(process.getuid?.() ?? "somebody");
  }
}

/** Where a bot listens for `micro chat` that was not told where. */
export function chatSocket(stateDir: string): string {
  return join(stateDir, "chat.sock");
}
