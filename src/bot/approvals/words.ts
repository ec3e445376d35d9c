import type { Choice } from "../../inputs/input.ts";
import { cut } from "../fit.ts";
import { touchedLines } from "../touched.ts";
import { type Fate, type Pending, shownLine, type Who } from "./pending.ts";

/** What a question says, with everything that a yes to it does. @param name what the bot is called */
export function question(pending: Pending, name: string): string {
  return [...about(pending), ...how(pending, name), ...soFar(pending)].join("\n");
}

/** What stands in the question's place when it is decided. */
export function closing(pending: Pending, fate: string): string {
  return [...about(pending), fate].join("\n");
}

export function choicesOf({ id, approvals }: Pending): readonly Choice[] {
  return [
    { label: approvals === undefined ? "Do it" : "Approve", line: `yes ${id}`, weight: "danger" },
    { label: "No", line: `no ${id}` },
  ];
}

/** The bot keeps changing the message with this key until it is decided. */
export function keyOf({ id }: Pick<Pending, "id">): string {
  return `ask ${id}`;
}

/** @returns the id of the request that a message with this key asks about; `undefined`: none */
export function idOfKey(key: string): string | undefined {
  return /^ask ([0-9a-f]{6})$/.exec(key)?.[1];
}

/** For the room, and for whoever keeps watch, the moment a glass is broken. */
export function alarm(pending: Pending, skipped: string, at: number): string {
  const { id, brokeGlass = "", asker, input, place } = pending;
  return [
    `BREAK-GLASS by ${whoIs(asker)} in ${input}:${place.room}, ${timeOf(at)}: ${indented(shownLine(pending))}`,
    `goes without ${skipped}; reason: ${flat(brokeGlass)} (${id})`,
  ].join("\n");
}

function about(pending: Pending): readonly string[] {
  const { touched, seeks, brokeGlass } = pending;
  const line = shownLine(pending);
  return [
    ...(brokeGlass === undefined ? [] : [`BREAK-GLASS, without approvers; reason: ${flat(brokeGlass)}`]),
    `this changes things: ${indented(line)}`,
    ...(HIDDEN.test(line) ? [`it holds characters that cannot be seen; spelled out: ${spelled(line)}`] : []),
    ...(seeks && touched.length === 0 ? ["touches nothing that is registered now"] : touchedLines(touched)),
  ];
}

function how(pending: Pending, name: string): readonly string[] {
  const { id, approvals, asker } = pending;
  const time = spanOf(pending);
  if (approvals === undefined) {
    return [
      `say \`${name} yes\` within ${time} to do it, \`${name} no\` to drop it; among several, \`${name} yes ${id}\``,
    ];
  }
  const { count, role } = approvals;
  const have = count === 1 ? "has" : "have";
  return [
    `${count} of the role ${role} ${have} to say \`${name} approve ${id}\` within ${time}, and ${whoIs(asker)}, who asks, does not count; \`${name} no ${id}\` drops it`,
  ];
}

function soFar({ votes, approvals }: Pending): readonly string[] {
  if (approvals === undefined || votes.length === 0) return [];
  return [`yes so far: ${votes.map((vote) => `${whoIs(vote)} at ${timeOf(vote.at)}`).join(", ")}`];
}

/** `that is over`, and what became of it. */
export function overText(pending: Pending, fate: string): string {
  return `that is over: ${shownLine(pending)}\n${fate}`;
}

export function fateText({ kind, text, ended }: Fate): string {
  if (ended === undefined) return kind === "approved" ? `${text}; it is still running, or was cut off` : text;
  return ended === "ok" ? `${text}; it was done` : `${text}; it failed (${ended})`;
}

/** What is said of one that nobody decided in time. */
export function expiredText(pending: Pending): string {
  return `nobody said yes within ${spanOf(pending)}, so nothing was done (${timeOf(pending.expiresAt)})`;
}

function spanOf({ at, expiresAt }: Pending): string {
  const minutes = Math.max(1, Math.round((expiresAt - at) / 60_000));
  return minutes === 1 ? "a minute" : `${minutes} minutes`;
}

/** @param at epoch ms */
export function timeOf(at: number): string {
  return `${new Date(at).toISOString().slice(11, 19)} UTC`;
}

/** A name for people, and what the network vouches for, since anybody may take a name. */
export function whoIs({ name, id, caller }: Pick<Who, "name" | "id" | "caller">): string {
  return name === id ? flat(name) : `${flat(name)} (${caller})`;
}

/** A line of several lines must not look as if it ended before its end. */
function indented(line: string): string {
  return line.replace(/\r\n?|\n/g, "\n  ");
}

/** Characters that nobody sees, so that what is read would not be what is run: controls, formats, unassigned ones. */
const HIDDEN = /[^\P{C}\n\r\t]/u;

/** Whole: what is behind them must not be hidden by being far behind. */
function spelled(line: string): string {
  const every = new RegExp(HIDDEN.source, "gu");
  return indented(line).replace(every, (sign) => `<U+${(sign.codePointAt(0) ?? 0).toString(16).toUpperCase()}>`);
}

function flat(text: string): string {
  return cut(text.replace(/\s+/g, " "), 200);
}
