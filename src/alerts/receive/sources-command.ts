import { z } from "zod";
import { type AnyCommand, defineCommand } from "../../commands/command.ts";
import type { Counts } from "./counts.ts";
import { OUTCOMES } from "./counts.ts";
import type { Source } from "./source.ts";

/** `alert sources`: who may send alerts, and what became of what they sent. @param counts since this process began */
export function sourcesCommand(sources: readonly Pick<Source, "name" | "kind">[], counts: () => Counts): AnyCommand {
  return defineCommand({
    name: "alert sources",
    summary: "List who may send alerts to this bot, and what became of what they sent",
    input: z.object({}),
    permission: "alert:read",
    effect: "read",
    examples: ["alert sources"],
    run: async () => {
      const all = counts();
      const rows = sources.map(({ name, kind }) => ({ name, kind, outcomes: all[name] ?? {} }));
      const strangers = all[""];
      return {
        sources: [...rows, ...(strangers ? [{ name: "-", kind: "no source's name", outcomes: strangers }] : [])],
      };
    },
    view: (result) => {
      const rows = result.sources.map(({ name, kind, outcomes }) => {
        const told = OUTCOMES.flatMap((outcome) => (outcomes[outcome] ? [`${outcomes[outcome]} ${outcome}`] : []));
        return `${name}\t${kind}\t${told.join(", ") || "nothing yet"}`;
      });
      return { kind: "report", text: ["Source\tKind\tSince the bot started", ...rows].join("\n") };
    },
  });
}
