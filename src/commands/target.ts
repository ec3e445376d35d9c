import type { AnyCommand } from "./command.ts";

/** The service that a line acts on: what the command says, else its field `service`. */
export function targetOf(command: AnyCommand, input: Readonly<Record<string, unknown>>): string | undefined {
  if (command.target !== undefined) return command.target(input);
  const { service } = input as { readonly service?: unknown };
  return typeof service === "string" ? service : undefined;
}
