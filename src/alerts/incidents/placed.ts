import type { MicroError } from "../../core/errors.ts";
import { titleOf } from "./card.ts";
import type { Incident, Shown } from "./incident.ts";
import { spanOf } from "./words.ts";

/* What cards of incidents are called where they stand, and what is said below them. */

/** One room of all networks. */
export function roomOf({ input, room }: Pick<Shown, "input" | "room">): string {
  return `${input}:${room}`;
}

/** The key of its card in a room (`Card.key`). */
export function cardKey({ id, openedAt }: Incident, card: Shown): string {
  return `incident/${id}.${openedAt}/${roomOf(card)}`;
}

/** What its card is called where there are no threads (`Card.name`). */
export function nameOf(incident: Incident): string {
  return `${titleOf(incident)} (${incident.id})`;
}

/** Below a card whose incident has turned. */
export function turnWords(incident: Incident): string {
  const { status, since, resolvedAt = since, fires, acked, assigned } = incident;
  const who = assigned?.to ?? acked?.by;
  if (status === "resolved")
    return `resolved after ${spanOf(resolvedAt - since)}${who === undefined ? "" : `; ${who} had it`}`;
  return `fires again: ${fires} times now`;
}

/** Whether a network that threw this has certainly not said it. */
export function surelyUnsaid({ code, details }: MicroError): boolean {
  return code === "exhausted" || code === "invalid_argument" || details["unsaid"] === true;
}
