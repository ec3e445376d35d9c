import { z } from "zod";
import type { AnyCommand, CommandContext } from "../../commands/command.ts";
import { defineCommand } from "../../commands/command.ts";
import type { Acted } from "./host.ts";
import type { BusArgument, BusCommand } from "./protocol.ts";

/** A command of Hubot's command bus as one of the catalog: its arguments are options with types, and the bot asks for the yes. */
export function typedCommand(
  bus: BusCommand,
  permission: `hubot:${string}`,
  writes: boolean,
  run: (args: Readonly<Record<string, unknown>>, context: CommandContext) => Promise<Acted>,
): AnyCommand {
  const effect = bus.writes || writes ? "write" : "read";
  return defineCommand({
    name: bus.id.toLowerCase(),
    summary: bus.description.split("\n")[0]?.replace(/\.$/, "") || `a command of the script ${bus.script}`,
    input: z.object(Object.fromEntries(bus.args.map((arg) => [arg.name, fieldOf(arg)]))),
    permission,
    effect,
    ...(effect === "write" && bus.writes && !bus.confirm && !writes && { confirm: false as const }),
    run: async (input, context) => {
      const given = Object.entries(input).filter(([, value]) => value !== undefined);
      const { words } = await run(Object.fromEntries(given), context);
      return { said: words.join("\n") || "done" };
    },
    view: ({ said }) => ({ kind: "text", text: said }),
  });
}

function fieldOf({ type, required, values, fallback }: BusArgument): z.ZodType {
  const described = ["string", "number", "boolean", "enum"].includes(type) ? "" : type;
  const base: z.ZodType =
    type === "number"
      ? z.number()
      : type === "boolean"
        ? z.boolean()
        : type === "enum" && values.length > 0
          ? z.enum(values as [string, ...string[]])
          : z.string();
  const field = fallback === undefined ? (required ? base : base.optional()) : z._default(base, fallback);
  return described === ""
    ? field.describe(type === "enum" ? "one of those" : `a ${type}`)
    : field.describe(`a ${described}`);
}
