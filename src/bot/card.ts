import type { Card } from "../commands/board.ts";
import type { Input, OutgoingMessage, Part } from "../inputs/input.ts";
import { say } from "./context.ts";
import { cut, fitsWhole, fitted } from "./fit.ts";
import { renderAnswer } from "./render.ts";

/**
 * A card as one message within the limits of its network: its head and what can be picked stay, what stands between them is cut. It
 * comes without a file, since it changes.
 */
export function drawCard(
  { head, views = [], choices = [], place }: Pick<Card, "head" | "views" | "choices" | "place">,
  limits: Input["limits"],
): OutgoingMessage {
  const { textLength, buttons } = limits;
  const typed = buttons ? "" : typedChoices(choices, Math.floor(textLength / 3));
  const top: Part = { kind: "text", text: cut(head, Math.floor(textLength / 2)) };
  const end: readonly Part[] = typed === "" ? [] : [{ kind: "text", text: typed }];
  const whole = { ...limits, files: false, textLength: Number.POSITIVE_INFINITY };
  const middle = views.flatMap((view) => renderAnswer({ ...say(""), view }, place, whole).parts);
  let room = textLength - top.text.length - typed.length - 2;
  let parts = [top, ...within(middle, room, place, limits), ...end];
  // What a network puts before its own markup takes room, too.
  while (room >= LEAST && !fitsWhole(parts.map(({ text }) => text).join("\n"), limits)) {
    room = Math.floor(room * 0.8);
    parts = [top, ...within(middle, room, place, limits), ...end];
  }
  return { place, parts, ...(buttons && choices.length > 0 && { choices }) };
}

/** Less than a line says nothing. */
const LEAST = 80;

function within(parts: readonly Part[], room: number, place: Card["place"], limits: Input["limits"]): readonly Part[] {
  if (parts.length === 0 || room < LEAST) return [];
  return fitted(parts, place, { ...limits, files: false, textLength: room }).parts;
}

/** Lines that can be typed; half a line would be another, so those that do not fit are left out. */
function typedChoices(choices: readonly { readonly label: string; readonly line: string }[], room: number): string {
  const lines: string[] = [];
  let left = room;
  for (const { label, line } of choices) {
    const text = `${label}: ${line}`;
    left -= text.length + 1;
    if (left < 0) break;
    lines.push(text);
  }
  return lines.join("\n");
}
