import { hash } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { Agent } from "undici";
import { z } from "zod";
import type { Client } from "../../core/client/client.ts";
import type { Clock } from "../../core/clock.ts";
import { deadline } from "../../core/deadline.ts";
import { MicroError } from "../../core/errors.ts";
import type { CallOptions } from "../../core/lifecycle.ts";
import { keyOf } from "../../platform/kv/keys.ts";
import type { Kv } from "../../platform/kv/kv.ts";
import { inLine, spanOf } from "../incidents/words.ts";
import { CALENDAR_BYTES, readCalendar, shiftAt } from "./calendar.ts";
import { nameOnly } from "./contacts.ts";
import { type Rotation, turnAt } from "./rotation.ts";
import type { Answer, Rota, Shift } from "./shift.ts";

/** People who take turns, by a file. */
export function rotationRota(rotation: Rotation): Rota {
  return { kind: "rotation", at: async (at) => turnAt(rotation, at) };
}

const CALL_MS = 3000;

/** What `OnCall.Who` answers; `until` and `from` are times as RFC 3339 writes them. */
const whoSchema = z.object({
  person: z.string().max(200).optional(),
  from: z.string().optional(),
  until: z.string().optional(),
});

/**
 * A Go Micro service that answers `OnCall.Who {"schedule": "payments", "at": "2026-12-24T09:00:00Z"}` with
 * `{"person": "ann", "until": "2026-12-28T08:00:00Z"}`; without a person nobody is on call.
 */
export function serviceRota(client: Pick<Client, "request">, service: string, schedule: string): Rota {
  const ask = async (at: number, signal: AbortSignal | undefined): Promise<Shift | undefined> => {
    const body = { schedule, at: new Date(at).toISOString() };
    const said = whoSchema.safeParse(
      await client.request(service, "OnCall.Who", body, { timeoutMs: CALL_MS, ...(signal && { signal }) }),
    ).data;
    if (said === undefined) {
      throw new MicroError(
        "unavailable",
        `${service} answered OnCall.Who with something other than a person and until`,
      );
    }
    const person = inLine(said.person ?? "", 200);
    const [from, until] = [timeOf(said.from), timeOf(said.until)];
    if (person === "") return undefined;
    return { person, ...(from !== undefined && { from }), ...(until !== undefined && until > at && { until }) };
  };
  return {
    kind: "service",
    at: async (at, signal) => {
      const shift = await ask(at, signal);
      if (shift === undefined) return {};
      // Who is next is good to know and no reason to know nothing.
      const next = shift.until === undefined ? undefined : await ask(shift.until, signal).catch(() => undefined);
      return { shift, ...(next && { next: { ...next, from: next.from ?? (shift.until as number) } }) };
    },
  };
}

function timeOf(text: string | undefined): number | undefined {
  const at = Date.parse(text ?? "");
  return Number.isNaN(at) ? undefined : at;
}

export interface CalendarInit {
  readonly name: string;
  /** A URL (`https://…`), or a file. */
  readonly where: string;
  readonly zone: string;
  /** How often it is read; ms. @default 900000 */
  readonly everyMs?: number;
  /** The contact that has one of those addresses, or else the title. */
  readonly nameOf: (mails: readonly string[], summary: string) => string;
  readonly kv: Kv;
  readonly clock: Clock;
}

/** What was read last, in the store. */
const copySchema = z.object({
  /** A digest of where it was read from, and as what: another configuration wants another copy. */
  of: z.string(),
  /** Epoch ms: it was the same then; the shifts were made then. */
  checkedAt: z.number(),
  madeAt: z.number(),
  etag: z.string().optional(),
  shifts: z.array(z.tuple([z.string(), z.number(), z.number()])),
});
type Copy = z.infer<typeof copySchema>;

const EVERY_MS = 900_000;
const FETCH_MS = 10_000;
/** Shifts of a window that goes on: made anew after so long, though the calendar is the same. */
const REMAKE_MS = 86_400_000;
const BEFORE_MS = 8 * 86_400_000;
const AHEAD_MS = 400 * 86_400_000;
/** After it could not be read. */
const AGAIN_MS = 60_000;

/**
 * A calendar in which each event is a shift: who it is by the address of an attendee, or else by its title. The last good copy is in the
 * store, for all replicas and while it cannot be read. A title that is an id is nobody's name.
 */
