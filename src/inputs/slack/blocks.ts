import type { types } from "@slack/bolt";
import type { Choice, Part } from "../input.ts";
import { cutNote, type Stretch, stretches } from "./render.ts";

type Block = types.KnownBlock;

/** What Slack takes (`chat.md §3`); of all blocks together it takes about 13200 characters and says so nowhere. */
const SECTION_MAX = 3000;
const BLOCKS_MAX = 50;
const CHARACTERS_MAX = 13_000;
const BUTTONS_MAX = 25;
const LABEL_MAX = 75;
const VALUE_MAX = 2000;

/** What a block costs beside its text: its names and brackets. */
const OVERHEAD = 60;

/** Begins the `action_id` of every button of ours. */
export const CHOICE = "choice-";

/**
 * A message's text with something to press under it, or `undefined` where there is nothing to press or not all of it fits:
 * the text counts more, since whatever a button offers can be typed.
 */
export function messageBlocks(parts: readonly Part[], choices: readonly Choice[] = []): Block[] | undefined {
  const buttons = actions(choices);
  if (buttons.length === 0) return undefined;
  const { blocks, whole } = sections(parts, buttons);
  return whole ? blocks : undefined;
}

/** As much as fits, and a note of what does not: for a home tab, and for a text too long to be changed as text. */
export function cutBlocks(parts: readonly Part[], choices: readonly Choice[] = []): Block[] {
  return sections(parts, actions(choices)).blocks;
}

function sections(parts: readonly Part[], below: readonly Block[]): { readonly blocks: Block[]; whole: boolean } {
  const blocks: Block[] = [];
  // One block and its characters are kept for the note.
  let room = CHARACTERS_MAX - below.reduce((sum, block) => sum + weight(block), 0) - OVERHEAD * 3;
  let before: Stretch = { markup: "", shown: { characters: 0, lines: 0 } };
  for (const stretch of stretches(parts, SECTION_MAX)) {
    room -= stretch.markup.length + OVERHEAD;
    if (room < 0 || blocks.length + below.length + 2 > BLOCKS_MAX) {
      blocks.push(section(cutNote(parts, before)), ...below);
      return { blocks, whole: false };
    }
    // Slack refuses a section of blanks.
    if (stretch.markup.trim() !== "") blocks.push(section(stretch.markup));
    before = stretch;
  }
  return { blocks: [...blocks, ...below], whole: true };
}

/** `verbatim`: no channel, name or address in it becomes a link by itself. */
function section(markup: string): Block {
  return { type: "section", expand: true, text: { type: "mrkdwn", text: markup, verbatim: true } };
}

/** What cannot be a button is left out: its line is too long for a value, or it has no label. */
function actions(choices: readonly Choice[]): Block[] {
  const buttons = choices
    .map((choice) => ({ ...choice, value: packed(choice.line) }))
    .filter(({ label, value }) => label.trim() !== "" && value !== "" && value.length <= VALUE_MAX)
    .slice(0, BUTTONS_MAX)
    .map(
      ({ label, value, weight }, index): types.Button => ({
        type: "button",
        action_id: `${CHOICE}${index}`,
        text: plainText(label, LABEL_MAX),
        value,
        ...(weight && { style: weight }),
      }),
    );
  let room = CHARACTERS_MAX / 2;
  const fitting = buttons.filter((button) => {
    room -= buttonWeight(button);
    return room >= 0;
  });
  return fitting.length === 0 ? [] : [{ type: "actions", elements: fitting }];
}

function weight(block: Block): number {
  if (block.type !== "actions") return OVERHEAD;
  return block.elements.reduce((sum, element) => sum + buttonWeight(element as types.Button), OVERHEAD);
}

function buttonWeight({ text, value = "" }: types.Button): number {
  return text.text.length + value.length + OVERHEAD;
}

/** Text that Slack shows as it is, shortened to what it takes there; it takes no blanks. */
export function plainText(words: string, max: number): types.PlainTextElement {
  const text = words.trim() === "" ? "?" : words;
  const short = text.length > max ? `${text.slice(0, max - 1).replace(/[\ud800-\udbff]$/, "")}…` : text;
  return { type: "plain_text", text: short, emoji: false };
}

/**
 * A line as the value of something to pick. Slack encodes `&`, `<` and `>` in parts of what it sends back and not in
 * others, so they do not travel as themselves.
 */
export function packed(line: string): string {
  return line.replace(/[%&<>]/g, encodeURIComponent);
}

export function unpacked(value: string): string {
  return value.replace(/%(?:25|26|3C|3E)/g, decodeURIComponent);
}
