import type { Board } from "../../commands/board.ts";
import { sharedAbort } from "../../core/abort.ts";
import { backoff } from "../../core/backoff.ts";
import type { Clock } from "../../core/clock.ts";
import { MicroError } from "../../core/errors.ts";
import type { Log } from "../../core/log.ts";
import { type Drawn, digest, drawCard, type Offers } from "./card.ts";
import type { Finding } from "./findings.ts";
import { type Incident, isFlapping, isHeld, type Shown, withCard } from "./incident.ts";
import { cardKey, nameOf, roomOf, surelyUnsaid, turnWords } from "./placed.ts";
import type { Held, IncidentStore } from "./store.ts";

/** Between two messages or changes in one room. */
const PACE_MS = 1000;
/** Between two changes of one card, and of one whose incident goes back and forth. */
const EDIT_MS = 2000;
const FLAPPING_MS = 60_000;
/** How often a network that is away is looked at. */
const AWAY_MS = 1000;
/** What comes so much later than its alert says so. */
const LATE_MS = 60_000;
/** How long a card waits for its turn, and how much of that is left when nobody shows cards here any more. */
const PUT_MS = 120_000;
const LAST_MS = 3000;

export interface DisplayInit {
  readonly store: IncidentStore;
  readonly board: Board;
  readonly clock: Clock;
  readonly log: Log;
  readonly findings: (incident: Incident) => readonly Finding[];
  readonly offers: (incident: Incident) => Offers;
  /** Nobody else may show them now. */
  readonly leads: () => boolean;
}

/** Keeps the cards of incidents as they are to be: one message for each incident and room, and then changes of that. */
export interface Display {
  /** Something of it may have changed. @param notBefore what is not said yet waits so long (epoch ms) for more to be known */
  mark(key: string, notBefore?: number): void;
  /** An incident will change no more. Never rejects. */
  close(held: Held): Promise<void>;
  /** Until the signal aborts; what is being said then comes to its end. */
  run(signal: AbortSignal): Promise<void>;
}

interface Room {
  readonly input: string;
  /** Keys of incidents whose card there may have to change; how often that has failed, and when it is tried again. */
  readonly dirty: Map<string, { readonly notBefore: number; readonly failures: number; readonly retryAt: number }>;
  /** Epoch ms: its network was last seen away. */
  awayAt: number;
  rouse: () => void;
}

