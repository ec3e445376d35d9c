import type { AuditSaid } from "../../commands/audit-record.ts";
import type { AnyCommand } from "../../commands/command.ts";
import { targetOf } from "../../commands/target.ts";
import { CROSSED_OUT, type Redactor } from "../../core/redact.ts";
import { canonicalJson, sha256 } from "../canonical.ts";
import { type Context, toldOf } from "../context.ts";
import { cut } from "../fit.ts";
import { isGuest, whose } from "../people.ts";
import { bounded } from "./bounded.ts";

/** Characters of a line that are kept. */
const TEXT = 2000;

/**
 * What the audit keeps of a message.
 *
 * @param heard as it came
 * @param known as far as it is understood by now
 * @param redactor crosses out what is known as secret
 */
export function saidOf(
  heard: Context,
  known: Context,
  at: number,
  redactor: Pick<Redactor, "text" | "json">,
): AuditSaid {
  const { id, message, input, caller } = known;
  const { command, input: args } = known.run ?? {};
  const clean = (text: string) => cut(redactor.text(text), TEXT);
  const text = clean(typed(heard));
  const line = clean(toldOf(known));
  const shown = command && args && redactor.json(withoutSecrets(command, args));
  const target = command && args && targetOf(command, args);
  const { approval, touched, brokeGlass } = known;
  return {
    id,
    at,
    caller,
    person: whose(known),
    name: clean(message.from.name),
    ...(isGuest(known) && { guest: true }),
    network: input.name,
    room: message.place.room,
    text,
    ...(line !== text && { line }),
    ...(command && { command: command.name, effect: command.effect }),
    ...(shown !== undefined && { args: bounded(shown) as Record<string, unknown>, ...digestOf(shown) }),
    ...(known.decision && { rule: known.decision.rule }),
    ...(approval && { request: approval.id, approvers: approval.approvers }),
    ...(heard.caller !== caller && { by: heard.caller }),
    ...(brokeGlass !== undefined && { brokeGlass: clean(brokeGlass) }),
    ...(target !== undefined && { target: clean(target) }),
    ...(touched && { touched: bounded(redactor.json(touched)) as typeof touched }),
  };
}

/** The message as it came, with its line as it may be shown. */
function typed(heard: Context): string {
  const { text } = heard.message;
  const { line } = heard;
  return text.endsWith(line.text) ? text.slice(0, text.length - line.text.length) + toldOf(heard) : toldOf(heard);
}

/** Of all of it, also of what is too long for a record. */
function digestOf(shown: unknown): { readonly argsHash?: string } {
  try {
    return { argsHash: sha256(canonicalJson(shown)) };
  } catch {
    return {};
  }
}

function withoutSecrets(
  command: AnyCommand,
  args: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  const names: readonly string[] = command.secrets ?? [];
  const said = names.filter((name) => args[name] !== undefined);
  return said.length === 0 ? args : { ...args, ...Object.fromEntries(said.map((name) => [name, CROSSED_OUT])) };
}
