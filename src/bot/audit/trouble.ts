import type { Clock } from "../../core/clock.ts";
import type { Context } from "../context.ts";
import { roomOf } from "../long.ts";
import type { AuditLog } from "./audit-log.ts";

/** A room is told so often at most, and so many rooms are remembered. */
const EVERY_MS = 60_000;
const ROOMS = 1000;

/** What belongs under an answer while nothing can be written down. */
export function createTroubleNote(log: Pick<AuditLog, "trouble">, clock: Clock) {
  const told = new Map<string, number>();
  return ({ input, message }: Context): string | undefined => {
    const { trouble } = log;
    if (trouble === undefined) {
      if (told.size > 0) told.clear();
      return undefined;
    }
    const room = roomOf(input.name, message.place.room);
    const now = clock.now();
    if (now - (told.get(room) ?? Number.NEGATIVE_INFINITY) < EVERY_MS) return undefined;
    if (told.size >= ROOMS) told.clear();
    told.set(room, now);
    const since = `${new Date(trouble.since).toISOString().slice(11, 19)} UTC`;
    return `since ${since} nothing of this can be written into the audit (${trouble.why}); what changes things is refused until it can`;
  };
}
