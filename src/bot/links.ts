import { setImmediate } from "node:timers/promises";
import { sharedAbort } from "../core/abort.ts";
import { backoff } from "../core/backoff.ts";
import type { Clock } from "../core/clock.ts";
import { deadline, orAbort } from "../core/deadline.ts";
import { MicroError } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import type { Redactor } from "../core/redact.ts";
import type {
  ConnectOptions,
  Heeded,
  IncomingMessage,
  Input,
  InputConnection,
  Mark,
  Place,
  Standing,
} from "../inputs/input.ts";
import { closed, connect, type Told } from "./connecting.ts";
import { createOutbox, type Outbox } from "./outbox.ts";
import { createUntaken } from "./untaken.ts";
import { within } from "./within.ts";

/**
 * The bot's end of one input: connects, again after each loss, and hands over what comes. Whatever the input does, be it
 * that it hangs or throws what it should not, stays with this link.
 */
export interface Link {
  readonly input: Input;
  /** Says things over the connection that there is, or the next one. */
  readonly outbox: Outbox;
  /** Begins. Once. */
  open(): Opening;
  /** What a pipe's end and a stop wait for. It may reject. */
  readonly during: (work: Promise<unknown>) => void;
  /** Resolves when none of that is under way. */
  idle(): Promise<void>;
  /** There is a connection now. */
  readonly live: boolean;
  /** Puts signs on messages; `undefined` where that cannot be done now. The function never rejects. */
  marker(): ((place: Place, mark: Mark) => Promise<void>) | undefined;
  /**
   * What somebody is on this network now; `undefined` where it does not tell.
   * @throws MicroError `unavailable`, `timeout`, what the network says
   */
  standing(id: string, place: Place): Promise<Standing | undefined>;
  /** Takes no further message and connects no more; what there is to say is still said. */
  leave(): void;
  /** Ends, in some seconds at most. */
  close(): Promise<void>;
}

/** Neither rejects. */
export interface Opening {
  /** There has been a connection, or there will be none; then the error when the network refused us. */
  readonly joined: Promise<MicroError | undefined>;
  /** It is over: the other side said good-bye for good, it was closed, or the network refused us, which is the error. */
  readonly ended: Promise<MicroError | undefined>;
}

export interface LinkInit {
  readonly clock: Clock;
  readonly log: Log;
  /** Left out: one that knows no values. */
  readonly redactor?: Redactor | undefined;
  /** Whether there is something to be done with a message. Left out: it is asked when the message comes. */
  readonly heeds?: ConnectOptions["heeds"];
  /** Whether who said it waits for an answer, and so is told where it could not be taken. Left out: they all do. */
  readonly awaited?: (message: Heeded) => boolean;
  /** What to do with a message; `undefined`: nothing. */
  readonly onMessage: (message: IncomingMessage) => Work | undefined;
}

/** What became of a message. */
export interface Work {
  /** It is in the journal, or never will be: the next may be asked for. Does not reject. */
  readonly taken: Promise<void>;
  readonly done: Promise<unknown>;
}

/** How long an input may take to put a sign on a message, to tell of somebody, to close. */
const MARK_MS = 5000;
const STANDING_MS = 5000;
const CLOSE_MS = 5000;

/** A connection that is lost sooner was no good. */
const BRIEF_MS = 30_000;

/** How many links that are lost may still have something to be taken; then the next waits for them. */
const UNREAD_AT_MOST = 3;

