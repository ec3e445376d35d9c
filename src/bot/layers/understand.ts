import type { Catalog } from "../../commands/catalog.ts";
import type { AnyCommand } from "../../commands/command.ts";
import { parse } from "../../commands/parse.ts";
import { MicroError } from "../../core/errors.ts";
import { type Context, type Layer, say } from "../context.ts";
import { cut } from "../render.ts";

/** Finds the command and its typed input. What is no command is answered with the nearest three that the caller may run. */
export function understand(catalog: () => Catalog, mayRun: (context: Context, command: AnyCommand) => boolean): Layer {
  return async (context, next) => {
    const { line } = context;
    if (line.words.length === 0) return say("yes? `help` shows what can be said");
    const match = catalog().match(line);
    if (match === undefined) {
      const near = catalog().nearest(line, 3, (command) => mayRun(context, command));
      const said = cut(line.text, 60);
      const names = near.map((command) => `\`${command.name}\``).join(", ");
      const hint = near.length > 0 ? `the nearest are ${names}` : "and there is none that you may run";
      throw new MicroError("not_found", `there is no command "${said}"; ${hint}`);
    }
    const { input, output } = parse(match);
    return next({ ...context, run: { command: match.command, input, output } });
  };
}
