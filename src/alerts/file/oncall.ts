import { z } from "zod";
import { readMoment } from "../../core/zone.ts";
import { readDay } from "../oncall/rotation.ts";
import { nameKey, zoneField } from "./quiet.ts";
import { lengthField } from "./routes.ts";
import { shape } from "./shape.ts";

const person = z
  .string({ error: "a person is a name of contacts, or an id, as slack:T01/U02" })
  .regex(/^(?:[A-Za-z][\w.-]*|[a-z][\w-]*:[^*\s]+)$/, {
    error: "a person is a name of contacts, or an id, as slack:T01/U02",
  })
  .max(200);

const TIME = "handover is a time, as 09:00";
const handover = z.string({ error: TIME }).transform((text, context) => {
  const [, hour, minute] = /^([01]?\d|2[0-3]):([0-5]\d)$/.exec(text) ?? [];
  if (hour !== undefined) return Number(hour) * 60 + Number(minute);
  context.addIssue(TIME);
  return z.NEVER;
});

const START = "start is a day, as 2026-11-02";
const start = z.string({ error: START }).transform((text, context) => {
  const day = readDay(text);
  if (day) return day;
  context.addIssue(START);
  return z.NEVER;
});

const rotation = shape("rotation", {
  people: z
    .array(person, { error: "people is a list of who takes turns" })
    .min(1, { error: "people is empty: nobody would be on call" })
    .max(200),
  start,
  every: z
    .string({ error: "every is how long a turn is, as 7d or 12h" })
    .pipe(lengthField("every"))
    .refine((ms) => ms >= 3_600_000 && ms <= 366 * 86_400_000, { error: "a turn is 1h to 366d long" })
    .transform((ms) => (ms % 86_400_000 === 0 ? { days: ms / 86_400_000 } : { ms })),
  handover: handover.default(540),
});

const ICAL =
  "ical is a URL that begins with https:// or http://, a file, or where a secret is, as file:/run/secrets/calendar";

const override = shape("an override", { person, from: z.string(), until: z.string() });

const schedule = shape("a schedule", {
  zone: zoneField,
  rotation: rotation.optional(),
  ical: z
    .string({ error: ICAL })
    .regex(/^(?:(?:https?|file|env|vault):|(?![a-z][\w+.-]*:\/\/))./is, { error: ICAL })
    .max(4000)
    .optional(),
  service: z
    .string({ error: "service is the name of a service" })
    .min(1, { error: "service is the name of a service" })
    .max(200)
    .optional(),
  every: lengthField("every").optional(),
  overrides: z
    .array(override, { error: "overrides is a list of overrides, each with person, from and until" })
    .max(500)
    .default([]),
}).transform((said, context) => {
  const kinds = (["rotation", "ical", "service"] as const).filter((kind) => said[kind] !== undefined);
  if (kinds.length !== 1) {
    const had = kinds.length === 0 ? "it has none" : `it has ${kinds.join(" and ")}`;
    context.addIssue(`a schedule has one of rotation, ical and service; ${had}`);
    return z.NEVER;
  }
  if (said.every !== undefined && (said.ical === undefined || said.every < 60_000)) {
    context.addIssue({
      code: "custom",
      path: ["every"],
      message: "every is how often a calendar is read, 1m or more; a turn's length stands in rotation",
    });
    return z.NEVER;
  }
  const overrides = said.overrides.map((one, at) => {
    const [from, until] = [readMoment(one.from, said.zone), readMoment(one.until, said.zone)];
    if (from !== undefined && until !== undefined && from < until) return { person: one.person, from, until };
    context.addIssue({
      code: "custom",
      path: ["overrides", at],
      message: "from and until are times, as 2026-12-24 09:00, one after the other",
    });
    return { person: one.person, from: 0, until: 0 };
  });
  return { ...said, overrides };
});

/** `oncall`: who is woken, by the name of a schedule. */
export const oncallSection = z
  .record(
    nameKey.refine((name) => name !== "list" && name !== "override"),
    schedule,
    {
      error: ({ code }) =>
        code === "invalid_key"
          ? "a schedule is called by one word, other than list and override"
          : "oncall is a map from names to schedules",
    },
  )
  .default({});

const id = z
  .string({ error: "an id is input:id, as slack:T01/U02, or mailto:ann@example.com" })
  .regex(/^[a-z][\w-]*:[^*\s]+$/, { error: "an id is input:id, as slack:T01/U02, or mailto:ann@example.com" })
  .max(300);

const CONTACT = "a contact is an id, or a list of them, as slack:T01/U02 or mailto:ann@example.com";

/** Said where a person is named, these mean something else. */
const TAKEN = ["me", "oncall", "room"];

/** `contacts`: people with the ids under which they can be reached, the best first. */
export const contactsSection = z
  .record(
    nameKey.refine((name) => !TAKEN.includes(name)),
    z.union([id.transform((one) => [one]), z.array(id).min(1, { error: CONTACT }).max(20)], { error: CONTACT }),
    {
      error: ({ code }) =>
        code === "invalid_key"
          ? `a person is called by one word, other than ${TAKEN.join(", ")}`
          : "contacts is a map from names to ids",
    },
  )
  .default({});

/** `owners`: which team a service belongs to; `*` in its name stands for any letters. */
export const ownersSection = z
  .record(z.string().min(1).max(200), z.string({ error: "an owner is the name of a team" }).min(1).max(100), {
    error: "owners is a map from services to teams",
  })
  .default({});

/** `owners_service`: a service that tells what `owners` does not. */
export const ownersServiceField = z
  .string({ error: "owners_service is the name of a service" })
  .min(1)
  .max(200)
  .optional();