export function createLink(input: Input, { clock, log, redactor, heeds, awaited, onMessage }: LinkInit): Link {
  const outbox = createOutbox(clock, log, undefined, redactor, input.pace);
  const leaving = sharedAbort();
  const closing = sharedAbort();
  const working = new Set<Promise<unknown>>();
  let live: InputConnection | undefined;
  let ended: Promise<unknown> = Promise.resolve();

  const use = (connection: InputConnection | undefined) => {
    live = connection;
    outbox.use(connection);
  };
  const during = (work: Promise<unknown>) => {
    const kept: Promise<unknown> = work
      .catch((error: unknown) => log.error({ input: input.name, err: error }, "lost a message"))
      .then(() => working.delete(kept));
    working.add(kept);
  };
  const idle = async () => {
    while (working.size > 0) await Promise.all(working);
  };

  const untaken = createUntaken({
    clock,
    log,
    input: input.name,
    say: (message) => outbox.send(message),
    leaving: leaving.signal,
  });
  const told: Told = {
    ...(heeds && { heeds }),
    onUntaken: (message) => {
      if (awaited?.(message) === false) return;
      const telling = untaken.add(message);
      if (telling) during(telling);
    },
  };

  const listen = async (connection: InputConnection): Promise<void> => {
    for await (const message of connection) {
      // It is not acknowledged, so its network gives it to the next process.
      if (leaving.signal.aborted) break;
      const work = onMessage(message);
      if (work === undefined) continue;
      during(work.done);
      await work.taken;
      // To ask for the next is to acknowledge this one: it is in the journal by now. One turn of the event loop more, so that
      // the other networks get theirs, and what can begin at once has begun.
      await setImmediate();
    }
  };

  const loop = async (onConnected: () => void): Promise<void> => {
    let brief = 0;
    /** What came over the links before is taken first, so a room's order stays; but the next link does not wait for that. */
    let before = Promise.resolve();
    let unread = 0;
    for (;;) {
      if (unread >= UNREAD_AT_MOST) await before;
      const connection = await connect(input, told, { clock, log }, leaving.signal);
      if (connection === undefined) return before;
      const since = clock.now();
      let waitMs = 0;
      let over = false;
      log.info({ input: input.name }, "connected");
      use(connection);
      onConnected();
      const reading = before.then(() => listen(connection));
      try {
        await Promise.race([reading, lossOf(connection)]);
        // Good-bye for good: what is still to be said is said, then it is over.
        await Promise.race([idle(), aborted(closing.signal)]);
        if (leaving.signal.aborted) await aborted(closing.signal);
        over = true;
      } catch (thrown) {
        const error = MicroError.from(thrown, "unavailable");
        // A network that lets us in only to drop us is not knocked at without end.
        brief = clock.now() - since < BRIEF_MS ? brief + 1 : 0;
        waitMs = brief === 0 ? 0 : Math.round(backoff(brief, 100, 30_000));
        log.warn({ input: input.name, reason: error.message, waitMs }, "the link was lost; connecting again");
      } finally {
        use(undefined);
        unread += 1;
        before = reading
          .catch(() => {})
          .then(() => within(clock, CLOSE_MS, closed(connection)))
          .then(() => {
            unread -= 1;
          });
        if (over || connection.lost === undefined) await before;
      }
      if (over) return;
      await clock.sleep(waitMs, { signal: leaving.signal }).catch(() => {});
    }
  };

  return {
    input,
    outbox,
    during,
    idle,
    get live() {
      return live !== undefined;
    },
    open: () => {
      let had = false;
      let joined: (error?: MicroError) => void = () => {};
      const joining = new Promise<MicroError | undefined>((resolve) => {
        joined = resolve;
      });
      const onConnected = () => {
        had = true;
        joined();
      };
      const ending = loop(onConnected)
        .then(
          () => undefined,
          (thrown: unknown) => MicroError.from(thrown, "unavailable"),
        )
        .then((error) => {
          if (error && had) log.error({ input: input.name, reason: error.message }, "an input has ended");
          outbox.close();
          joined(error);
          return error;
        });
      ended = ending;
      return { joined: joining, ended: ending };
    },
    marker: () => {
      const connection = live;
      if (connection?.mark === undefined) return undefined;
      return async (place, mark) => {
        try {
          using limit = deadline({ signal: closing.signal }, MARK_MS, `${input.name}: a sign`);
          await orAbort(Promise.resolve(connection.mark?.(place, mark, { signal: limit.signal })), limit.signal);
        } catch (thrown) {
          log.debug({ input: input.name, reason: MicroError.from(thrown).message }, "a sign was not put");
        }
      };
    },
    standing: async (id, place) => {
      const connection = live;
      if (connection === undefined) throw new MicroError("unavailable", `${input.name} is away`);
      if (connection.standing === undefined) return undefined;
      using limit = deadline({ signal: closing.signal }, STANDING_MS, `${input.name}: asking who that is`);
      return await orAbort(connection.standing(id, place, { signal: limit.signal }), limit.signal);
    },
    leave: () => leaving.abort(),
    close: async () => {
      leaving.abort();
      closing.abort();
      outbox.close();
      const connection = live;
      await within(clock, CLOSE_MS, Promise.all([connection && closed(connection), ended]));
    },
  };
}

/** Rejects when the link is lost, if the input tells. */
function lossOf({ lost }: InputConnection): Promise<never> {
  return lost === undefined ? new Promise(() => {}) : Promise.resolve(lost).then((error) => Promise.reject(error));
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
