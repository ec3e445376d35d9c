import type { View } from "./command.ts";

/**
 * For whom and where a line is carried out that no message says just now: a runbook's step, a schedule, a line of an alias. It is
 * taken from the message that began it (`CommandContext.behalf`) and survives JSON, so that it is still known after a restart.
 */
export interface Behalf {
  /** The input's name. */
  readonly input: string;
  /** Where it was said; made by the input, read only by it. */
  readonly place: { readonly room: string; readonly [fact: string]: string | undefined };
  readonly from: { readonly id: string | undefined; readonly name: string; readonly guest: boolean };
}

/** What became of a line. */
export interface Performed {
  /** The command's name. */
  readonly command: string;
  /** Its typed arguments. */
  readonly input: Readonly<Record<string, unknown>>;
  /** Facts; survive JSON. */
  readonly result: unknown;
  readonly view: View;
  /** It may have changed something. */
  readonly effect: "read" | "write";
}

/**
 * Carries out lines as somebody, through the same policy, pause and audit as if they had said them. They wait for no turn and count
 * for no limit of messages: whoever has them carried out sees to it that there are not too many.
 */
export interface Performer {
  /**
   * @throws MicroError what the command throws; `not_found` (no such command), `invalid_argument` (wrong words),
   * `permission_denied` (they may not, or the policy wants approvers for it, or only a person says it (`Command.inPerson`), or it has to
   * be confirmed and `confirmed` is not given)
   */
  perform(line: string, behalf: Behalf, options: PerformOptions): Promise<Performed>;
  /** Says something there, after all that was said before. Resolves when it is said, or lost. Never rejects. */
  say(
    behalf: Behalf,
    view: View,
    choices?: readonly { readonly label: string; readonly line: string }[],
  ): Promise<void>;
}

export interface PerformOptions {
  /** In the audit, `jobs` and traces: unique, the same for the same step (`rb7f3a.2`). */
  readonly id: string;
  /** Somebody has said yes to exactly this; rules that want approvers are not met by that. */
  readonly confirmed?: boolean;
  readonly signal?: AbortSignal;
  /** It may not write, whatever it is: writes are refused with `permission_denied` before they begin (`--dry-run`). */
  readonly readOnly?: boolean;
}
