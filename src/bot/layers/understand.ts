import type { Catalog, Match } from "../../commands/catalog.ts";
import type { AnyCommand } from "../../commands/command.ts";
import { fields, usage } from "../../commands/fields.ts";
import { formOf, lineOf } from "../../commands/form.ts";
import { chatLine, type Line } from "../../commands/line.ts";
import { parse } from "../../commands/parse.ts";
import { MicroError } from "../../core/errors.ts";
import { lookAlike } from "../../core/look-alike.ts";
import type { IncomingMessage } from "../../inputs/input.ts";
import type { Meant } from "../../plugins/listening.ts";
import { type Answer, type Context, type Layer, say, toldOf } from "../context.ts";
import { cut } from "../fit.ts";
import { mannered } from "../manners.ts";

/** Who knows of what is no command (`plugins/listening.ts`). */
export interface Ears {
  /** What would act on it. @throws MicroError when nobody can tell now */
  ask(context: Context): Promise<Meant | undefined>;
  /** Which of those do; at least one. */
  choose(context: Context, meant: Meant): Meant["commands"];
}

/**
 * Finds the command and its typed input. What is no command is answered with the nearest three that the caller may run; one
 * whose arguments are missing with a form for them, where one can be opened.
 * @param unloaded what to say of a line that means something that did not load
 */
export function understand(
  catalog: () => Catalog,
  mayRun: (context: Context, command: AnyCommand) => boolean,
  ears: Ears = { ask: async () => undefined, choose: () => [] },
  unloaded: (context: Context, line: Line) => string | undefined = () => undefined,
): Layer {
  const meant = (context: Context, found: Meant): Context => {
    const command = found.together(ears.choose(context, found));
    return { ...context, run: { command, input: { text: context.line.text }, output: "text" } };
  };
  return async (context, next) => {
    const { message, head: line = context.line } = context;
    if (context.overheard) return next(meant(context, context.overheard));
    if (line.words.length === 0) return say("yes? `help` shows what can be said");
    const match = catalog().match(line);
    if (match === undefined) {
      const found = await ears.ask(context);
      if (found) return next(meant(context, found));
      const near = catalog().nearest(line, 3, (command) => command.says === undefined && mayRun(context, command));
      const said = cut(toldOf(context), 60);
      const why = lookAlike(line.words[0]?.text ?? "");
      if (why !== undefined) {
        throw mannered(new MicroError("not_found", `"${said}" is no command: ${why}`), { whisper: true });
      }
      const broken = unloaded(context, line);
      if (broken !== undefined) {
        throw mannered(new MicroError("not_found", `there is no command "${said}": ${broken}`), { whisper: true });
      }
      const names = near.map((command) => `\`${command.name}\``).join(", ");
      const hint = near.length > 0 ? `the nearest are ${names}` : "and there is none that you may run";
      const choices = near.map(({ name }) => ({ label: name, line: name }));
      throw mannered(new MicroError("not_found", `there is no command "${said}"; ${hint}`), { whisper: true, choices });
    }
    // Only a form that no line can say has not become one by now, and this tells why.
    if (message.filled !== undefined) lineOf(match.command, message.filled);
    const form = message.takesForm && mayRun(context, match.command) ? missing(match) : undefined;
    if (form) return form;
    const { input, output } = parse(match);
    return next({ ...context, run: { command: match.command, input, output } });
  };
}

/** A form for a command that was said with too few words, holding those that were said. Options are not asked for again. */
function missing(match: Match): Answer | undefined {
  const { command, line, from } = match;
  const words = line.words.slice(from);
  const wanted = fields(command).filter(({ place, required }) => place !== "option" && required);
  if (words.length >= wanted.length || words.some(({ quoted, text }) => !quoted && text.startsWith("-")))
    return undefined;
  const given = Object.fromEntries(words.map(({ text }, at) => [wanted[at]?.name ?? "", text]));
  try {
    parse(match);
    return undefined;
  } catch (thrown) {
    const { message } = MicroError.from(thrown);
    return { ...say(`${message}\nusage: ${usage(command)}`), form: formOf(command, given) };
  }
}

/**
 * A form that comes back filled in, as the message that says the same in words: everything after this sees it as typed.
 * What no line can say stays as it is, and `understand` tells why.
 */
export function typedOut(catalog: Catalog, message: IncomingMessage): IncomingMessage {
  if (message.filled === undefined) return message;
  const { filled, ...rest } = message;
  const command = catalog.match(chatLine(message.text))?.command;
  if (filled === undefined || command === undefined) return message;
  try {
    return { ...rest, text: lineOf(command, filled) };
  } catch {
    return message;
  }
}
