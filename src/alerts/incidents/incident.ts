import { createHash } from "node:crypto";
import { z } from "zod";
import { placeSchema } from "../../commands/behalf.ts";

/** So many alerts of one incident are kept with their words; of the others only whether they fire. */
export const SHOWN = 20;
/** So many alerts of one incident are told apart; beyond that they are counted. */
export const KNOWN = 500;
/** So many lines of what people did are kept, the newest. */
const DEEDS = 30;
/** In so many rooms one incident has a card. */
export const CARDS = 10;
/** So many times of its changes between firing and resolved are kept. */
export const TURNS = 10;

const severity = z.enum(["critical", "warning", "info"]);
const status = z.enum(["firing", "resolved"]);

const itemSchema = z.object({
  fingerprint: z.string(),
  status,
  name: z.string(),
  severity,
  summary: z.string(),
  description: z.string().optional(),
  labels: z.record(z.string(), z.string()),
  startsAt: z.number(),
  endsAt: z.number().optional(),
  links: z.array(z.object({ label: z.string(), url: z.string() })),
  runbook: z.string().optional(),
});

const cardSchema = z.object({
  input: z.string(),
  /** As the configuration calls it. */
  room: z.string(),
  place: placeSchema,
  /** Epoch ms: somebody began to say it. Without `saidAt` nobody knows whether it stands there. */
  begunAt: z.number().optional(),
  /** Epoch ms: it was said, or changed, the last time. */
  saidAt: z.number().optional(),
  /** Where it stands (`Card.at`); empty where that cannot be changed by another process. */
  at: z.string().optional(),
  /** What it says, as a digest, and what its head says. */
  shown: z.string().optional(),
  head: z.string().optional(),
  status: status.optional(),
  /** It may have been said twice. */
  twice: z.literal(true).optional(),
  /** Ms that it came later than the alert, and whether that was because chat was away. */
  lateMs: z.number().optional(),
  away: z.literal(true).optional(),
  /** Why its network would not have it. */
  refused: z.string().optional(),
  /**
   * It is quiet there until then (epoch ms), so it is not said by itself but in a digest (`oncall/digest.ts`); with `toldAt` it was, when
   * it had fired so many times.
   */
  held: z.object({ until: z.number(), toldAt: z.number().optional(), fires: z.number().optional() }).optional(),
});

const schema = z.object({
  /** Four hex digits, for typing. */
  id: z.string(),
  source: z.string(),
  /** As `Notification.kind`. */
  kind: z.string(),
  group: z.string(),
  status,
  /** Epoch ms by our clock: when it was heard of first, when anything of it changed, when all of it was resolved. */
  openedAt: z.number(),
  changedAt: z.number(),
  resolvedAt: z.number().optional(),
  /** Epoch ms: when its source was heard to say that. */
  overHeardAt: z.number().optional(),
  /** Since when it fires by its source's word; epoch ms. */
  since: z.number(),
  /** Epoch ms by our clock: since when it wants an answer. It fired then, and at most goes back and forth since. */
  wantsSince: z.number().optional(),
  /** The worst of what fires, or fired last. */
  severity,
  alerts: z.array(itemSchema),
  /** Of every alert, by its fingerprint: when it began, and whether it fires. */
  states: z.record(z.string(), z.tuple([z.number(), z.union([z.literal(0), z.literal(1)])])),
  /** So many more there are at least. */
  left: z.number(),
  /** What the labels of all of them have in common. */
  common: z.record(z.string(), z.string()),
  /** How often it began to fire. */
  fires: z.number(),
  turns: z.array(z.number()),
  /** Names in the registry. `undefined`: nobody could tell yet. */
  services: z.array(z.string()).optional(),
  acked: z.object({ by: z.string(), at: z.number() }).optional(),
  assigned: z.object({ to: z.string(), by: z.string(), at: z.number() }).optional(),
  silence: z.object({ id: z.string(), until: z.number(), by: z.string(), why: z.string() }).optional(),
  /** Somebody wants its services to be looked at anew; epoch ms. */
  lookAt: z.number().optional(),
  /** Steps of its escalation that were begun, and with `saidAt` (epoch ms) said (`oncall/escalation.ts`). */
  escalated: z
    .array(
      z.object({
        step: z.number(),
        at: z.number(),
        to: z.string(),
        /** In whose turn it was begun (`Incidents.turn`). */
        turn: z.number().optional(),
        where: z.string().optional(),
        saidAt: z.number().optional(),
      }),
    )
    .optional(),
  did: z.array(z.object({ at: z.number(), by: z.string(), what: z.string() })),
  cards: z.array(cardSchema),
});

