import type { AnyCommand, CommandContext } from "../../commands/command.ts";
import { type Given, type Http, type OwnKv, PARTS } from "../../commands/needs.ts";
import { MicroError } from "../../core/errors.ts";
import type { Log } from "../../core/log.ts";
import type { Origins } from "./origins.ts";
import { inThread, type ThreadScript } from "./thread.ts";

/** What there is to be given; each command gets what it names. */
export interface Supplies {
  /** The keys of one file or package, by its name without an extension. */
  kvOf(owner: string): OwnKv;
  readonly http: Http;
  /** A secret's value, already known to what keeps it out of everything said. @throws MicroError as `Secrets.get` does */
  secret(name: string): Promise<string>;
}

/**
 * A definition as the bot runs it: it gets what it needs and nothing else, and what it throws is told by its name.
 * @param loaded what it came in: the script, for those that run in a thread, and where in its files something was thrown
 */
export function given(
  command: AnyCommand,
  from: string,
  supplies: Supplies,
  log: Log,
  { script, origins }: { readonly script?: ThreadScript; readonly origins?: Origins } = {},
): AnyCommand {
  const { run, touches, complete, view } = command;
  const narrowed = (context: CommandContext) => narrow(command, context, from, supplies);
  /** Errors of the house say all there is to say; others only what went wrong, and the log where. */
  const ownError = (how: string, thrown: unknown): MicroError => {
    const at = origins?.placeOf(thrown);
    if (thrown instanceof MicroError) return thrown;
    log.warn({ from, ...(at && { at }), err: thrown }, `\`${command.name}\` threw what is no MicroError`);
    const known = MicroError.from(thrown);
    const [line = ""] = known.message.split("\n");
    return new MicroError(known.code, `\`${command.name}\` ${how}: ${line.slice(0, 300)}`, { cause: thrown });
  };
  return {
    ...command,
    run: async (input, context) => {
      try {
        if (command.worker === undefined || script === undefined)
          return await run.call(command, input, narrowed(context));
        return await inThread(command, script, input, narrowed(context));
      } catch (thrown) {
        throw ownError("failed", thrown);
      }
    },
    view: (result, input) => {
      let shown: unknown;
      try {
        shown = view.call(command, result, input);
      } catch (thrown) {
        throw ownError("was run, but its `view` failed", thrown);
      }
      if (isView(shown)) return shown as ReturnType<typeof view>;
      throw new MicroError(
        "internal",
        `\`${command.name}\` was run, but its \`view\` in ${from} gives nothing to show`,
      );
    },
    ...(touches && { touches: (input, context) => touches.call(command, input, narrowed(context)) }),
    ...(complete && { complete: (field, had, context) => complete.call(command, field, had, narrowed(context)) }),
  };
}

/** The context of a command that came from outside: who, where and when is everybody's, the rest is asked for. */
function narrow(
  command: AnyCommand,
  context: CommandContext,
  from: string,
  supplies: Supplies,
): CommandContext & Given {
  const needs: ReadonlySet<string> = new Set(command.needs);
  const { client, registry, broker, audit, ...others } = context;
  const whole: Record<string, unknown> = {
    client,
    registry,
    broker,
    audit,
    kv: needs.has("kv") ? supplies.kvOf(ownerOf(from)) : undefined,
    http: bound(supplies.http, context),
  };
  const secrets = {
    get: async (name: string) => {
      if (!needs.has(`secrets:${name}`)) throw notAsked(command, `the secret ${name}`, `secrets:${name}`);
      return supplies.secret(name);
    },
  };
  const made = { ...others, secrets, ask: others.ask ?? nobodyToAsk };
  for (const part of PARTS) {
    Object.defineProperty(made, part, {
      enumerable: true,
      get: () => {
        if (!needs.has(part)) throw notAsked(command, `\`${part}\``, part);
        return whole[part];
      },
    });
  }
  return made as unknown as CommandContext & Given;
}

async function nobodyToAsk(): Promise<string> {
  throw new MicroError("permission_denied", "nobody can be asked here: say it in chat");
}

/** `restart` of `commands/restart.ts`, `@team/commands` of that package. */
function ownerOf(from: string): string {
  return from.replace(/^.*\/(?=[^/]*\.[cm]?[jt]s$)|\.[cm]?[jt]s$/g, "");
}

/** Ends with the command. */
function bound(http: Http, context: CommandContext): Http {
  return (url, init = {}) => {
    const signal = init.signal ? AbortSignal.any([init.signal, context.signal]) : context.signal;
    return http(url, { ...init, signal });
  };
}

function notAsked({ name }: AnyCommand, what: string, need: string): MicroError {
  const words = `\`${name}\` did not ask for ${what}: its definition wants \`needs: ["${need}"]\``;
  return new MicroError("permission_denied", words);
}

function isView(shown: unknown): boolean {
  const { kind, text, items } = (shown ?? {}) as { kind?: unknown; text?: unknown; items?: unknown };
  if (kind === "list") return Array.isArray(items);
  return (kind === "text" || kind === "report" || kind === "json") && typeof text === "string";
}
