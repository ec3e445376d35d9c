import type { Clock } from "../core/clock.ts";
import type { Log } from "../core/log.ts";
import type { Redactor } from "../core/redact.ts";
import type { Kv } from "../platform/kv/kv.ts";
import type { Board } from "./board.ts";
import type { Catalog } from "./catalog.ts";
import type { AnyCommand, CommandContext } from "./command.ts";
import type { Behalf, Performer } from "./perform.ts";
import type { Speaker } from "./speaker.ts";

/** What a running bot gives to a part of it that does things by itself: runbooks, schedules. */
export interface House {
  readonly performer: Performer;
  /** For what stays in a room and changes. */
  readonly board: Board;
  /** What can be said now. */
  readonly catalog: () => Catalog;
  /** Shared by all replicas; of this process alone, and gone with it, where the bot has no store. */
  readonly kv: Kv;
  readonly clock: Clock;
  readonly log: Log;
  /** Keeps secrets out of what is written down; what is said is looked through anyway. */
  readonly redactor: Redactor;
  /** What a line stands for, with its alias put in, and whether there is a secret in it. @throws MicroError */
  meaning(line: string): Promise<{ readonly line: string; readonly secret: boolean }>;
  /** Whether who asks may do something, here and now, beside the command that they said. */
  may(asker: CommandContext, what: Pick<AnyCommand, "name" | "permission" | "effect">): boolean;
  /**
   * Whether somebody may still say a command: what is done for them later is done only as long as they may.
   * @param service on that one, there; left out: on whatever, wherever
   */
  mayStill(
    behalf: Behalf,
    what: Pick<AnyCommand, "name" | "permission" | "effect"> & Partial<Pick<AnyCommand, "boundAs">>,
    service?: string,
  ): boolean;
  /** Whether it listens to the input of that name, so that something can be done and said for who spoke there. */
  hears(input: string): boolean;
  /** Whether a caller has that role now, as approvals ask. */
  hasRole(caller: string, guest: boolean, role: string): boolean;
  /** Who asks, to be kept with what they began or said yes to. */
  speaker(asker: CommandContext): Speaker;
  /**
   * Tells whether two are one person, by what is known at this moment on every replica or was when either of them spoke: whoever
   * must not decide a thing alone cannot by linking or parting their ids. @throws MicroError when the store cannot tell
   */
  samePerson(): Promise<(one: Speaker, other: Speaker) => boolean>;
  /** Where something can be said in a room that nobody has spoken from; `undefined`: there is no such network, or it cannot. */
  placeIn(input: string, room: string): Behalf["place"] | undefined;
  /**
   * Where something can be said to one person alone, by the id that their network guarantees, without its name before it (`T01/U02`);
   * `undefined`: there is no such network, it cannot, or the id is of nobody.
   */
  placeTo(input: string, id: string): Behalf["place"] | undefined;
}

/** A part of the bot that brings commands and may go on between them. */
export interface Extension {
  readonly commands: readonly AnyCommand[];
  /** Once the bot is in its networks. @throws MicroError */
  start?(): Promise<void>;
  /** Ends what it does, or leaves it to another replica; holds nothing afterwards. */
  stop?(): Promise<void>;
}
