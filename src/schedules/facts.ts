import type { Schedule } from "./store.ts";
import { inZone, nextAfter, whenWords } from "./when.ts";

/**
 * A schedule as it is shown and handed to pipes.
 * @param zone whose clocks show the times of one that has no zone of its own
 */
export function factsOf(schedule: Schedule, zone: string, now: number) {
  const { when, line, owner, answers, paused, failures } = schedule;
  const shown = when.kind === "every" ? zone : when.zone;
  const next = nextAfter(when, Math.max(now, schedule.taken ?? 0));
  return {
    id: schedule.id,
    when: whenWords(when),
    line,
    owner,
    next: paused !== undefined || next === undefined ? "-" : inZone(next, shown),
    state: paused === undefined ? (failures > 0 ? `failing (${failures})` : "on") : `paused: ${paused}`,
    ...(answers && { room: answers.room }),
  };
}
