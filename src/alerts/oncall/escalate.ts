import type { House } from "../../commands/house.ts";
import type { Behalf } from "../../commands/perform.ts";
import { backoff } from "../../core/backoff.ts";
import { MicroError } from "../../core/errors.ts";
import type { Incidents } from "../alerts.ts";
import { headOf } from "../incidents/card.ts";
import type { Incident } from "../incidents/incident.ts";
import { surelyUnsaid } from "../incidents/placed.ts";
import type { Held } from "../incidents/store.ts";
import { inLine, spanOf } from "../incidents/words.ts";
import type { Contacts } from "./contacts.ts";
import { type NextStep, nextStep, openStep, stepBegun, stepSaid, stepUnsaid } from "./escalation.ts";
import type { Routed } from "./routing.ts";
import type { Schedules } from "./schedules.ts";
import { roomParts } from "./target.ts";

export interface EscalationInit {
  readonly schedules: Schedules;
  readonly contacts: Contacts;
  /** Where an incident goes and who is told. Never rejects. */
  readonly routed: (incident: Incident) => Promise<Routed>;
  /** How long a network may take to say a step, where it asks to wait, before it is said elsewhere. @default 30000 */
  readonly putMs?: number;
}

/** How often it is looked who is to be told. */
const LOOK_MS = 1000;
const PUT_MS = 30_000;
/** So many incidents at once: where a network lets one wait the others go on. */
const AT_ONCE = 16;
const ASK_MS = 5000;

/** A place where somebody can be told. */
interface Aim {
  readonly input: string;
  readonly place: Behalf["place"];
  /** `directly in slack`, `in slack:C02`. */
  readonly where: string;
  readonly direct: boolean;
}

/** Who is to be told by a step. */
interface Told {
  /** `ann (on call for payments)`. */
  readonly to: string;
  readonly person?: string;
  /** Why they cannot be told themselves. */
  readonly missing?: string;
}

/**
 * Tells who is next, each step once: `alerts({ beside: [escalation(…)] })`. A step that cannot be said waits until it can be, and holds
 * up none of those behind it, nor those of other incidents. Ends with the signal.
 */
export function escalation(init: EscalationInit): (incidents: Incidents, signal: AbortSignal) => Promise<void> {
  return async (incidents, signal) => {
    const { house, store } = incidents;
    const { clock, log } = house;
    const retries = new Map<string, { readonly at: number; readonly failures: number }>();
    /** Whose steps are being said. */
    const running = new Map<string, Promise<void>>();
    const attend = async (held: Held): Promise<void> => {
      const { key, incident } = held;
      try {
        const done = await stepsOf(held, init, incidents, signal);
        if (done !== "waits") retries.delete(key);
        else retries.set(key, { at: clock.now() + 2 * LOOK_MS, failures: 0 });
      } catch (error) {
        const failures = (retries.get(key)?.failures ?? 0) + 1;
        retries.set(key, { at: clock.now() + backoff(failures, 1000, 60_000), failures });
        const { message: reason } = MicroError.from(error);
        log.warn({ incident: incident.id, reason }, "a step of an escalation could not be said; I try again");
      } finally {
        running.delete(key);
      }
    };
    while (!signal.aborted) {
      for (const held of [...store.known()]) {
        if (running.size >= AT_ONCE) await Promise.race(running.values());
        if (signal.aborted) break;
        const { key, incident } = held;
        if (incident.status === "resolved" || incident.acked) retries.delete(key);
        else if (!running.has(key) && (retries.get(key)?.at ?? 0) <= clock.now()) running.set(key, attend(held));
      }
      for (const key of retries.keys()) if (store.knownAs(key) === undefined) retries.delete(key);
      await clock.sleep(LOOK_MS, { signal }).catch(() => {});
    }
    await Promise.all(running.values());
  };
}

/**
 * Says what is due. A step that cannot be said now holds up none behind it: those may be for people on another network.
 * `waits`: there is one that could not be said. @throws MicroError why the last of them was not
 */
async function stepsOf(
  { key, incident }: Held,
  init: EscalationInit,
  incidents: Incidents,
  signal: AbortSignal,
): Promise<"done" | "waits"> {
  const { clock } = incidents.house;
  const routed = await init.routed(incident);
  const stuck = new Set<number>();
  let failure: unknown;
  for (;;) {
    const next = nextStep(incident, routed.steps, stuck);
    if (next === undefined || next.at > clock.now()) {
      if (failure !== undefined) throw failure;
      return stuck.size > 0 ? "waits" : "done";
    }
    const said = await sayStep({ key, incident }, next, stuck, routed, init, incidents, signal);
    if (said === "done") return stuck.size > 0 ? "waits" : "done";
    failure ??= said.failure;
    stuck.add(next.number);
  }
}

