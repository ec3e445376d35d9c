import { hash } from "node:crypto";
import { z } from "zod";
import type { AnyCommand } from "./command.ts";

/** Where a command comes from. */
export interface Origin {
  /** `files`, `services`; absent: it is the bot's own, and nobody takes its name. */
  readonly source?: string;
  /** `commands/restart.ts`, `go.micro.bot.deploy`: for people. */
  readonly from: string;
  /** Of the code that it is, where that is known. */
  readonly digest?: string;
}

const origins = new WeakMap<AnyCommand, Origin>();

/** Notes where a command comes from; the catalog does, for each that is in force. */
export function comesFrom(command: AnyCommand, origin: Origin): void {
  origins.set(command, origin);
}

/** Where a command comes from, for people. @returns `undefined`: nobody has noted it */
export function originOf(command: AnyCommand): string | undefined {
  return origins.get(command)?.from;
}

/**
 * What tells a command from another of its name: where it comes from, what it takes, what it may do. A yes to one is none to the
 * other. The same in every process that has the same command, and for the bot's own in every version.
 * @returns SHA-256, hex
 */
export function identityOf(command: AnyCommand): string {
  const origin = origins.get(command);
  if (origin !== undefined && origin.source === undefined) return sha256("the bot");
  const { summary, input, words = [], rest = "", permission, effect, boundAs = [] } = command;
  const takes = z.toJSONSchema(input, { io: "input", unrepresentable: "any" });
  const { source = "", from = "", digest = "" } = origin ?? {};
  return sha256(JSON.stringify([source, from, digest, summary, takes, words, rest, permission, effect, boundAs]));
}

function sha256(text: string): string {
  return hash("sha256", text);
}
