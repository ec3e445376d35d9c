import type { AnyCommand, Attachment, Touched, View } from "../commands/command.ts";
import type { Line } from "../commands/line.ts";
import type { Output } from "../commands/parse.ts";
import type { Middleware } from "../core/middleware.ts";
import type { Form, IncomingMessage, Input } from "../inputs/input.ts";
import type { Meant } from "../plugins/listening.ts";
import type { Claim } from "./journal.ts";
import type { Manners } from "./manners.ts";
import type { Decision } from "./policy.ts";

/** One message on its way through the bot. A layer that learns something makes a new one; nobody changes one. */
export interface Context {
  readonly input: Input;
  readonly message: IncomingMessage;
  /** What was said to the bot, its name taken off; from `alias` on what that stands for. */
  readonly line: Line;
  /** The name of the alias that `line` was said with. */
  readonly alias?: string;
  /** What of the line is a command, where that is not all of it: without its pipe. */
  readonly head?: Line;
  /** The line as it may be written down and shown to others: secrets are crossed out in it. See `toldOf`. */
  readonly told?: string;
  /** `slack:T01/U02`; `slack:guest` when nobody vouches. */
  readonly caller: string;
  /** Whom the policy knows the caller as: `ann` for each of her ids, else the caller. Two callers that are one may do each other's. */
  readonly person?: string;
  /** Names this message in answers, `jobs` and the log; travels with calls as their trace id. */
  readonly id: string;
  /** Once the line is understood. */
  readonly run?: { readonly command: AnyCommand; readonly input: Record<string, unknown>; readonly output: Output };
  /** What the policy said of it, once it was asked. */
  readonly decision?: Decision;
  /** The right to work on it, once it is in the journal. */
  readonly claim?: Claim;
  /** Called when it is in the journal, or never will be: its network may forget it. */
  readonly taken: () => void;
  /** Shows something before the answer. Never rejects. */
  readonly show: (shown: Shown) => Promise<void>;
  /**
   * Yes was said to exactly this line, by who asked for it or by approvers; `ask` of `layers/confirm.ts` looks once more at
   * who and what before it lets it run. `caller`, `person` and `message.from` are then who asked for it.
   */
  readonly confirmed: boolean;
  /** What was confirmed, and by whom; from `confirm` (heard) on. */
  readonly approval?: Approval;
  /** What it touches, as it was looked up at the yes; on writes that were confirmed (`order` may wait after that). */
  readonly touched?: readonly Touched[];
  /** It was not said to the bot: what would act on it. Then `line` has no words. */
  readonly overheard?: Meant;
  /** `break-glass` was said before the line: why it is to go without approvers. */
  readonly brokeGlass?: string;
}

/** How a line came to be carried out that had to be confirmed. */
export interface Approval {
  /** Of the request: `yes 03f9a1`, `requests`. */
  readonly id: string;
  /** Callers who said yes, in that order: the asker alone, or the approvers. */
  readonly approvers: readonly string[];
  /** The caller who said the last yes, in the message that carries it out. */
  readonly by: string;
  /** All who said yes, for people. */
  readonly saidBy: string;
}

/** What a command shows while it runs. */
export interface Shown {
  /** Lines, as they are. */
  readonly text: string;
  /** Into a thread of the message that asked, where there are threads. */
  readonly aside: boolean;
}

/** What there is to say; drawn for the network in `render.ts`. */
export interface Answer extends Manners {
  readonly view: View;
  /** The facts behind it, where there are some. */
  readonly result?: unknown;
  readonly output: Output;
  /** Beside what is said. */
  readonly file?: Attachment;
  /** What is said under it, whatever it is. */
  readonly note?: string;
  /** Can be changed later, by a message with this key, where the network can. */
  readonly key?: string;
  /** To be filled in; `view` is what is said where that cannot be. */
  readonly form?: Form;
}

/** `undefined` is silence: the message was not for the bot, or had been taken before. */
export type Layer = Middleware<Context, Answer | undefined>;

/** What was said, as it may be written down and shown to others. */
export function toldOf({ told, line }: Pick<Context, "told" | "line">): string {
  return told ?? line.text;
}

/** An answer in one sentence. */
export function say(text: string, manners: Manners = {}): Answer {
  return { view: { kind: "text", text }, output: "text", ...manners };
}
