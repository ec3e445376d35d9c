import { z } from "zod";
import { placeSchema } from "../../commands/behalf.ts";
import { MicroError } from "../../core/errors.ts";
import { keyOf } from "../../platform/kv/keys.ts";
import type { Incidents } from "../alerts.ts";
import { headOf } from "../incidents/card.ts";
import { type Incident, isHeld, type Shown, withCard } from "../incidents/incident.ts";
import type { Held } from "../incidents/store.ts";
import { timeOf } from "../incidents/words.ts";

const PREFIX = "oncall.digest.";
const LOOK_MS = 5000;
const PUT_MS = 60_000;
/** So many are named; the others are counted. */
const NAMED = 40;
/** More than can be open: what found no place in it would be due again and again. */
const MOST = 1500;
/** It is kept up to date for so long. */
const KEEP_MS = 86_400_000;

const schema = z.object({
  input: z.string(),
  room: z.string(),
  place: placeSchema,
  /** When quiet ended; epoch ms. */
  until: z.number(),
  /** Somebody began to say it; without `at` nobody knows whether it stands there. */
  begun: z.literal(true).optional(),
  at: z.string().optional(),
  items: z.array(z.object({ key: z.string(), id: z.string(), openedAt: z.number(), line: z.string() })),
});

/** What came while it was quiet in one room, as one message. Survives JSON. */
type Digest = z.infer<typeof schema>;

/**
 * Says what was held back in quiet hours when they end, one message for each room, and keeps it up to date for a day:
 * `alerts({ beside: [digests] })`. Ends with the signal.
 */
export async function digests(incidents: Incidents, signal: AbortSignal): Promise<void> {
  const { house } = incidents;
  const { clock, log } = house;
  while (!signal.aborted) {
    try {
      await sayAll(incidents, signal);
    } catch (error) {
      if (signal.aborted) return;
      log.warn(
        { reason: MicroError.from(error).message },
        "what waited for the end of quiet hours is not said yet; I try again",
      );
    }
    await clock.sleep(LOOK_MS, { signal }).catch(() => {});
  }
}

async function sayAll(incidents: Incidents, signal: AbortSignal): Promise<void> {
  const { house, store } = incidents;
  const { kv, clock } = house;
  const now = clock.now();
  const due = new Map<string, { readonly held: Held; readonly card: Shown }[]>();
  for (const held of store.known()) {
    for (const card of held.incident.cards) {
      if (card.held === undefined || card.held.toldAt !== undefined || card.held.until > now) continue;
      if (!isHeld(held.incident, card) || card.refused !== undefined) continue;
      const key = keyOf("oncall", "digest", card.input, card.room, String(card.held.until));
      due.set(key, [...(due.get(key) ?? []), { held, card }]);
    }
  }
  const there = new Map(
    (await kv.list(PREFIX)).flatMap(({ key, value }) => {
      const digest = readDigest(value);
      return digest ? [[key, digest] as const] : [];
    }),
  );
  for (const [key, added] of due) {
    const [{ card }] = added as [{ held: Held; card: Shown }];
    const before = there.get(key) ?? {
      input: card.input,
      room: card.room,
      place: card.place,
      until: card.held?.until ?? now,
      items: [],
    };
    const known = new Set(before.items.map((item) => item.key));
    const items = added
      .filter(({ held }) => !known.has(held.key))
      .map(({ held }) => ({ key: held.key, id: held.incident.id, openedAt: held.incident.openedAt, line: "" }));
    there.set(key, { ...before, items: [...before.items, ...items].slice(0, MOST) });
  }
  for (const [key, digest] of there) {
    if (signal.aborted) return;
    if (house.board.live(digest.input)) await sayOne(key, digest, due.has(key), incidents, signal);
  }
}

async function sayOne(
  key: string,
  before: Digest,
  news: boolean,
  { house, store }: Incidents,
  signal: AbortSignal,
): Promise<void> {
  const { kv, clock, board } = house;
  const now = clock.now();
  const seen = new Map<string, Incident>();
  const items = before.items.map((item) => {
    const incident = store.knownAs(item.key)?.incident;
    if (incident?.openedAt !== item.openedAt) return item;
    seen.set(item.key, incident);
    return { ...item, line: headOf(incident, now) };
  });
  const over = items.every(({ key: one }) => seen.get(one)?.status !== "firing") || now - before.until > KEEP_MS;
  const changed = news || items.some(({ line }, at) => line !== before.items[at]?.line);
  if (!changed && !over) return;
  const twice = before.begun === true && before.at === undefined;
  const digest: Digest = { ...before, items, begun: true };
  await kv.put(key, JSON.stringify(digest));
  if (changed) {
    const at = await board.put(
      { ...cardOf(digest, twice), ...(before.at !== undefined && { at: before.at }) },
      { timeoutMs: PUT_MS, signal },
    );
    await kv.put(key, JSON.stringify({ ...digest, at } satisfies Digest));
    for (const [one, { id, status, fires }] of seen) {
      await store.alter(one, (incident) => {
        const card = incident?.cards.find(({ input, room }) => input === digest.input && room === digest.room);
        if (incident === undefined || card?.held === undefined || incident.id !== id) return incident;
        if (card.held.toldAt !== undefined && card.status === status) return incident;
        return withCard(incident, {
          ...card,
          status,
          held: { ...card.held, toldAt: card.held.toldAt ?? now, fires: card.held.fires ?? fires },
        });
      });
    }
  }
  if (over) await kv.delete(key);
}

function cardOf(digest: Digest, twice: boolean) {
  const { input, room, place, until, items } = digest;
  const shown = items.slice(0, NAMED);
  const more = items.length - shown.length;
  const lines = [
    ...shown.map(({ line }) => `- ${line}`),
    ...(more > 0 ? [`- and ${more} more: \`alerts --all\``] : []),
    "`alert show <id>` tells more, `ack <id>` takes one",
    ...(twice ? ["I was cut off while I said this, so it may stand here twice"] : []),
  ];
  const count = items.length === 1 ? "one alert" : `${items.length} alerts`;
  return {
    key: `digest/${input}:${room}/${until}`,
    name: "quiet hours",
    input,
    place,
    head: `Quiet hours ended at ${timeOf(until, until)}; meanwhile ${count} came:`,
    views: [{ kind: "text", text: lines.join("\n") } as const],
  };
}

function readDigest(value: string): Digest | undefined {
  try {
    return schema.safeParse(JSON.parse(value)).data;
  } catch {
    return undefined;
  }
}
