import type { House } from "../../commands/house.ts";
import { MicroError } from "../../core/errors.ts";
import { roomParts } from "../oncall/target.ts";
import { headOf } from "./card.ts";
import type { Incident } from "./incident.ts";
import { inLine } from "./words.ts";

export interface Giving {
  readonly house: Pick<House, "board" | "placeTo" | "clock">;
  /** Ids of a person, as `slack:T01/U02`, the best first. Left out: nobody can be written to. */
  readonly idsOf?: (person: string) => readonly string[];
}

/** One network has so long to take it, of three at most: who gave it away waits for the answer. */
const PUT_MS = 8000;
const MOST = 3;

/**
 * Tells somebody by themselves that an incident is theirs now.
 * @returns for who gave it: where they were told, or that they were not, and why. Never rejects
 */
export async function tellGiven(
  incident: Incident,
  { to, by }: { readonly to: string; readonly by: string },
  { house, idsOf }: Giving,
  signal: AbortSignal,
): Promise<string> {
  const { board, clock } = house;
  const { id, openedAt, cards } = incident;
  const ids = idsOf?.(to) ?? [];
  if (ids.length === 0) return `I know no id of ${to} and have not told them: pass it on`;
  const shown = cards.filter(({ saidAt }) => saidAt !== undefined).map(({ input, room }) => `${input}:${room}`);
  const words = [
    `${by} gave it to you.`,
    ...(shown.length > 0 ? [`Its card is in ${shown.slice(0, 3).join(", ")}.`] : []),
  ];
  for (const one of ids.slice(0, MOST)) {
    const { input, room: who } = roomParts(one);
    const place = house.placeTo(input, who);
    if (place === undefined || !board.live(input)) continue;
    try {
      const card = {
        key: `given/${id}.${openedAt}/${clock.now()}`,
        name: `alert ${id}`,
        head: headOf(incident, clock.now()),
        views: [{ kind: "text", text: words.join("\n") } as const],
        choices: [
          { label: "Acknowledge", line: `ack ${id}`, weight: "primary" } as const,
          { label: "Show", line: `alert show ${id}` },
        ],
      };
      await board.put({ ...card, input, place, last: true }, { timeoutMs: PUT_MS, signal });
      return `I told ${to} directly in ${input}`;
    } catch (error) {
      const { code, message, details } = MicroError.from(error);
      if (code === "invalid_argument" || code === "exhausted" || details["unsaid"] === true) continue;
      // What may have been said is not said elsewhere as well.
      return `I do not know whether ${to} was told in ${input}: ${inLine(message, 120)}`;
    }
  }
  return `I cannot write to ${to} myself now, so they have not been told: pass it on`;
}
