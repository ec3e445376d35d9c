import { homedir } from "node:os";
import { join } from "node:path";

/** `$XDG_STATE_HOME/micro-bot`, as the XDG base directory specification has it. */
export function defaultStateDir(env: Readonly<Record<string, string | undefined>>): string {
  return join(env["XDG_STATE_HOME"] || join(env["HOME"] || homedir(), ".local", "state"), "micro-bot");
}

/** Where a bot listens for `micro chat`. @param placed as `--chat_socket` says, else in the state folder */
export function chatSocket(placed: string, stateDir: string): string {
  return placed || join(stateDir, "chat.sock");
}