export function createDisplay({ store, board, clock, log, findings, offers, leads }: DisplayInit): Display {
  const rooms = new Map<string, Room>();
  /** Cards that this process has said: its network may know them by their key alone. */
  const said = new Set<string>();
  const loops = new Set<Promise<void>>();
  let running: AbortSignal | undefined;
  let hard = sharedAbort();

  const draw = (incident: Incident, told: Shown): Drawn =>
    drawCard(incident, findings(incident), offers(incident), clock.now(), told);
  const put = (incident: Incident, card: Shown, drawn: Drawn, last = false): Promise<string> => {
    const { input, place, at } = card;
    const { head, views, choices } = drawn;
    const shown = { key: cardKey(incident, card), name: nameOf(incident), input, place, head, views, choices, last };
    return board.put({ ...shown, ...(at !== undefined && { at }) }, { timeoutMs: PUT_MS, signal: hard.signal });
  };
  /** What was said has to be written down, or it is said again: so this is tried until it is. */
  const note = async (
    key: string,
    room: string,
    to: (card: Shown) => Shown,
    signal: AbortSignal,
  ): Promise<Held | undefined> => {
    for (let attempt = 0; ; attempt++) {
      try {
        return await store.alter(key, (incident) => {
          const card = incident?.cards.find((one) => roomOf(one) === room);
          const next = card && to(card);
          return incident && next && next !== card ? withCard(incident, next) : incident;
        });
      } catch (error) {
        if (signal.aborted) throw error;
        log.warn(
          { incident: key, reason: MicroError.from(error).message },
          "what was said of an alert is not written down yet",
        );
        await clock.sleep(backoff(attempt, 500, 10_000), { signal }).catch(() => {});
      }
    }
  };

  const post = async (key: string, room: Room, name: string, signal: AbortSignal): Promise<void> => {
    const now = clock.now();
    const begun = await note(
      key,
      name,
      (card) => {
        // Another has said it meanwhile.
        if (card.saidAt !== undefined) return card;
        const { openedAt } = store.knownAs(key)?.incident ?? { openedAt: now };
        const late = now - openedAt > LATE_MS && card.lateMs === undefined;
        return {
          ...card,
          begunAt: now,
          ...(late && { lateMs: now - openedAt, ...(room.awayAt >= openedAt && { away: true }) }),
          ...(card.begunAt !== undefined && { twice: true }),
        };
      },
      signal,
    );
    const card = begun?.incident.cards.find((one) => roomOf(one) === name);
    if (begun === undefined || card === undefined || card.saidAt !== undefined || !leads()) return;
    /** Who comes late changes nothing: another has begun it since, and keeps its own up to date. */
    const ours = (to: (one: Shown) => Shown) => (one: Shown) => (one.begunAt === card.begunAt ? to(one) : one);
    const drawn = draw(begun.incident, card);
    const { status } = begun.incident;
    try {
      const at = await put(begun.incident, card, drawn);
      said.add(cardKey(begun.incident, card));
      await note(
        key,
        name,
        ours((one) => ({ ...one, at, ...saidNow(drawn, status) })),
        signal,
      );
    } catch (thrown) {
      // Where it is certain that nothing was said, it is said anew as if for the first time.
      if (surelyUnsaid(MicroError.from(thrown)))
        await note(
          key,
          name,
          ours(({ begunAt: _begun, twice: _twice, ...one }) => one),
          signal,
        );
      throw thrown;
    }
  };
  const saidNow = ({ sign, head }: Drawn, status: Incident["status"]) =>
    ({ saidAt: clock.now(), shown: sign, head: digest(head), status }) as const;

  /** @returns whether something was said */
  const change = async ({ key, incident }: Held, card: Shown, signal: AbortSignal): Promise<boolean> => {
    const drawn = draw(incident, card);
    const changes = board.edits(card.input) && (card.at !== "" || said.has(cardKey(incident, card)));
    if (changes ? drawn.sign === card.shown : digest(drawn.head) === card.head) return false;
    const at = await put(incident, card, drawn);
    said.add(cardKey(incident, card));
    const { status } = incident;
    const noted = await note(key, roomOf(card), (one) => ({ ...one, at, ...saidNow(drawn, status) }), signal);
    if (!changes || card.status === status || noted === undefined) return true;
    await clock.sleep(PACE_MS, { signal });
    const shown = { ...card, at, key: cardKey(incident, card), name: nameOf(incident) };
    const options = { timeoutMs: PUT_MS, signal: hard.signal };
    await board.under(shown, turnWords(incident), options).catch((error: unknown) => {
      log.warn({ incident: incident.id, reason: MicroError.from(error).message }, "a word below a card was not said");
    });
    return true;
  };

  /** The next one to be shown in a room and when: what nobody has seen yet comes first, oldest first. */
  const next = (room: Room, name: string): { readonly key: string; readonly at: number } | undefined => {
    let best: { readonly key: string; readonly at: number; readonly rank: number } | undefined;
    const now = clock.now();
    for (const [key, { notBefore, retryAt }] of room.dirty) {
      const incident = store.knownAs(key)?.incident;
      const card = incident?.cards.find((one) => roomOf(one) === name);
      if (incident === undefined || card === undefined || card.refused !== undefined || isHeld(incident, card)) {
        room.dirty.delete(key);
        continue;
      }
      const gap = isFlapping(incident, now) ? FLAPPING_MS : EDIT_MS;
      const at = Math.max(now, retryAt, card.saidAt === undefined ? notBefore : card.saidAt + gap);
      // All that can be said now, in the order in which it began; changes behind that.
      const rank = at > now ? at : card.saidAt === undefined ? incident.openedAt - 1e15 : card.saidAt - 1e14;
      if (best === undefined || rank < best.rank) best = { key, at, rank };
    }
    return best;
  };

  const show = async (room: Room, name: string, key: string, signal: AbortSignal): Promise<number> => {
    const tried = room.dirty.get(key);
    room.dirty.delete(key);
    const held = store.knownAs(key);
    const card = held?.incident.cards.find((one) => roomOf(one) === name);
    if (held === undefined || card === undefined || !leads()) return 0;
    try {
      if (card.saidAt === undefined) await post(key, room, name, signal);
      else if (!(await change(held, card, signal))) return 0;
      return PACE_MS;
    } catch (thrown) {
      const error = MicroError.from(thrown);
      if (signal.aborted) return 0;
      const { code, message } = error;
      log.warn({ incident: held.incident.id, room: name, code, reason: message }, "a card could not be shown");
      if (code === "invalid_argument") {
        await note(key, name, (one) => ({ ...one, refused: message.slice(0, 300) }), signal).catch(() => {});
        return PACE_MS;
      }
      const failures = (tried?.failures ?? 0) + 1;
      const retryAt = clock.now() + backoff(failures, 1000, 30_000);
      room.dirty.set(key, { notBefore: 0, ...room.dirty.get(key), failures, retryAt });
      return code === "exhausted"
        ? Math.min(Math.max(Number(error.details["retryAfterMs"] ?? 0), PACE_MS), 120_000)
        : PACE_MS;
    }
  };

  const loop = async (room: Room, name: string, signal: AbortSignal): Promise<void> => {
    while (!signal.aborted) {
      const roused = new Promise<void>((resolve) => {
        room.rouse = resolve;
      });
      const due = next(room, name);
      const now = clock.now();
      if (due === undefined) {
        await roused;
        continue;
      }
      if (!board.live(room.input)) {
        room.awayAt = now;
        await clock.sleep(AWAY_MS, { signal }).catch(() => {});
        continue;
      }
      if (due.at > now) {
        const enough = sharedAbort();
        await Promise.race([roused, clock.sleep(due.at - now, { signal: enough.signal }).catch(() => {})]);
        enough.abort();
        continue;
      }
      const waitMs = await show(room, name, due.key, signal);
      if (waitMs > 0) await clock.sleep(waitMs, { signal }).catch(() => {});
    }
  };

  return {
    mark: (key, notBefore = 0) => {
      const { cards = [] } = store.knownAs(key)?.incident ?? {};
      for (const card of cards) {
        const name = roomOf(card);
        let room = rooms.get(name);
        if (room === undefined) {
          room = { input: card.input, dirty: new Map(), awayAt: 0, rouse: () => {} };
          rooms.set(name, room);
          if (running) loops.add(loop(room, name, running));
        }
        room.dirty.set(key, { failures: 0, retryAt: 0, ...room.dirty.get(key), notBefore });
        room.rouse();
      }
    },
    close: async ({ incident }) => {
      for (const card of incident.cards) {
        const key = cardKey(incident, card);
        // Where only the process knows where it stands, its network has kept that for it.
        if (!said.delete(key) || card.at !== "" || !board.edits(card.input) || !board.live(card.input)) continue;
        await put(incident, card, draw(incident, card), true).catch(() => {});
      }
    },
    run: async (signal) => {
      running = signal;
      hard = sharedAbort();
      const rouse = () => {
        for (const room of rooms.values()) room.rouse();
      };
      signal.addEventListener("abort", rouse, { once: true });
      for (const [name, room] of rooms) loops.add(loop(room, name, signal));
      await new Promise<void>((resolve) => {
        if (signal.aborted) resolve();
        else signal.addEventListener("abort", () => resolve(), { once: true });
      });
      rouse();
      const enough = new AbortController();
      void clock.sleep(LAST_MS, { signal: enough.signal }).then(
        () => hard.abort(),
        () => {},
      );
      await Promise.all(loops);
      enough.abort();
      loops.clear();
      running = undefined;
      signal.removeEventListener("abort", rouse);
    },
  };
}
