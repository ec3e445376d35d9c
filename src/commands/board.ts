import type { CallOptions } from "../core/lifecycle.ts";
import type { View } from "./command.ts";
import type { Behalf } from "./perform.ts";

/** A message that stays and is changed as what it tells of changes. */
export interface Card {
  /** The same for the same card: what is put later with it changes the message that is there. */
  readonly key: string;
  /** The name of the network, and the place in it (`House.placeIn`, `Behalf`). */
  readonly input: string;
  readonly place: Behalf["place"];
  /** Where it stands, as `put` told: known again after a restart, or by another process. Left out: it is not there yet. */
  readonly at?: string;
  /** What it is called in a word, before what belongs to it where there are no threads. Left out: `key`. */
  readonly name?: string;
  /** What it says first: a line or a few. */
  readonly head: string;
  /** What stands under that. */
  readonly views?: readonly View[];
  /** What may be picked next; where there are no buttons the lines are said at its end. */
  readonly choices?: readonly CardChoice[];
  /** It is changed no more. */
  readonly last?: boolean;
}

/** Picking it says `line` to the bot, by who picked it. */
export interface CardChoice {
  readonly label: string;
  readonly line: string;
  readonly weight?: "primary" | "danger";
}

/**
 * Puts cards into rooms, at the pace that their networks allow: room by room, what is new before what changes, and what has changed
 * while it waited as it is by then. What says the same as before is not said, but for a last word.
 */
export interface Board {
  /** Something can be said on that network now. */
  live(input: string): boolean;
  /** What was said there can be changed. */
  edits(input: string): boolean;
  /**
   * Says a card, or changes it. Resolves when the network has it: to where it stands, for the next `at`; `""` where only this process
   * can change it. Where nothing can be changed it is said anew when its head has changed, and `at` tells what that was. One that
   * somebody has deleted is said anew and stands elsewhere then.
   *
   * Who puts often is slowed down, so put what is newest when this has resolved, not all that was. A card that is `last` is forgotten.
   * @throws MicroError `unavailable` (the network is away: put it again when it is `live`), `invalid_argument` (there is no such place),
   * `exhausted` (too many wait), `timeout` (default 600000 ms, its turn included), `cancelled`. With `details.unsaid` it was certainly
   * not said
   */
  put(card: Card, options?: CallOptions): Promise<string>;
  /**
   * Says something in the thread of a card, or in its room with the card's name before it where there are no threads. @throws as `put` does
   */
  under(
    card: Pick<Card, "input" | "place" | "at" | "key" | "name">,
    words: string,
    options?: CallOptions,
  ): Promise<void>;
}
