import type { AnyCommand } from "../commands/command.ts";
import type { IncomingMessage } from "../inputs/input.ts";

/**
 * Somebody who listens to what people say and finds out by themselves what they act on: patterns of scripts, where a command has
 * a name. The bot asks for what is said to it and is no command of its catalog, and hands over what people say to each other.
 */
export interface Listening {
  /** Whether there is anything that acts on what is not said to the bot; looked at for every sentence of every room. */
  readonly overhears: boolean;
  /**
   * What would act on something that was said to the bot; nothing has been done by then. `undefined`: nothing would.
   * @throws MicroError `unavailable`, `timeout`: nobody can tell now; `permission_denied`: they do not want it to be acted on
   */
  ask(said: Said): Promise<Meant | undefined>;
  /** Takes what was not said to the bot, returns at once, and calls `found` later if something would act on it. Never throws. */
  overhear(said: Said, found: (meant: Meant) => void): void;
}

/** Something that was said. */
export interface Said {
  readonly message: IncomingMessage;
  /** Without the bot's name. */
  readonly text: string;
  /** `slack:T01/U02`; `slack:guest` when nobody vouches. */
  readonly caller: string;
  readonly guest: boolean;
  /** `slack:C02`. */
  readonly room: string;
}

/** What would act on a message. */
export interface Meant {
  /** One command for each that would, in their order; their names, permissions and effects are what policy is asked about. */
  readonly commands: readonly AnyCommand[];
  /** One command that lets those of them act, in their order; it takes the field `text`. At least one is given. */
  together(those: readonly AnyCommand[]): AnyCommand;
}
