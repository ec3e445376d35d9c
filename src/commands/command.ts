import type { z } from "zod";
import type { Broker } from "../core/broker/broker.ts";
import type { Client } from "../core/client/client.ts";
import type { Clock } from "../core/clock.ts";
import type { Registry } from "../core/registry/registry.ts";
import type { Audit } from "./audit-record.ts";
import type { Need } from "./needs.ts";
import type { Behalf } from "./perform.ts";

/**
 * A verb of `micro`, as data. From this one definition follow the usage line, help, completion, "did you mean", the
 * parser, the README's table and the test that every example parses. `CONTRIBUTING.md` shows how to add one.
 */
export interface Command<S extends z.ZodObject = z.ZodObject, R = unknown> {
  /** Words that select it: `get service`. Lower case, unique with its aliases. */
  readonly name: string;
  readonly aliases?: readonly string[];
  /** One line, no full stop. */
  readonly summary: string;
  /** Fields with `.describe()`; those not in `words` are options (`--limit`). */
  readonly input: S;
  /** Fields filled by bare words, in order. */
  readonly words?: readonly (keyof z.input<S> & string)[];
  /** The field, last of `words`, that takes the rest of the line as it was typed: JSON, text. */
  readonly rest?: keyof z.input<S> & string;
  /**
   * Words that make another command of it where they come first (`alert demo`), where any text would do. What is nearly one of them
   * is asked about and not taken for text; behind `--` and in quotes it is.
   */
  readonly furtherNames?: readonly string[];
  /** `area:verb`; roles grant patterns such as `registry:*`. */
  readonly permission: `${string}:${string}`;
  /**
   * `read` may be repeated freely and is open to members; `write` needs a grant, is confirmed in chat (unless `confirm: false`),
   * and stops while writes are paused (unless `whilePaused`). The command line asks for neither.
   */
  readonly effect: "read" | "write";
  /** A write that goes on while writes are paused, because it touches no service: who is who, what is stopped, what is valid. */
  readonly whilePaused?: true;
  /** Names of a command that does the same to what it acts on: rules that deny that, or want approvals for it, bind this, too. */
  readonly boundAs?: readonly string[];
  /**
   * `false`: a write that is not confirmed first, because saying it is saying it (`call`). One that depends on what is said tells
   * whether it is. See `asksFirst`.
   */
  readonly confirm?: false | ((input: z.output<S>) => boolean);
  /**
   * Only a message of a person says it, because it is their own word on something (`runbook approve`): no step of a runbook, no
   * schedule, nothing else that is done for somebody (`Performer`).
   */
  readonly inPerson?: true;
  /**
   * It goes on: it shows things while it runs (`emit`), for at most this long in chat, where others end after 30 s. Its
   * view is the closing line; the command line leaves that out, because what a script reads is what was shown.
   */
  readonly maxMs?: number;
  /** What it shows and answers belongs beside the room's talk: into a thread of the message that asked, where there are threads. */
  readonly aside?: true;
  /** Its answer is for who asked: in a room more than 12 lines of it are whispered (`help`). */
  readonly personal?: true;
  /** Answered at once, past whatever the room is waiting for (`jobs`, `cancel`). */
  readonly urgent?: true;
  /**
   * Fields whose values are secret: crossed out wherever the line is written down or shown again (journal, audit, jobs,
   * questions, notices), and in whatever is said while it runs.
   */
  readonly secrets?: readonly (keyof z.input<S> & string)[];
  /**
   * What it is given beside who asked and where, if it comes from a file or package: those get nothing that they do not name.
   * The bot's own are given what `CommandContext` has.
   */
  readonly needs?: readonly Need[];
  /**
   * It runs in a thread of its own, if it comes from a file or package, and is ended when it takes more memory or time.
   * `true`: 64 MB and as long as a command may take.
   */
  readonly worker?: true | { readonly memoryMb?: number; readonly timeMs?: number };
  /**
   * Lines that are carried out because of it, for who said it: whoever asks what they may is told of these, too. As far as they are
   * known without doing anything; with arguments that are missing or wrong there may be none.
   * @param asker who is told of them
   * @throws MicroError when they cannot be told
   */
  carries?(input: z.output<S>, asker: Pick<CommandContext, "mayRun">): Promise<readonly string[]>;
  /** One of its words is a line, in quotes: a `|` behind that was meant to be within it, and is refused. */
  readonly takesLine?: true;
  /**
   * Its result as rows of named values, for pipes (`stats orders | sort -uptime`). Left out: the array of objects in its result,
   * which fits most (`pipe/records.ts`).
   */
  readonly records?: {
    /** Their names, where they are known beforehand, in the order in which they are shown: a wrong one is told before it runs. */
    readonly fields?: readonly string[];
    /** Objects in them are laid flat (`metadata.zone`). */
    rows(result: R): readonly object[];
  };
  /**
   * What `help` lists in its stead, for what is said otherwise than by its name (a script's patterns); empty: another command
   * tells of it.
   */
  readonly says?: readonly { readonly usage: string; readonly summary: string }[];
  /** What `help <command>` tells beside all that, a line each; a tab ends a column. */
  readonly details?: readonly string[];
  /** Whole lines, first the plainest. */
  readonly examples?: readonly string[];
  /** Facts; survives JSON. @throws MicroError */
  run(input: z.output<S>, context: CommandContext): Promise<R>;
  /** Facts to something to show. Pure, so a stored result can be drawn again. */
  view(result: R, input: z.output<S>): View;
  /**
   * A file beside the view: a table, a picture. Where the network takes no files, or shows no pictures, its text is said. Pure, as
   * `view` is; what is drawn may take its time, as long as the command may take in all.
   */
  file?(result: R, input: z.output<S>): Attachment | undefined | Promise<Attachment | undefined>;
  /** The service that a line acts on, for policies and limits. Left out: its field `service`, where it has one. */
  target?(input: z.output<S>): string | undefined;
  /** It may act on a service whose name looks like another's, because it takes such a one away (`names.ts`). */
  readonly takesAnyName?: true;
  /** What a write would touch, shown before the yes and looked up again at the yes. Left out: its target's nodes. */
  touches?(input: z.output<S>, context: CommandContext): Promise<readonly Touched[]>;
  /**
   * A secret that the answer is there to tell, once, to who asked alone. Where their network cannot keep it from others, the
   * command is not run.
   */
  reveals?(result: R): string;
  /** What a person may write next: values for a field, for completion. */
  complete?(
    field: string,
    given: Readonly<Record<string, unknown>>,
    context: CommandContext,
  ): Promise<readonly string[]>;
}

