import type { APIMessageTopLevelComponent } from "@discordjs/core/http-only";
import type { Choice } from "../input.ts";
import { choiceId } from "./message.ts";

/** docs.discord.com, "Component Reference": 5 rows of 5 buttons, labels of 80 characters, ids that differ. */
const IN_A_ROW = 5;
const ROWS = 5;
const LABEL = 80;

const ACTION_ROW = 1;
const BUTTON = 2;
const STYLES = { primary: 1, plain: 2, danger: 4 } as const;

/** Choices as buttons; those that do not fit are left out, since they can be typed. */
export function buttons(choices: readonly Choice[]): APIMessageTopLevelComponent[] {
  const byId = new Map<string, Choice>();
  for (const choice of choices) {
    const id = choiceId(choice.line);
    if (id !== undefined && choice.label.trim() !== "") byId.set(id, choice);
  }
  const all = [...byId].slice(0, ROWS * IN_A_ROW).map(([id, { label, weight }]) => ({
    type: BUTTON as 2,
    custom_id: id,
    // Half a character would have the whole message refused.
    label: label.slice(0, LABEL).replace(/[\ud800-\udbff]$/, ""),
    style: STYLES[weight ?? "plain"],
  }));
  const rows: APIMessageTopLevelComponent[] = [];
  for (let at = 0; at < all.length; at += IN_A_ROW) {
    rows.push({ type: ACTION_ROW as 1, components: all.slice(at, at + IN_A_ROW) });
  }
  return rows;
}