export function calendarRota(
  init: CalendarInit,
): Rota & { refresh(signal?: AbortSignal): Promise<void>; close(): Promise<void> } {
  const { name, where, zone, everyMs = EVERY_MS, nameOf, kv, clock } = init;
  const key = keyOf("oncall", "calendar", name);
  // The URL of a calendar is mostly its only secret, so it is not written down.
  const of = hash("sha256", `${where}\n${zone}`, "base64url");
  const isUrl = /^https?:\/\//.test(where);
  const agent = isUrl ? new Agent({ connections: 1, maxResponseSize: CALENDAR_BYTES }) : undefined;
  let copy: Copy | undefined;
  let failure: { readonly at: number; readonly why: string } | undefined;
  let running: Promise<void> | undefined;

  const fetched = async (
    etag: string | undefined,
    options: CallOptions,
  ): Promise<{ text: string; etag?: string } | "same"> => {
    if (agent === undefined) return { text: await contentOf(where) };
    const url = new URL(where);
    using limit = deadline(options, FETCH_MS, `the calendar at ${url.host}`);
    try {
      const answer = await agent.request({
        origin: url.origin,
        path: url.pathname + url.search,
        method: "GET",
        signal: limit.signal,
        headers: { accept: "text/calendar", ...(etag !== undefined && { "if-none-match": etag }) },
      });
      if (answer.statusCode === 304 && etag !== undefined) {
        await answer.body.dump();
        return "same";
      }
      if (answer.statusCode !== 200) {
        await answer.body.dump();
        throw new MicroError("unavailable", `${url.host} answered ${answer.statusCode}`);
      }
      const text = await answer.body.text();
      const tag = answer.headers["etag"];
      return { text, ...(typeof tag === "string" && tag.length < 500 && { etag: tag }) };
    } catch (error) {
      if (error instanceof MicroError) throw error;
      limit.check();
      const large = (error as { code?: string }).code === "UND_ERR_RES_EXCEEDED_MAX_SIZE";
      const why = large ? `the calendar is larger than ${CALENDAR_BYTES >> 20} MB` : `${url.host} cannot be reached`;
      throw new MicroError("unavailable", why, { cause: error });
    }
  };
  const load = async () => {
    const entry = await kv.get(key);
    const read = entry && copySchema.safeParse(parsed(entry.value)).data;
    if (read?.of === of && read.checkedAt >= (copy?.checkedAt ?? 0)) copy = read;
  };
  const work = async (signal: AbortSignal | undefined) => {
    const now = clock.now();
    await load().catch((error: unknown) => {
      if (copy === undefined) throw error;
    });
    if (copy && now - copy.checkedAt < everyMs) return;
    if (failure && now - failure.at < AGAIN_MS) return;
    try {
      const options = signal ? { signal } : {};
      const remake = copy === undefined || now - copy.madeAt > REMAKE_MS;
      const got = await fetched(remake ? undefined : copy?.etag, options);
      if (got === "same") copy = { ...(copy as Copy), checkedAt: now };
      else {
        const window = { from: now - BEFORE_MS, until: now + AHEAD_MS };
        const shifts = await readCalendar(got.text, zone, window, nameOf, options);
        const kept = shifts.map(({ person, from = 0, until = 0 }): [string, number, number] => [
          inLine(person, 100),
          from,
          until,
        ]);
        copy = { of, checkedAt: now, madeAt: now, shifts: kept, ...(got.etag !== undefined && { etag: got.etag }) };
      }
      failure = undefined;
    } catch (error) {
      failure = { at: now, why: MicroError.from(error).message };
      return;
    }
    await kv.put(key, JSON.stringify(copy)).catch(() => {});
  };
  const refresh = (signal?: AbortSignal): Promise<void> => {
    running ??= work(signal).finally(() => {
      running = undefined;
    });
    return running;
  };

  return {
    kind: "calendar",
    refresh,
    at: async (at, signal): Promise<Answer> => {
      await refresh(signal);
      if (copy === undefined) {
        throw new MicroError(
          "unavailable",
          `the calendar of ${name} cannot be read: ${failure?.why ?? "not tried yet"}`,
        );
      }
      const found = shiftAt(
        // Whoever can write into the calendar would else have the bot write to whom they like.
        copy.shifts.map(([person, from, until]) => ({ person: nameOnly(person), from, until })),
        at,
      );
      const age = clock.now() - copy.checkedAt;
      const note = failure
        ? `the calendar cannot be read (${failure.why}); this is as it was ${spanOf(age)} ago`
        : undefined;
      return { ...found, ...(note !== undefined && { note }) };
    },
    close: async () => {
      await running?.catch(() => {});
      await agent?.close();
    },
  };
}

async function contentOf(path: string): Promise<string> {
  const { size } = await stat(path).catch(() => ({ size: -1 }));
  if (size < 0) throw new MicroError("unavailable", "its file is not there");
  if (size > CALENDAR_BYTES)
    throw new MicroError("unavailable", `the calendar is larger than ${CALENDAR_BYTES >> 20} MB`);
  return readFile(path, "utf8");
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
