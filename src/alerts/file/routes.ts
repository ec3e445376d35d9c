import { z } from "zod";
import { readLength } from "../oncall/length.ts";
import { readTarget, TARGETS } from "../oncall/target.ts";
import { nameKey } from "./quiet.ts";
import { shape } from "./shape.ts";

const text = (what: string) =>
  z
    .string({ error: `${what} is a text` })
    .min(1, { error: `${what} is empty` })
    .max(200);

/** One, or a list of them. */
const several = <T extends z.ZodType>(one: T, error: string) =>
  z.union([one.transform((said) => [said]), z.array(one).min(1, { error }).max(50)], { error });

/** A length of time in a file: `10m`, `8h`, `7d`, in ms. */
export const lengthField = (what: string) =>
  z.string({ error: `${what} is a length of time, as 10m, 8h or 7d` }).transform((said, context) => {
    const ms = readLength(said);
    if (ms !== undefined) return ms;
    context.addIssue(`${what} is a length of time, as 10m, 8h or 7d`);
    return z.NEVER;
  });

/** `slack:C02`. */
const roomField = z
  .string({ error: "a room is input:room, as slack:C02" })
  .regex(/^[a-z][\w-]*:.+$/, { error: "a room is input:room, as slack:C02" })
  .max(300);

const target = z.string({ error: TARGETS }).transform((said, context) => {
  const read = readTarget(said);
  if (read) return read;
  context.addIssue(TARGETS);
  return z.NEVER;
});

const step = shape("a step", { after: lengthField("after"), to: target }).superRefine(({ after }, context) => {
  if (after > 7 * 86_400_000) context.addIssue({ code: "custom", path: ["after"], message: "after is 7d at most" });
});

const severity = z.enum(["critical", "warning", "info"], { error: "severity is critical, warning or info" });

const match = shape("match", {
  severity: several(severity, "severity is critical, warning or info, or a list of them").optional(),
  service: several(
    text("service"),
    "service is a name in which * stands for any letters, or a list of them",
  ).optional(),
  owner: several(text("owner"), "owner is a team, or a list of them").optional(),
  source: several(text("source"), "source is the name of a source, or a list of them").optional(),
  labels: z
    .record(z.string(), text("the value of a label"), {
      error: "labels is a map from names to values, in which * stands for any letters",
    })
    .optional(),
});

const route = shape("a route", {
  match: match.optional(),
  rooms: several(roomField, "rooms is a list of rooms, each input:room, as slack:C02").optional(),
  quiet: nameKey.optional(),
  oncall: nameKey.optional(),
  escalate: z
    .array(step, { error: "escalate is a list of steps, each with after and to" })
    .min(1, { error: "escalate has no step: leave it out, or give it one with after and to" })
    .max(20)
    .optional(),
  continue: z.boolean({ error: "continue is true or false" }).default(false),
});

/** `routes`: where an incident is shown, and who is told when nobody answers. The first that fits holds. */
export const routesSection = z
  .array(route, { error: "routes is a list of routes, each with match and rooms" })
  .max(500)
  .default([]);
