import { z } from "zod";
import { MicroError } from "../core/errors.ts";
import { type AnyCommand, defineCommand } from "./command.ts";

/**
 * Stands where a part of the bot would be that is off, and tells whoever asks for it how to have it: the commands that are most like
 * theirs have nothing to do with it. `help` does not list it.
 * @param name the first word of that part's commands
 * @param why what is missing, and what to do
 */
export function offCommand(name: string, why: string): AnyCommand {
  return defineCommand({
    name,
    summary: "Is off here",
    input: z.object({ rest: z.string().optional().describe("whatever is wanted of it") }),
    words: ["rest"],
    rest: "rest",
    permission: "bot:talk",
    effect: "read",
    says: [],
    examples: [name],
    run: async (): Promise<never> => {
      throw new MicroError("not_found", why);
    },
    view: () => ({ kind: "text", text: why }),
  });
}
