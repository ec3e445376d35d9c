import { z } from "zod";
import { isZone } from "../../core/zone.ts";
import { neverEnds, type QuietHours, readQuietTime } from "../oncall/quiet.ts";
import { shape } from "./shape.ts";

/** A name by which other sections speak of something in this one. */
export const nameKey = z.string().regex(/^[A-Za-z][\w.-]{0,59}$/);

/** The time zone that holds where none is said: this machine's. */
const here = () => Intl.DateTimeFormat().resolvedOptions().timeZone;

export const zoneField = z
  .string({ error: "zone is the name of a time zone, as Europe/Berlin" })
  .refine(isZone, { error: "there is no such time zone; one is Europe/Berlin, or UTC", abort: true })
  .default(here);

const TIME = "a time of quiet is written like 22:00-07:00, weekdays 22:00-07:00, or sat,sun 00:00-24:00";

const time = z.string({ error: TIME }).transform((text, context) => {
  const read = readQuietTime(text);
  if (read) return read;
  context.addIssue(TIME);
  return z.NEVER;
});

const quiet = shape("a name of quiet_hours", {
  times: z.union([time.transform((one) => [one]), z.array(time).min(1, { error: TIME }).max(30)], { error: TIME }),
  zone: zoneField,
}).superRefine((said, context) => {
  if (neverEnds(said as QuietHours, Date.UTC(2026, 0, 5)))
    context.addIssue("that is quiet at all times: nothing would ever be said");
});

/** `quiet_hours`: times in which only what is critical is said at once. */
export const quietSection = z
  .record(nameKey, quiet, {
    error: ({ code }) =>
      code === "invalid_key"
        ? "a name of quiet_hours is one word"
        : "quiet_hours is a map from names to times and zone",
  })
  .default({});
