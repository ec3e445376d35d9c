import type { Request } from "../policy.ts";
import type { Aspect } from "./match.ts";
import type { Rule } from "./rule.ts";

/** What somebody reads whom the policy refuses: what is missing, and who can give it. */
export interface Refusal {
  readonly request: Request;
  /** Names the policy file; `undefined`: there is none. */
  readonly file: string | undefined;
  /** Rules that allow the command, to the caller and to others, with what the request does not fit. */
  readonly near: readonly { readonly rule: Rule; readonly named: boolean; readonly misfits: readonly Aspect[] }[];
}

/** The rule as it is quoted. */
function quoted({ text, line }: Rule, file: string | undefined): string {
  return `\`${text}\`${file === undefined ? "" : ` (${file}, line ${line})`}`;
}

export function whyDenied(rule: Rule, { request, file }: Omit<Refusal, "near">): string {
  return `${deed(request)} is forbidden to ${request.caller} by ${quoted(rule, file)}; only who runs this bot can change that`;
}

export function whyRefused(refusal: Refusal): string {
  const { request, file, near } = refusal;
  const { caller, guest, command } = request;
  const own = near.filter(({ named }) => named).sort((a, b) => a.misfits.length - b.misfits.length)[0];
  if (own !== undefined) {
    return `you may \`${command.name}\` only ${own.misfits.map((misfit) => inWords(misfit, own.rule)).join(", ")}: so says ${quoted(own.rule, file)}`;
  }
  const who = guest ? "you are a guest here, and guests need" : "you need";
  const others = [...new Set(near.filter(({ misfits }) => misfits.length === 0).flatMap(({ rule }) => rule.who))];
  const shown = others.filter((one) => !one.includes("/") && !one.includes("@")).slice(0, 3);
  const may = shown.length === 0 ? "" : `; ${shown.join(", ")} may`;
  return `${who} the permission ${command.permission} for ${deed(request)}${may}; who runs this bot can grant it to ${caller} in its policy file`;
}

/** `call` on payments. */
function deed({ command, target }: Request): string {
  return target === undefined ? `\`${command.name}\`` : `\`${command.name}\` on ${shortened(target)}`;
}

function inWords(misfit: Aspect, rule: Rule): string {
  if (misfit === "target")
    return `on ${rule.targets.map(({ service, endpoint }) => `${service}${endpoint ? `/${endpoint}` : ""}`).join(", ")}`;
  if (misfit === "room") return `in ${rule.rooms.join(", ")}`;
  if (misfit === "hours") return rule.hours?.text ?? "";
  return `when ${misfit.text}`;
}

function shortened(text: string): string {
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}
