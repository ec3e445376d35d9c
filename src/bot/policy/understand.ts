import type { Catalog } from "../../commands/catalog.ts";
import type { AnyCommand } from "../../commands/command.ts";
import { fields } from "../../commands/fields.ts";
import { chatLine } from "../../commands/line.ts";
import { parse } from "../../commands/parse.ts";
import type { Asker } from "../../commands/policy.ts";
import { targetOf } from "../../commands/target.ts";
import { MicroError } from "../../core/errors.ts";
import type { Request } from "../policy.ts";

/** A command and its arguments, as far as they were said. */
export interface Understood {
  readonly command: AnyCommand;
  readonly input: Readonly<Record<string, unknown>>;
}

/**
 * A line as it would be said; arguments that are missing or wrong are left out.
 * @throws MicroError `invalid_argument`: it begins with no command
 */
export function understand(text: string, catalog: Catalog): Understood {
  const line = chatLine(text);
  const match = catalog.match(line);
  if (match === undefined) {
    const said = line.words[0]?.text.slice(0, 60) ?? "";
    throw new MicroError("invalid_argument", `"${said}" is no command; \`help\` shows those there are`);
  }
  const { command, from } = match;
  try {
    return { command, input: parse(match).input };
  } catch {
    const places = fields(command).filter(({ place }) => place !== "option");
    const words = line.words.slice(from).filter(({ text }) => !text.startsWith("-"));
    return {
      command,
      input: Object.fromEntries(words.slice(0, places.length).map(({ text }, at) => [places[at]?.name, text])),
    };
  }
}

/** The request that a line would be. */
export function requestOf({ command, input }: Understood, asker: Omit<Asker, "mayRun">): Request {
  const { caller, guest, room, at } = asker;
  const target = targetIn(command, input);
  return {
    caller,
    guest,
    command,
    input,
    ...(target !== undefined && { target }),
    ...(room !== undefined && { room }),
    at,
  };
}

/** Arguments that are missing are none of its mistakes. */
function targetIn(command: AnyCommand, input: Readonly<Record<string, unknown>>): string | undefined {
  try {
    return targetOf(command, input);
  } catch {
    return undefined;
  }
}
