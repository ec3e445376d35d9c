/** A command line as words that remember where they stood, so that JSON can be taken from the text untouched. */
export interface Line {
  /** The whole text. */
  readonly text: string;
  readonly words: readonly Word[];
}

export interface Word {
  /** Quotes and escapes undone, typographic signs made plain. */
  readonly text: string;
  /** Where it stands in `Line.text`; `end` is exclusive. */
  readonly start: number;
  readonly end: number;
  /** It was quoted, so it is never an option and never part of a command's name. */
  readonly quoted: boolean;
}