/** What belongs together by its source's word, from its first alert until all are resolved. Survives JSON. */
export type Incident = z.infer<typeof schema>;
/** One of its alerts, cut to a bearable length. */
export type Item = z.infer<typeof itemSchema>;
/** Where it is shown, and what was shown there last. */
export type Shown = z.infer<typeof cardSchema>;

/** `undefined`: nobody of us wrote that. */
export function readIncident(value: string): Incident | undefined {
  try {
    return schema.safeParse(JSON.parse(value)).data;
  } catch {
    return undefined;
  }
}

/** How many of its alerts fire, and how many are resolved. */
export function countsOf({ states }: Incident): { readonly firing: number; readonly resolved: number } {
  const all = Object.values(states);
  const firing = all.filter(([, fires]) => fires === 1).length;
  return { firing, resolved: all.length - firing };
}

/** What tells alerts apart in a record: short, whatever a source calls them. */
export function shortPrint(fingerprint: string): string {
  // What every object has (`constructor`) would be found in a record in which nobody put it.
  if (/^[\w-]{1,32}$/.test(fingerprint) && !(fingerprint in Object.prototype)) return fingerprint;
  return `h${createHash("sha256").update(fingerprint).digest("base64url").slice(0, 22)}`;
}

/** It has no card of its own in that room for now: what can wait waits for the end of quiet hours, and is said in a digest. */
export function isHeld({ severity, fires }: Pick<Incident, "severity" | "fires">, { held, saidAt }: Shown): boolean {
  if (held === undefined || saidAt !== undefined || severity === "critical") return false;
  return held.fires === undefined || fires <= held.fires;
}

/** It goes back and forth: within ten minutes it fired, was resolved and fired again. */
export function isFlapping({ turns }: Incident, now: number): boolean {
  return turns.filter((at) => now - at < 600_000).length >= 3;
}

/** With what somebody did, among the newest. */
function noted(incident: Incident, by: string, what: string, now: number): Incident {
  return { ...incident, changedAt: now, did: [...incident.did, { at: now, by, what }].slice(-DEEDS) };
}

/** @returns itself when it was acknowledged already, or is over */
export function acknowledge(incident: Incident, by: string, now: number): Incident {
  if (incident.acked || incident.status === "resolved") return incident;
  return noted({ ...incident, acked: { by, at: now } }, by, "acknowledged it", now);
}

/** Whoever takes it, or is given it, has seen it. @returns itself when it is theirs already */
export function assign(incident: Incident, to: string, by: string, now: number): Incident {
  if (incident.assigned?.to === to) return incident;
  const what = to === by ? "took it" : `gave it to ${to}`;
  const taken = to === by ? (incident.acked ?? { by, at: now }) : incident.acked;
  return noted({ ...incident, assigned: { to, by, at: now }, ...(taken && { acked: taken }) }, by, what, now);
}

/**
 * It fires again after it was over: who had it may be asleep by now, so nobody has it, and escalation begins anew. What goes back and
 * forth stays with who has seen that, and where nobody has, its escalation goes on: begun anew each time, it would come to no second step.
 */
export function firesAgain(incident: Incident, now: number): Incident {
  if (isFlapping(incident, now)) return incident;
  const { acked, assigned, escalated: _before, ...others } = incident;
  const rest = { ...others, wantsSince: now };
  const who = assigned?.to ?? acked?.by;
  return who === undefined ? rest : noted(rest, "it", `fires again, and nobody has it: ${who} had`, now);
}

/** A silence of its source. */
export function silenced(incident: Incident, silence: NonNullable<Incident["silence"]>, now: number): Incident {
  const until = new Date(silence.until).toISOString().slice(11, 16);
  const why = silence.why === "" ? "" : `: ${silence.why}`;
  return noted({ ...incident, silence }, silence.by, `silenced it until ${until} UTC${why}`, now);
}

export function unsilenced({ silence: _ended, ...incident }: Incident, by: string, now: number): Incident {
  return noted(incident, by, "ended the silence", now);
}

/** What it shows in one room has changed. */
export function withCard(incident: Incident, card: Shown): Incident {
  const same = ({ input, room }: Shown) => input === card.input && room === card.room;
  return { ...incident, cards: incident.cards.map((one) => (same(one) ? card : one)) };
}
