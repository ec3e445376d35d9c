import type { Input } from "../../../src/inputs/input.ts";
import type { Scene } from "../proven.ts";

/** Those who are not Ann, though something about them is. None of them may do what only she may. */
export const OTHERS = [
  "another account",
  "another account under her name",
  "another account whose name is her id",
  "somebody called admin/x",
  "the same name on another host",
  "a foreign workspace",
] as const;

/** Those of whom the network says that they are strangers, or whom it does not vouch for. None of them may do what members may. */
export const STRANGERS = [
  "a guest account",
  "a foreign account",
  "an account that was deleted",
  "somebody whom nobody vouches for",
] as const;

/** What happens to Ann, who is Ann afterwards. */
export const CHANGES = ["a nick of her own choice", "another name in the directory"] as const;

export type Other = (typeof OTHERS)[number];
export type Stranger = (typeof STRANGERS)[number];
export type Change = (typeof CHANGES)[number];

/** A network with people on it. */
export interface Stage {
  readonly input: Input;
  /** Ann, as a policy names her. */
  readonly ann: string;
  /** She says it to the bot. */
  say(line: string): void;
  /** They say it to the bot; a text says why there is nobody of that kind. */
  readonly others: Readonly<Record<Other, ((line: string) => void) | string>>;
  readonly strangers: Readonly<Record<Stranger, ((line: string) => void) | string>>;
  /** Makes it happen, and waits until it can be known. */
  readonly changes: Readonly<Record<Change, (() => unknown) | string>>;
  /** Her account is deleted; a text says why that cannot be seen. */
  readonly deleted: (() => void) | string;
}

/** An input of `micro bot`, and how to put people on it. */
export interface StageRow {
  readonly name: string;
  open(scene: Scene): Promise<Stage>;
}