/** @returns that it is stuck: it was certainly not said, because there is nowhere to, or it was refused (`failure`) */
async function sayStep(
  { key, incident }: Pick<Held, "key" | "incident">,
  next: NextStep,
  stuck: ReadonlySet<number>,
  routed: Routed,
  init: EscalationInit,
  { house, store, turn }: Incidents,
  signal: AbortSignal,
): Promise<"done" | { readonly failure?: unknown }> {
  const { clock, board } = house;
  const told = await toldBy(next, routed, init, clock.now(), signal);
  const aims = aimsOf(next, told, incident, routed, init.contacts, house).filter(({ input }) => board.live(input));
  if (aims.length === 0) return {};
  const ours = turn();
  if (ours === undefined) return "done";
  // It was begun before, by somebody who did not live to tell whether it was said.
  let twice = false;
  const begun = await store.alter(key, (now) => {
    twice = now !== undefined && openStep(now, next.number) !== undefined;
    return now && stepBegun(now, next, routed.steps, { to: told.to, now: clock.now(), turn: ours, stuck });
  });
  if (begun === undefined || openStep(begun.incident, next.number)?.turn !== ours) return "done";
  if (begun.incident.acked || begun.incident.status === "resolved") return "done";
  // Who was stopped meanwhile has left it to another, who says that it may have been said.
  if (turn() !== ours) return "done";

  let failure: unknown;
  for (const aim of aims) {
    try {
      await board.put(
        {
          ...messageOf(begun.incident, next, told, aim, twice, clock.now()),
          input: aim.input,
          place: aim.place,
          last: true,
        },
        { timeoutMs: init.putMs ?? PUT_MS, signal },
      );
      const note = () => store.alter(key, (now) => now && stepSaid(now, next.number, told.to, aim.where, clock.now()));
      await untilWritten(note, house, signal);
      return "done";
    } catch (error) {
      failure = error;
      // What may have been said is not said elsewhere as well.
      if (!surelyUnsaid(MicroError.from(error))) throw error;
    }
  }
  await store.alter(key, (now) => now && stepUnsaid(now, next.number, ours));
  return { failure };
}

async function untilWritten(
  write: () => Promise<unknown>,
  { clock }: Pick<House, "clock">,
  signal: AbortSignal,
): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    try {
      await write();
      return;
    } catch (error) {
      if (signal.aborted) throw error;
      await clock.sleep(backoff(attempt, 500, 10_000), { signal }).catch(() => {});
    }
  }
}

async function toldBy(
  { step }: NextStep,
  routed: Routed,
  init: EscalationInit,
  now: number,
  signal: AbortSignal,
): Promise<Told> {
  const { to } = step;
  if (to.kind === "room") return { to: "the room" };
  if (to.kind === "person") return { to: to.person, person: to.person };
  const { schedules } = init;
  const name = to.schedule ?? routed.oncall ?? schedules.all[0]?.name ?? "";
  try {
    const turn = await schedules.who(name, now, AbortSignal.any([signal, AbortSignal.timeout(ASK_MS)]));
    if (turn.person !== undefined) {
      return { to: `${inLine(turn.person, 60)} (on call for ${name})`, person: turn.person };
    }
    return { to: `nobody (none is on call for ${name})`, missing: `nobody is on call for ${name} now` };
  } catch (error) {
    if (signal.aborted) throw error;
    const why = inLine(MicroError.from(error).message, 160);
    return {
      to: `nobody (who is on call for ${name} is not known)`,
      missing: `I could not find out who is on call for ${name}: ${why}`,
    };
  }
}

/** Where to say it, the best first: to the person alone, else in the rooms of the incident with their name. */
function aimsOf(
  { step }: NextStep,
  told: Told,
  incident: Incident,
  routed: Routed,
  contacts: Contacts,
  house: House,
): readonly Aim[] {
  const direct = (told.person === undefined ? [] : contacts.idsOf(told.person)).flatMap((id): readonly Aim[] => {
    const { input, room: who } = roomParts(id);
    const place = house.placeTo(input, who);
    return place ? [{ input, place, where: `directly in ${input}`, direct: true }] : [];
  });
  const named = step.to.kind === "room" && step.to.room !== undefined ? [roomParts(step.to.room)] : [];
  const shown = incident.cards.filter(({ refused }) => refused === undefined);
  const rooms = [...named, ...(named.length > 0 ? [] : shown), ...(named.length > 0 ? shown : routed.rooms)];
  const seen = new Set<string>();
  const inRooms = rooms.flatMap(({ input, room }): readonly Aim[] => {
    const where = `in ${input}:${room}`;
    const place = seen.has(where) ? undefined : house.placeIn(input, room);
    seen.add(where);
    return place ? [{ input, place, where, direct: false }] : [];
  });
  return [...direct, ...inRooms];
}

function messageOf(incident: Incident, { number, since }: NextStep, told: Told, aim: Aim, twice: boolean, now: number) {
  const { id, openedAt, cards } = incident;
  const waited = `nobody has acknowledged it for ${spanOf(now - since)}`;
  const who = aim.direct
    ? `You are told as ${told.to}: ${waited}.`
    : told.person === undefined
      ? told.missing
        ? `${waited}, and ${told.missing}.`
        : `${waited}.`
      : `${told.to}: ${waited}. I cannot write to them myself, so please pass it on.`;
  const shown = cards.filter(({ saidAt }) => saidAt !== undefined).map(({ input, room }) => `${input}:${room}`);
  const lines = [
    who.charAt(0).toUpperCase() + who.slice(1),
    ...(aim.direct && shown.length > 0 ? [`Its card is in ${shown.slice(0, 3).join(", ")}.`] : []),
    ...(twice ? ["I was cut off while I said this before, so you may have it twice."] : []),
  ];
  return {
    key: `escalation/${id}.${openedAt}/${number}/${aim.where}`,
    name: `escalation of ${id}`,
    head: headOf(incident, now),
    views: [{ kind: "text", text: lines.join("\n") } as const],
    choices: [
      { label: "Acknowledge", line: `ack ${id}`, weight: "primary" } as const,
      { label: "Show", line: `alert show ${id}` },
    ],
  };
}
