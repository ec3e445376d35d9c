import type { Closable } from "../../../src/core/lifecycle.ts";
import type { Input } from "../../../src/inputs/input.ts";
import { answering } from "./answering.ts";
import { cards } from "./cards.ts";
import { hearing } from "./hearing.ts";
import { links } from "./links.ts";
import { picking } from "./picking.ts";
import { createSession, type TestTools } from "./session.ts";
import { writing } from "./writing.ts";

export type { Expectation, TestTools } from "./session.ts";
export { HOSTILE } from "./texts.ts";

/**
 * A chat network with a bot and one member in it, and what a test can do to it. What the network does not have is named in
 * `InputSetup.without`; a case that needs what is neither here nor there fails.
 */
export interface ChatUnderTest extends Closable {
  readonly input: Input;
  /** The member says something to the bot, in a room. */
  say(text: string): void | Promise<void>;
  /** What the people see of the bot, oldest first, whispers among it. */
  heard(): readonly Heard[];
  /**
   * What `live` of `heard` would be, had the bot said this as it stands: markup where the network has some. It proves that what
   * comes alive would be seen at all.
   */
  alive?(raw: string): readonly string[];
  /** As `say`, in another room or thread; `heard` tells them apart by `where`. */
  sayElsewhere?(text: string): void | Promise<void>;
  /** The member says something to the bot alone, without its name. */
  sayDirect?(text: string): void | Promise<void>;
  /** The member says something to somebody else, where the bot hears it. */
  overhear?(text: string): void | Promise<void>;
  /** A stranger says something to the bot: another organisation, a guest account. */
  sayAsStranger?(text: string): void | Promise<void>;
  /** Somebody else says something to the bot, under the name that the member shows. */
  spoof?(text: string): void | Promise<void>;
  /** What was said last is delivered once more. */
  deliverAgain?(): void | Promise<void>;
  /** Edits, deletions, joins, other bots, the bot's own words: things that nobody says to it. */
  noise?(): void | Promise<void>;
  /** So many characters reach the bot in one message, whether the network would allow that or not. */
  flood?(length: number): void | Promise<void>;
  /** How many of the things said were acknowledged. */
  taken?(): number;
  /** The network delivers again what was not acknowledged. */
  redeliver?(): void | Promise<void>;
  /** The link breaks. */
  lose?(): void | Promise<void>;
  /** The credentials are worthless from now on. */
  refuse?(): void | Promise<void>;
  /** Nobody can be reached when the bot connects next. */
  unreachable?(): void | Promise<void>;
  /** The next send fails for a reason that will not pass, one that says when it passes, one that may pass. */
  failSend?(how: "invalid_argument" | "exhausted" | "unavailable"): void | Promise<void>;
  /** Sends are not answered until the returned function is called. */
  hold?(): () => void;
  /** The member picks one of the choices that the bot showed last, the first is 0. */
  press?(index: number): void | Promise<void>;
  /** The stranger of `sayAsStranger` picks it. */
  pressAsStranger?(index: number): void | Promise<void>;
  /** The member says something that may be answered with a form. */
  sayForForm?(text: string): void | Promise<void>;
  /** The member fills in the form that was opened, and sends it off. Throws when none was opened. */
  fill?(values: Readonly<Record<string, string>>): void | Promise<void>;
  /** The next form cannot be opened. */
  failForm?(): void | Promise<void>;
  /** The signs that the bot put on what the member said last, as they are now. */
  marks?(): readonly string[];
  /** The network will have no more signs. */
  failMark?(): void | Promise<void>;
  /** Those texts of `heard` that only who asked sees. */
  whispered?(): readonly string[];
  /** Somebody deletes what the bot said last; `heard` has it no more. */
  remove?(): void | Promise<void>;
  /** For each of `heard`, the text of the message whose thread it stands in, or that it answers. */
  under?(): readonly (string | undefined)[];
  /** Those texts of `heard` that were said to the member alone, without having been asked. */
  alone?(): readonly string[];
}

/** What people see of one message of the bot, as it is now. */
export interface Heard {
  readonly text: string;
  readonly where?: string;
  readonly file?: { readonly name: string; readonly text: string; readonly png?: Uint8Array } | undefined;
  /** What in the text would act: a link, a mention, an escape sequence. */
  readonly live: readonly string[];
  /** What can be pressed, by what is written on it. */
  readonly choices?: readonly string[];
}

export interface InputSetup {
  create(): Promise<ChatUnderTest>;
  /** What this network does not have, each with the reason. The reason stands in `docs/inputs.md`. */
  readonly without?: Partial<Record<Feature, string>>;
}

/** The optional methods of `ChatUnderTest`. */
export type Feature = Exclude<
  { [K in keyof ChatUnderTest]-?: undefined extends ChatUnderTest[K] ? K : never }[keyof ChatUnderTest],
  undefined
>;

/**
 * What every input keeps, in the words of a test framework: vitest, jest, or `node:test` with the package `expect`. Gives
 * the function that declares the cases for one input; titles are stable, so results of several inputs can be compared.
 */
export function inputSuite(tools: TestTools): (name: string, setup: InputSetup) => void {
  return (name, setup) => {
    tools.describe(`${name}: what every input keeps`, () => {
      const session = createSession(tools, setup);
      tools.describe("hearing", () => hearing(session));
      tools.describe("answering", () => answering(session));
      tools.describe("writing", () => writing(session));
      tools.describe("picking", () => picking(session));
      tools.describe("links", () => links(session));
      tools.describe("cards", () => cards(session));
    });
  };
}
