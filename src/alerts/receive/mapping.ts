import { z } from "zod";
import { shape } from "../file/shape.ts";
import { type JsonPath, pathOf } from "./paths.ts";

/** Where a generic source has what, as the configuration says it. */

const path = (what: string) =>
  z
    .string({ error: `${what} is a path into the JSON, as in events or data.items[0].title; $ is the whole` })
    .transform((text, context): JsonPath => {
      const read = pathOf(text);
      if (read !== undefined) return read;
      context.addIssue(`${what} is a path into the JSON, as in events or data.items[0].title; $ is the whole`);
      return z.NEVER;
    });

const fieldShape = (what: string, values: z.ZodType<string> = z.string()) =>
  shape(what, {
    path: path(`${what}: path`).optional(),
    default: z
      .union([values, z.number(), z.boolean()], { error: `${what}: default is not one of its values` })
      .optional(),
    values: z
      .record(z.string(), values, { error: `${what}: values is a map from the source's words to ours` })
      .default({}),
  });

/** A field by a path alone, or by a path with what stands in when there is nothing, and what the source's words mean. */
const field = (what: string, values?: z.ZodType<string>) =>
  z
    .union([z.string(), z.looseObject({})], { error: `${what} is a path, or a map of path, default, values` })
    .transform((said) => (typeof said === "string" ? { path: said } : said))
    .pipe(fieldShape(what, values));

export type Field = z.output<ReturnType<typeof fieldShape>>;

const fields = (what: string) =>
  z
    .record(z.string().min(1), field(`one of the ${what}`), { error: `${what} is a map from names to paths` })
    .default({});

const status = z.enum(["firing", "resolved", "ignore"], { error: "status is firing, resolved or ignore" });
const severity = z.enum(["critical", "warning", "info"], { error: "severity is critical, warning or info" });

export const mappingShape = shape("a mapping", {
  alerts: path("alerts").default([]),
  name: field("name"),
  status: field("status", status).optional(),
  severity: field("severity", severity).optional(),
  summary: field("summary").optional(),
  description: field("description").optional(),
  fingerprint: field("fingerprint").optional(),
  group: field("group").optional(),
  starts: field("starts").optional(),
  ends: field("ends").optional(),
  runbook: field("runbook").optional(),
  "all labels": path("all labels").optional(),
  labels: fields("labels"),
  links: fields("links"),
});

export type Mapping = z.output<typeof mappingShape>;
