import type { AuditFound, Replayed } from "../../commands/audit-record.ts";
import type { Catalog } from "../../commands/catalog.ts";
import { asksFirst, type CommandContext } from "../../commands/command.ts";
import { chatLine } from "../../commands/line.ts";
import { parse } from "../../commands/parse.ts";
import { targetOf } from "../../commands/target.ts";
import { MicroError } from "../../core/errors.ts";
import { CROSSED_OUT } from "../../core/redact.ts";
import { roomOf } from "../long.ts";
import type { Policy } from "../policy.ts";
import { difference, nodesOf } from "../touched.ts";

export interface ReplayInit {
  readonly catalog: () => Catalog;
  readonly policy: () => Policy;
}

/**
 * What would happen if the same person said the same line in the same room now: parsed by today's commands, decided by
 * today's policy, looked up in today's registry. Runs nothing.
 */
export function createReplay({ catalog, policy }: ReplayInit) {
  return async (found: AuditFound, context: CommandContext): Promise<Replayed> => {
    const text = found.line ?? found.text;
    const hidden = hiddenIn(text);
    if (hidden !== undefined) return { misunderstood: hidden };
    const match = catalog().match(chatLine(text));
    if (match === undefined) return { misunderstood: "there is no such command" };
    const { command } = match;
    let input: Record<string, unknown>;
    try {
      input = parse(match).input;
    } catch (error) {
      return { command: command.name, misunderstood: MicroError.from(error).message };
    }
    const target = targetOf(command, input);
    const decision = policy().decide({
      caller: found.caller,
      guest: found.guest === true,
      command,
      ...(target !== undefined && { target }),
      input,
      room: roomOf(found.network, found.room),
      at: context.clock.now(),
    });
    const decided = { command: command.name, allowed: decision.allowed, rule: decision.rule, why: decision.why };
    const write = command.effect === "write";
    const asks = decision.approvals !== undefined || asksFirst(command, input);
    if (!decision.allowed || !(write || asks)) return decided;
    const touched = await (command.touches?.(input, context) ?? nodesOf(target, context));
    return { ...decided, asks, touched, ...(found.touched && { moved: difference(found.touched, touched) }) };
  };
}

/** A line that is not kept whole cannot be said again. */
function hiddenIn(text: string): string | undefined {
  if (text.includes(CROSSED_OUT))
    return "the audit keeps this line without its secrets, so it cannot be understood again";
  return text.endsWith("…") ? "the audit keeps only the beginning of this line" : undefined;
}
