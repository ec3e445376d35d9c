import { z } from "zod";
import { createCatalog } from "../../commands/catalog.ts";
import type { AnyCommand, CommandContext } from "../../commands/command.ts";
import { drawText } from "../../commands/draw.ts";
import { fields, usage } from "../../commands/fields.ts";
import { argvLine } from "../../commands/line.ts";
import { parse } from "../../commands/parse.ts";
import { noBroker } from "../../core/broker/none.ts";
import { systemClock } from "../../core/clock.ts";
import { MicroError } from "../../core/errors.ts";
import type { CallContext } from "../../core/server/server.ts";
import { createService, defineEndpoint, type Service, type ServiceInit } from "../../core/service.ts";
import { EXEC, HELP, SPEC, type Spec, specSchema } from "./protocol.ts";

export interface CommandServiceInit extends Omit<ServiceInit, "name"> {
  /** One word; the same definition that a file of commands has. */
  readonly command: AnyCommand;
  /** What the bots that it is for are called in the registry. @default "go.micro.bot" */
  readonly namespace?: string;
}

/**
 * A service that is a command of every bot in its namespace (`toolkit.md §3.7`): bots of 2017 know it by its usage line, this one
 * by its schema, permission and effect.
 * @throws MicroError `invalid_argument` for a command that cannot be said from afar: a name of several words, a field that is
 * neither text, number nor flag, a permission that is not `command:…`
 */
export function createCommandService({ command, namespace = "go.micro.bot", ...init }: CommandServiceInit): Service {
  const name = `${namespace}.${command.name}`;
  const spec = JSON.stringify(specOf(command));
  const service = createService({ version: "latest", ...init, name });
  const nothing = z.object({});
  service.handle(
    defineEndpoint({
      service: name,
      name: HELP,
      input: nothing,
      output: z.object({ usage: z.string(), description: z.string() }),
    }),
    () => ({ usage: usage(command), description: command.summary }),
  );
  service.handle(
    defineEndpoint({ service: name, name: SPEC, input: nothing, output: z.object({ spec: z.string() }) }),
    () => ({ spec }),
  );
  service.handle(
    defineEndpoint({
      service: name,
      name: EXEC,
      input: z.object({
        args: z.array(z.string()).default([]),
        input: z.record(z.string(), z.unknown()).optional(),
        caller: z.string().optional(),
        room: z.string().optional(),
      }),
      output: z.object({ result: z.string().optional(), error: z.string().optional() }),
    }),
    async (asked, call) => {
      try {
        const input = asked.input === undefined ? fromWords(command, asked.args) : fromFields(command, asked.input);
        const result = await command.run(input, contextOf(service, init, call, asked));
        return { result: Buffer.from(drawText(command.view(result, input))).toString("base64") };
      } catch (error) {
        return { error: MicroError.from(error).message };
      }
    },
  );
  return service;
}

function contextOf(
  { registry, client, broker }: Service,
  { clock = systemClock }: Pick<ServiceInit, "clock">,
  { signal }: CallContext,
  { caller = "service:unknown", room }: { readonly caller?: string | undefined; readonly room?: string | undefined },
): CommandContext {
  return {
    registry,
    client,
    broker: broker ?? noBroker,
    clock,
    signal,
    caller,
    ...(room !== undefined && { room }),
    mayRun: () => false,
    oneShot: false,
    // A call has one answer, and this is not it.
    emit: async () => {},
  };
}

/** Go-micro's words: the command's first. */
function fromWords(command: AnyCommand, args: readonly string[]): Record<string, unknown> {
  const match = createCatalog([command]).match(argvLine([command.name, ...args.slice(1)]));
  if (match === undefined) throw new MicroError("invalid_argument", usage(command));
  return parse(match).input;
}

function fromFields(command: AnyCommand, input: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const read = command.input.safeParse(input);
  if (read.success) return read.data;
  const [issue] = read.error.issues;
  throw new MicroError(
    "invalid_argument",
    `${issue?.path.join(".") ?? ""}: ${issue?.message ?? "not as it should be"}`,
  );
}

function specOf(command: AnyCommand): Spec {
  const { name, summary, words, rest, permission, effect, confirm, examples, secrets, maxMs } = command;
  if (!/^[a-z0-9][a-z0-9_-]*$/.test(name)) {
    throw new MicroError("invalid_argument", `"${name}": a service is a command of one word, of a-z, 0-9, "-" and "_"`);
  }
  const { properties = {}, required = [] } = z.toJSONSchema(command.input, { io: "input" });
  const kept = ["type", "description", "enum", "default", "minimum", "maximum"];
  const flat = Object.entries(properties as Record<string, Record<string, unknown>>).map(([field, property]) => {
    const safe = (value: unknown) => typeof value !== "number" || Math.abs(value) < Number.MAX_SAFE_INTEGER;
    return [
      field,
      Object.fromEntries(kept.flatMap((key) => (key in property && safe(property[key]) ? [[key, property[key]]] : []))),
    ];
  });
  // What is wrong with the definition is to be said here, and not by every bot.
  fields(command);
  const read = specSchema.safeParse({
    summary,
    input: { type: "object", properties: Object.fromEntries(flat), required },
    permission,
    effect,
    ...(words && { words }),
    ...(rest !== undefined && { rest }),
    ...(confirm === false && { confirm }),
    ...(examples && { examples }),
    ...(secrets && { secrets }),
    ...(maxMs !== undefined && { maxMs }),
  });
  if (read.success) return read.data;
  const [issue] = read.error.issues;
  throw new MicroError(
    "invalid_argument",
    `"${name}" cannot be a service: ${issue?.path.join(".")}: ${issue?.message}`,
  );
}
