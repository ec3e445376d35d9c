import type { Clock } from "../core/clock.ts";
import { say } from "./context.ts";
import { cut } from "./fit.ts";
import type { Left } from "./journal.ts";
import type { Link } from "./links.ts";
import { roomOf } from "./long.ts";
import { renderAnswer } from "./render.ts";

/** Who has heard a message so often and gone away each time may have gone away by it. */
const TRIES = 2;

/** Whether what was left by a process that went away may be begun anew, as if it had just been heard. */
export function mayBeginAnew({ begun, cut, claim }: Left): boolean {
  return !begun && !cut && claim.before < TRIES;
}

/** What a process has left comes one by one, within this; so many of a room are one message. */
const GATHER_MS = 300;
const TOGETHER = 30;

/** Tells what may not be begun anew: where it was said, with how to find out. It is not repeated. */
export interface Interrupted {
  tell(left: Left, link: Link): void;
}

/**
 * @param explain whether there is a command that tells what is known of an id
 * @param wasDone whether what was begun has ended well, as far as is known here: then only its answer may be missing. Never rejects
 * @param ended told of each whether it was said, or could not be for good. Never rejects
 */
export function createInterrupted(
  clock: Clock,
  explain: () => boolean,
  wasDone: (left: Left) => Promise<boolean>,
  ended: (left: Left, told: boolean) => Promise<void>,
): Interrupted {
  const rooms = new Map<string, Left[]>();
  return {
    tell: (left, link) => {
      const { place } = left.taken.message;
      const room = roomOf(link.input.name, place.room);
      const before = rooms.get(room);
      if (before !== undefined && before.length < TOGETHER) {
        before.push(left);
        return;
      }
      const all = [left];
      rooms.set(room, all);
      const telling = async () => {
        await clock.sleep(GATHER_MS);
        if (rooms.get(room) === all) rooms.delete(room);
        const known = await Promise.all(
          all.map(async (left) => ({ ...left, done: left.begun && (await wasDone(left)) })),
        );
        const told = await link.outbox.send(renderAnswer(say(words(known, explain())), place, link.input.limits));
        await Promise.all(all.map((one) => ended(one, told)));
      };
      link.during(telling());
    },
  };
}

/** What was left, and whether it is known to be done. */
interface Known extends Left {
  readonly done: boolean;
}

function words(all: readonly Known[], explain: boolean): string {
  const [only] = all;
  if (only !== undefined && all.length === 1) return wordsOf(only, explain);
  const begun = all.filter((left) => left.begun);
  const open = begun.filter((left) => !left.done);
  const lines = all.map((left) => `${left.taken.id} (${fate(left)}): ${asked(left, 80)}`);
  const unknown = "whether those that are unknown took effect nobody knows, and they were not repeated";
  return [
    `I was stopped while ${all.length} things were asked of me here:`,
    ...lines,
    ...(open.length > 0 ? [unknown, find("<id>", explain)] : []),
    ...(begun.length > 0 ? [] : ["nothing was changed; say again what still holds"]),
  ].join("\n");
}

function fate({ begun, done }: Known): string {
  if (done) return "done";
  return begun ? "unknown" : "not done";
}

function wordsOf(left: Known, explain: boolean): string {
  const what = asked(left, 200);
  if (left.done) {
    const more = explain ? `; \`explain ${left.taken.id}\` tells how it went` : "";
    return `I was stopped as I answered what ${what}\nit was done once; my answer may not have come${more}`;
  }
  const lines = left.begun
    ? [
        `I was stopped while I did what ${what}`,
        "whether it took effect is unknown, and it was not repeated",
        find(left.taken.id, explain),
      ]
    : [`I was stopped before I did what ${what}`, "nothing was changed; say it again if it still holds"];
  return lines.join("\n");
}

function asked({ taken: { caller, message }, meant }: Left, length: number): string {
  if (meant !== undefined) return `${caller} said yes to: ${cut(meant, length)}`;
  return `${caller} asked for: ${cut(message.text, length)}`;
}

function find(id: string, explain: boolean): string {
  const services = `services know it by the trace id ${id}`;
  const known = explain ? `\`explain ${id}\` tells what is known of it, and ${services}` : services;
  return `to find out: ${known}; say it again only if that does no harm`;
}
