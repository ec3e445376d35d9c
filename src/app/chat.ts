import { join } from "node:path";
import type { Clock } from "../core/clock.ts";
import { MicroError } from "../core/errors.ts";
import { openTalk, type Talk } from "../inputs/local/client.ts";
import type { BotAnswer } from "../inputs/local/protocol.ts";
import { inTurn } from "./in-turn.ts";
import type { ProgramInit } from "./program.ts";
import type { ChatSettings, GlobalSettings } from "./settings.ts";
import { chatSocket, defaultStateDir } from "./state.ts";

/**
 * Lets whoever sits here talk to the running bot: a terminal with it, or lines in and answers out.
 * @throws MicroError where it cannot be reached or hangs up; `invalid_argument` when lines of a pipe came to nothing
 */
export async function runChat(
  settings: GlobalSettings & ChatSettings,
  init: ProgramInit & { readonly clock: Clock },
): Promise<void> {
  const { stdin, stdout, signal, env, clock } = init;
  const path = settings.chat_socket || chatSocket(settings.state_dir || defaultStateDir(env));
  await using talk = await openTalk(path, { signal });
  const interactive = stdin.isTTY === true && stdout.isTTY === true;
  if (interactive) {
    stdout.write(`the running bot, to you as local:${talk.user}; \`help\` shows what can be said, Ctrl-D leaves\n`);
  }
  const { terminalInput } = await import("../inputs/terminal/terminal.ts");
  const terminal = terminalInput({
    input: stdin,
    output: stdout,
    user: talk.user,
    historyFile: ownHistory(env),
    complete: talk.complete,
  })({ clock });
  await using screen = await (interactive ? terminal : inTurn(terminal, clock)).connect({ signal });
  const leave = () => void Promise.all([screen.close(), talk.close()]);
  signal.addEventListener("abort", leave, { once: true });
  try {
    const heard = hear(talk, async ({ to, parts, last }) => {
      await screen.send({ place: { room: "terminal" }, parts, progress: { key: String(to), last } });
    });
    // What the bot hangs up with ends the typing, too.
    void heard.catch(() => screen.close());
    for await (const { text } of screen) talk.say(text);
    // Who leaves a terminal does not wait; who ends a pipe wants its answers.
    if (interactive) await talk.close();
    else talk.end();
    const failed = await heard;
    if (signal.aborted) throw new MicroError("cancelled", "chat: told to leave");
    if (failed > 0 && !interactive) {
      throw new MicroError("invalid_argument", failed === 1 ? "a line failed" : `${failed} lines failed`);
    }
  } finally {
    signal.removeEventListener("abort", leave);
  }
}

/** With one's own things, whoever the bot belongs to; nowhere for who has no home. */
function ownHistory(env: ProgramInit["env"]): string | undefined {
  try {
    return join(defaultStateDir(env), "history");
  } catch {
    return undefined;
  }
}

/** Shows what the bot says until all is said. @returns how many answers told why something was not done */
async function hear({ answers }: Talk, show: (answer: BotAnswer) => Promise<void>): Promise<number> {
  let failed = 0;
  for await (const answer of answers) {
    if (answer.failed) failed += 1;
    await show(answer);
  }
  return failed;
}
