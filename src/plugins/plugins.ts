import type { AnyCommand } from "../commands/command.ts";
import type { CallOptions } from "../core/lifecycle.ts";

/**
 * A place that commands come from while the bot runs: a folder of files, the registry, Hubot's scripts. It offers what it has
 * and knows nothing of who else offers what; `bot/catalogs.ts` puts all of it together and refuses what clashes.
 */
export interface CommandSource {
  /** `files`, `services`: in `micro plugins` and the log. */
  readonly name: string;
  /**
   * Calls `offer` with all that it has, whenever that has changed; what is there by now has been offered once the promise
   * resolves. What does not load is no failure: it is offered as broken. @throws MicroError `unavailable`, `invalid_argument` (a
   * folder that is none)
   */
  start(offer: Offer, options?: CallOptions): Promise<void>;
  /** Offers nothing more; holds no timer, socket, watcher or thread afterwards. What it offered may be called until then. */
  stop(): Promise<void>;
}

/** Takes all that a source has now in the stead of what it had. */
export type Offer = (offered: Offered) => void;

export interface Offered {
  /** In the order in which they came to be: the first keeps a name that two want. */
  readonly commands: readonly Owned[];
  readonly broken?: readonly Broken[];
}

/** A command and where it comes from. */
export interface Owned {
  readonly command: AnyCommand;
  /** `commands/restart.ts`, `go.micro.bot.deploy`: for people. */
  readonly from: string;
  /** Of its code, where that is at hand: what was agreed to is not agreed to any more once it is another. */
  readonly digest?: string;
  /** What people say to reach it, where that is not its name: `respond to /deploy (.*)/i`. */
  readonly said?: string;
}

/** What did not become a command, or not the newest of it. */
export interface Broken {
  readonly from: string;
  /** What is wrong and what to do: for people, never a stack. */
  readonly why: string;
  /** An older version of it is in force. */
  readonly kept?: true;
  /** The command that it was to be, where it is one of several. */
  readonly command?: string;
  /** Each thing that is wrong, where that is known: `why` tells them in one line. */
  readonly flaws?: readonly Flaw[];
}

/** One thing that is wrong with a file. */
export interface Flaw {
  readonly why: string;
  /** Beside what it is `from`; that itself, if it is left out. */
  readonly file?: string;
  /** Both begin with 1. */
  readonly line?: number;
  readonly column?: number;
}