/** Something that a write touches, as it is now. */
export interface Touched {
  /** A service's name, or what else it is. */
  readonly name: string;
  readonly version?: string;
  /** Ids of its nodes, sorted. */
  readonly nodes: readonly string[];
  /** Not shown, and a yes is bound to it all the same: a digest. */
  readonly which?: string;
}

/** What a verb may use, and no more. */
export interface CommandContext {
  readonly registry: Registry;
  readonly client: Client;
  /** Not started and not stopped by a verb. */
  readonly broker: Broker;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** `slack:T01/U02`, `terminal:root`. */
  readonly caller: string;
  /** Who the caller is on every network, where the policy says so (`ann`); else the caller. */
  readonly person?: string;
  /** The room it was said in, among those of all networks; nowhere on the command line. */
  readonly room?: string;
  /** The network does not vouch for the caller, or calls them a stranger. */
  readonly guest?: boolean;
  /** For whom and where this is, so that it can go on after the answer (`Performer`); absent on the command line. */
  readonly behalf?: Behalf;
  /** Whether the caller may run another command; what they may not run is not shown to them. */
  readonly mayRun: (
    command: Pick<AnyCommand, "permission" | "effect"> & Partial<Pick<AnyCommand, "name" | "aliases">>,
  ) => boolean;
  /**
   * Whether the caller may run a command on that service, here and now: for services that the line does not name as they are
   * registered, or at all. Left out: whatever they may run.
   */
  readonly mayRunOn?: (
    command: Pick<AnyCommand, "name" | "permission" | "effect"> & Partial<Pick<AnyCommand, "aliases" | "boundAs">>,
    service: string,
  ) => boolean;
  /** What was done; left out where nothing is kept of it. */
  readonly audit?: Audit;
  /** The process ends with this command (the command line), so nothing that lives in it outlives the answer. */
  readonly oneShot: boolean;
  /** Where the bot of this machine keeps what it remembers, if the command line was told; `""`: in the usual place. */
  readonly stateDir?: string;
  /**
   * Shows something before the end. Resolves when there may be more, so who awaits it goes no faster than what is shown:
   * chat keeps the last lines in one message that grows, a terminal prints each. Never rejects.
   * @param fact what `--output json` and `raw` show instead
   */
  emit(view: View, fact?: unknown): Promise<void>;
  /**
   * Asks who said this something, and gives what they say next in that room: one of `choices`, as it is spelled there, or any
   * text. `no` ends it. Waits as long as the command may take (`Command.maxMs`). Absent where nobody can be asked.
   * @throws MicroError `cancelled` (they said no), `timeout`, `conflict` (they are being asked already), `permission_denied`
   * (nobody vouches for who they are)
   */
  ask?(question: string, options?: AskOptions): Promise<string>;
}

export interface AskOptions {
  /** Up to 25, shown as buttons where there are some. */
  readonly choices?: readonly string[];
}

/** A file of text, or a picture. */
export interface Attachment {
  /** With its ending: `memory.csv`, `latency.png`. */
  readonly name: string;
  /** Of a picture: what is said where it is not shown, and what those hear who cannot see it. A secret in it keeps the picture back. */
  readonly text: string;
  /** A picture (PNG) of 1 MiB at most; a larger one is not shown. */
  readonly png?: Uint8Array;
}

/**
 * Something to show; a front end draws it. `report` is lines in the reference's layout, where a tab ends a column: the
 * terminal prints them as they are, chat aligns them.
 */
export type View =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "list"; readonly items: readonly string[]; readonly note?: string | undefined }
  | { readonly kind: "report"; readonly text: string; readonly note?: string | undefined }
  | { readonly kind: "json"; readonly text: string };

/** Keeps the types of `input`, `run` and `view` tied together. */
export function defineCommand<S extends z.ZodObject, R>(command: Command<S, R>): Command<S, R> {
  return command;
}

/** Whether a yes is asked for before it is done, whatever the policy says. */
export function asksFirst({ effect, confirm }: AnyCommand, input: Readonly<Record<string, unknown>>): boolean {
  return effect === "write" && confirm !== false && (confirm === undefined || confirm(input));
}

/** A command whose types are nobody's business: what catalogs hold. */
// biome-ignore lint/suspicious/noExplicitAny: the input type stands on both sides of `run`, so only `any` fits them all
export type AnyCommand = Command<any, any>;
