import { z } from "zod";
import { type AnyCommand, type CommandContext, defineCommand } from "../../commands/command.ts";
import { MicroError } from "../../core/errors.ts";
import { readMoment, timeIn } from "../../core/zone.ts";
import { askerOf } from "../incidents/asker.ts";
import { inLine, spanOf } from "../incidents/words.ts";
import type { Contacts } from "./contacts.ts";
import { readLength } from "./length.ts";
import type { Overrides } from "./overrides.ts";
import type { Schedules, Turn } from "./schedules.ts";

export interface OnCallCommandsInit {
  readonly schedules: Schedules;
  readonly overrides: Overrides;
  readonly contacts: Contacts;
}

const READ = { permission: "oncall:read", effect: "read" } as const;
const LONGEST_MS = 31 * 86_400_000;

/** `oncall`, `oncall list`, `oncall override` and `oncall override remove`. */
export function onCallCommands({ schedules, overrides, contacts }: OnCallCommandsInit): readonly AnyCommand[] {
  const names = () => schedules.all.map(({ name }) => name);
  const complete = async (field: string) =>
    field === "schedule" ? names() : field === "person" ? ["me", ...contacts.names()] : [];

  const who = defineCommand({
    ...READ,
    name: "oncall",
    aliases: ["on call", "who is on call"],
    summary: "Tell who is on call, until when, and who is next",
    input: z.object({
      schedule: z.string().max(60).optional().describe("a name of `oncall list`; may be left out where there is one"),
      at: z.string().max(40).optional().describe("at another time, as 2026-12-24 09:00 by the schedule's clocks"),
    }),
    words: ["schedule"],
    complete,
    examples: ["oncall payments", 'oncall payments --at "2026-12-24 09:00"'],
    run: async ({ schedule, at: said }, { clock, signal }) => {
      const wanted = schedule === undefined ? names() : [schedules.get(schedule).name];
      if (wanted.length === 0) schedules.get("");
      const turns = await Promise.all(
        wanted.slice(0, 20).map(async (name) => {
          const at = said === undefined ? clock.now() : momentOf(said, schedules.get(name).zone);
          const turn = await schedules.who(name, at, signal).catch((error: unknown) => {
            if (wanted.length === 1) throw error;
            return { schedule: name, zone: "UTC", kind: "", note: MicroError.from(error).message } satisfies Turn;
          });
          return { ...turn, at };
        }),
      );
      return { turns, more: Math.max(0, wanted.length - 20), asked: said !== undefined };
    },
    records: { fields: ["schedule", "person", "until", "kind"], rows: ({ turns }) => turns },
    view: ({ turns, more, asked }) => ({
      kind: "text",
      text: [
        ...turns.flatMap((turn) => wordsOf(turn, asked)),
        ...(more > 0 ? [`and ${more} more: \`oncall list\``] : []),
      ].join("\n"),
    }),
  });

  const list = defineCommand({
    ...READ,
    name: "oncall list",
    summary: "List the schedules, who is on call now, and who stands in for whom",
    input: z.object({}),
    examples: ["oncall list"],
    run: async (_input, { clock, signal }) => {
      const now = clock.now();
      const rows = await Promise.all(
        schedules.all.map(async ({ name, zone, rota }) => {
          try {
            const { person = "nobody", until } = await schedules.who(name, now, signal);
            return {
              schedule: name,
              kind: rota.kind,
              person: inLine(person, 60),
              until: until === undefined ? "-" : timeIn(until, zone),
            };
          } catch (error) {
            return {
              schedule: name,
              kind: rota.kind,
              person: `? ${inLine(MicroError.from(error).message, 100)}`,
              until: "-",
            };
          }
        }),
      );
      const made = await overrides.list();
      const zoneOf = (name: string) => schedules.all.find((one) => one.name === name)?.zone ?? "UTC";
      const standing = made.map(({ id, schedule, person, from, until, by }) => ({
        ...{ id, schedule, person, by },
        from: timeIn(from, zoneOf(schedule)),
        until: timeIn(until, zoneOf(schedule)),
      }));
      return { schedules: rows, overrides: standing };
    },
    records: { fields: ["schedule", "kind", "person", "until"], rows: (result) => result.schedules },
    view: (result) => {
      if (result.schedules.length === 0) {
        return { kind: "text", text: "there are no schedules: --alerts=alerts.yaml names them under oncall" };
      }
      const rows = result.schedules.map((it) => [it.schedule, it.kind, it.person, it.until].join("\t"));
      const made = result.overrides.map(
        (it) => `${it.id}: ${it.person} has ${it.schedule} until ${it.until}, by ${it.by}`,
      );
      const note = made.length > 0 ? made.join("\n") : undefined;
      return { kind: "report", text: ["Schedule\tKind\tOn call\tUntil", ...rows].join("\n"), note };
    },
  });

  const override = defineCommand({
    name: "oncall override",
    summary: "Have somebody on call for a while, instead of whose turn it is",
    permission: "oncall:override",
    effect: "write",
    // To take it oneself is wanted at once; to have another woken is asked about.
    confirm: ({ person }) => person !== "me",
    whilePaused: true,
    input: z.object({
      schedule: z
        .string({ error: "which schedule? `oncall list` shows them" })
        .max(60)
        .describe("a name of `oncall list`"),
      person: z
        .string({ error: "who? `me`, or a name" })
        .max(200)
        .describe("me, a name of contacts or of the policy's people, or an id"),
      time: z.string({ error: "for how long? As in for 8h" }).max(60).describe("for 8h, or until 2026-12-24 09:00"),
    }),
    words: ["schedule", "person", "time"],
    rest: "time",
    // What cannot be is told before somebody is asked for a yes.
    touches: async ({ schedule, person, time }, context) => {
      untilOf(time, schedules.get(schedule).zone, context.clock.now());
      personOf(person, context, contacts);
      return [];
    },
    complete,
    examples: ["oncall override payments me for 8h", "oncall override payments ann until 2026-12-24 09:00"],
    run: async ({ schedule: name, person: said, time }, context) => {
      const { zone } = schedules.get(name);
      const now = context.clock.now();
      const until = untilOf(time, zone, now);
      const person = personOf(said, context, contacts);
      const by = askerOf(context);
      return { ...(await overrides.add({ schedule: name, person, from: now, until, by })), zone };
    },
    view: ({ id, schedule, person, until, zone }) => ({
      kind: "text",
      text: `${inLine(person, 60)} has ${schedule} until ${timeIn(until, zone)}; \`oncall override remove ${id}\` ends it`,
    }),
  });

  const remove = defineCommand({
    name: "oncall override remove",
    summary: "End an override of a schedule before its time",
    permission: "oncall:override",
    effect: "write",
    confirm: false,
    whilePaused: true,
    input: z.object({
      id: z.string({ error: "which? `oncall list` shows them" }).max(20).describe("as `oncall list` shows it"),
    }),
    words: ["id"],
    touches: async () => [],
    examples: ["oncall override remove 4f1c"],
    run: async ({ id }) => {
      const removed = await overrides.remove(id.toLowerCase());
      if (removed) return removed;
      throw new MicroError("not_found", `there is no override ${inLine(id, 20)}; \`oncall list\` shows them`);
    },
    view: ({ schedule, person }) => ({
      kind: "text",
      text: `${inLine(person, 60)} has ${schedule} no more by an override`,
    }),
  });
  return [who, list, override, remove];
}

