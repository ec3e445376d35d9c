import { z } from "zod";
import type { CommandContext } from "../../commands/command.ts";
import { inLine } from "./words.ts";

/** The short id of an incident, as a word of a command. */
export const incidentId = z
  .string({ error: "which? `alerts` shows the ids" })
  .describe("as its card and `alerts` show it");

/**
 * Who does something, for cards and lists: as the policy knows them, else by what their network vouches for, with the name that
 * it shows beside it.
 */
export function askerOf({ caller, person = caller, behalf }: CommandContext): string {
  const name = inLine(behalf?.from.name ?? "", 40);
  if (person !== caller) return inLine(person, 60);
  return name === "" || caller.endsWith(`:${name}`) ? caller.slice(caller.indexOf(":") + 1) : `${name} (${caller})`;
}
