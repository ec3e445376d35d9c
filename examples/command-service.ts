import { z } from "zod";
import { createCommandService, defineCommand, type ServiceInit } from "../src/index.ts";

const pick = defineCommand({
  name: "pick",
  summary: "Pick one of several, by chance",
  input: z.object({ from: z.string().describe("words to pick from") }),
  words: ["from"],
  rest: "from",
  permission: "command:pick",
  effect: "read",
  examples: ["pick Ann Bob Eve"],
  run: async ({ from }) => {
    const words = from.split(/\s+/);
    return { picked: words[Math.floor(Math.random() * words.length)] ?? from };
  },
  view: ({ picked }) => ({ kind: "text", text: picked }),
});

/** A service that is the command `pick` of every bot in its registry. */
export function pickService(init: Partial<ServiceInit> = {}) {
  return createCommandService({ version: "1.0.0", ...init, command: pick });
}