function momentOf(text: string, zone: string): number {
  const at = readMoment(text, zone);
  if (at !== undefined) return at;
  throw new MicroError("invalid_argument", `"${inLine(text, 40)}" is no time; write it like 2026-12-24 09:00`);
}

/** `for 8h`, `8h`, `until 2026-12-24 09:00`. */
function untilOf(text: string, zone: string, now: number): number {
  const said = text.trim().replace(/^"(.*)"$/, "$1");
  const moment = /^until\s+(.+)$/.exec(said)?.[1];
  const ms = moment === undefined ? readLength(said.replace(/^for\s+/, "")) : momentOf(moment, zone) - now;
  if (ms === undefined)
    throw new MicroError("invalid_argument", "for how long? As in for 8h, or until 2026-12-24 09:00");
  if (ms <= 0) throw new MicroError("invalid_argument", `${inLine(said, 40)} is over`);
  if (ms > LONGEST_MS)
    throw new MicroError("invalid_argument", "an override is 31d long at most; longer ones belong into the file");
  return now + ms;
}

function personOf(said: string, { caller, person = caller }: CommandContext, contacts: Contacts): string {
  if (said === "me") return person;
  const name = said.replace(/^@/, "");
  if (contacts.idsOf(name).length > 0) return name;
  if (contacts.names().includes(name)) {
    throw new MicroError("invalid_argument", `${name} has no id under contacts by which I could wake them`);
  }
  const known = contacts.names().slice(0, 10).join(", ");
  throw new MicroError(
    "invalid_argument",
    `I know nobody called ${inLine(name, 60)}, so I could not wake them${known === "" ? "" : `; I know ${known}`}`,
  );
}

function wordsOf(turn: Turn & { readonly at: number }, asked: boolean): readonly string[] {
  const { schedule, zone, person, until, next, instead, note, at } = turn;
  const when = asked ? ` at ${timeIn(at, zone)}` : "";
  const of = instead?.of === undefined || instead.of === person ? "" : ` for ${inLine(instead.of, 60)}`;
  const by = instead === undefined ? "" : ` (instead${of}, by ${inLine(instead.by, 60)})`;
  const end = until === undefined ? "" : `, until ${timeIn(until, zone)} (${spanOf(until - at)})`;
  const first =
    person === undefined
      ? `nobody is on call for ${schedule}${when}`
      : `${inLine(person, 60)} is on call for ${schedule}${when}${by}${end}`;
  const from =
    next?.from === undefined || (next.from === until && person !== undefined) ? "" : ` from ${timeIn(next.from, zone)}`;
  return [
    first,
    ...(next ? [`next: ${inLine(next.person, 60)}${from}`] : []),
    ...(note === undefined ? [] : [inLine(note, 200)]),
  ];
}
