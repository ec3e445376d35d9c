import type { Clock } from "../../core/clock.ts";
import { MicroError } from "../../core/errors.ts";
import type { Layer } from "../context.ts";
import { whose } from "../people.ts";
import { createCount, createTurns, share } from "../turns.ts";
import { within } from "../within.ts";

export interface OrderInit {
  /** How many commands of one network run at once, over all its rooms; half of them, rounded up, for one person. @default 16 */
  readonly atOnce?: number;
  /** How many of one network wait at most, half of them for one person; one more is refused. @default 500 */
  readonly waiting?: number;
  /** How long a command waits for the one before it in its room; then it starts beside it. @default 2000 */
  readonly patienceMs?: number;
  /** How many of one network that go on (`Command.maxMs`) run beside the others, half of them for one person; one more is refused. @default 16 */
  readonly goingOn?: number;
}

/**
 * Starts the commands of a room in the order in which they were said, each when the one before has ended or has had its
 * time, so that a slow node never stalls a room; and only so many commands at once. Urgent commands do not queue.
 * Those that go on begin in order, too; but nobody waits for their end, and they take nobody's turn.
 *
 * Each network has turns of its own, so commands that hang in one starve no other; and nobody has all of them, so one
 * person's commands that hang starve no other's.
 */
export function order(clock: Clock, init: OrderInit = {}): Layer {
  const networks = new Map<string, Layer>();
  return (context, next) => {
    const { name } = context.input;
    const own = networks.get(name) ?? ofNetwork(clock, init);
    networks.set(name, own);
    return own(context, next);
  };
}

function ofNetwork(clock: Clock, init: OrderInit): Layer {
  const { atOnce = 16, waiting = 500, patienceMs = 2000, goingOn = 16 } = init;
  const last = new Map<string, Promise<unknown>>();
  const turns = createTurns(atOnce);
  const queued = createCount();
  const followed = createCount();

  return async (context, next) => {
    if (context.run?.command.urgent) return next(context);
    const person = whose(context);
    const own = queued.of(person) >= share(waiting);
    if (own || queued.all >= waiting) {
      const those = own ? `${queued.of(person)} commands of yours` : `${queued.all} commands`;
      throw new MicroError("exhausted", `${those} are waiting already; say it again in a moment`);
    }
    const goesOn = context.run?.command.maxMs !== undefined;
    if (goesOn && (followed.all >= goingOn || followed.of(person) >= share(goingOn))) {
      throw new MicroError(
        "exhausted",
        `${followed.all} commands that go on are running already; \`jobs\` shows them, \`cancel\` ends one of yours`,
      );
    }
    const { room } = context.message.place;
    const before = last.get(room);
    let end = () => {};
    const ended = new Promise<void>((resolve) => {
      end = resolve;
    });
    last.set(room, ended);
    const over = () => {
      end();
      if (last.get(room) === ended) last.delete(room);
    };
    queued.add(person, 1);
    if (goesOn) followed.add(person, 1);
    try {
      if (before) await within(clock, patienceMs, before);
      if (!goesOn) await turns.take(person);
    } finally {
      queued.add(person, -1);
    }
    if (goesOn) over();
    try {
      return await next(context);
    } finally {
      if (goesOn) followed.add(person, -1);
      else turns.leave(person);
      over();
    }
  };
}
