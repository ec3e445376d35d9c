import { z } from "zod";
import { nearestOf } from "../commands/pipe/nearest.ts";
import { readDuration } from "../core/duration.ts";
import { MicroError } from "../core/errors.ts";
import { isName, RESERVED } from "./reference.ts";

/** What a runbook's file may hold. Every object is strict, and says which keys there are. */

/** By what is said of a key that nobody knows, the keys that there are. */
const KNOWN = new Map<string, readonly string[]>();

/** What it was meant for, if it is like one of those. @param issue what the schema says of a key that nobody knows */
export function meantKey(key: string, { message }: { readonly message: string }): string | undefined {
  return nearestOf(key, KNOWN.get(message) ?? []);
}

function shape<T extends z.core.$ZodLooseShape>(what: string, keys: T) {
  const has = `${what} has ${Object.keys(keys).join(", ")}`;
  KNOWN.set(has, Object.keys(keys));
  return z.strictObject(keys, {
    error: (issue) => {
      if (issue.code === "unrecognized_keys") return has;
      return issue.code === "invalid_type" ? `${what} is a map of ${Object.keys(keys).join(", ")}` : undefined;
    },
  });
}

const text = (what: string, longest: number) =>
  z
    .string({ error: `${what} is expected` })
    .min(1, { error: `${what} is expected` })
    .max(longest, { error: `${what} has ${longest} characters at most` });

const duration = (what: string, longest: string) =>
  z.union([z.string(), z.literal(0)], { error: `${what} is a duration, like 5s or 1m30s` }).transform((said, ctx) => {
    try {
      const ms = readDuration(String(said));
      if (ms <= readDuration(longest)) return ms;
      ctx.addIssue(`${what} is ${longest} at most`);
    } catch (error) {
      ctx.addIssue(`${what}: ${MicroError.from(error).message}`);
    }
    return z.NEVER;
  });

const name = (what: string) =>
  z.string({ error: `${what} is a word` }).refine(isName, {
    error: `${what} is a word of letters, digits, - and _ that begins with a letter, as in drain-orders`,
  });

const line = text("a command line", 4000);
const condition = text('a condition, as in steps.look.result.count > 3 or region is "eu"', 1000);

const parameter = shape("a parameter", {
  type: z
    .enum(["string", "number", "boolean", "choice"], { error: "type is string, number, boolean or choice" })
    .default("string"),
  summary: text("a summary", 300).optional(),
  required: z.boolean({ error: "required is true or false" }).optional(),
  default: z
    .union([z.string(), z.number(), z.boolean()], { error: "default is a text, a number, true or false" })
    .optional(),
  choices: z
    .array(z.string({ error: "a choice is a text: put it in quotes" }))
    .min(1)
    .max(50)
    .optional(),
  pattern: text("a pattern", 200).optional(),
});

const step = shape("a step", {
  id: name("id")
    .refine((id) => !/^run$/.test(id), { error: "a step cannot be called run" })
    .optional(),
  when: condition.optional(),
  run: line.optional(),
  wait: shape("wait", {
    until: condition,
    run: line.optional(),
    every: duration("every", "1h").default(5000),
    atMost: duration("atMost", "24h").default(300_000),
  }).optional(),
  approve: shape("approve", {
    by: z.union([text("a role or person", 200), z.array(text("a role or person", 200)).min(1).max(20)], {
      error: "by is role:name, a person, or a list of them",
    }),
    count: z.number({ error: "count is a number" }).int().min(1).max(20).default(1),
    atMost: duration("atMost", "168h").default(86_400_000),
  }).optional(),
  retry: shape("retry", {
    times: z
      .number({ error: "times is a number from 2 to 20: all tries, the first with them" })
      .int()
      .min(2, { error: "times is a number from 2 to 20: all tries, the first with them" })
      .max(20, { error: "times is a number from 2 to 20: all tries, the first with them" }),
    every: duration("every", "1h").default(5000),
  }).optional(),
  idempotent: z.boolean({ error: "idempotent is true or false" }).optional(),
  rollback: line.optional(),
});

const MOST_STEPS = 50;
const steps = (what: string) =>
  z
    .array(step, { error: `${what} is a list of steps, each with run, wait or approve` })
    .max(MOST_STEPS, { error: `${what} has ${MOST_STEPS} entries at most` });

export const fileSchema = shape("a runbook", {
  name: name("name").optional(),
  summary: text("a summary, one line of what it is for,", 300),
  parameters: z
    .record(
      z.string().refine((said) => isName(said) && !RESERVED.has(said), {
        error: "a parameter's name is a word that begins with a letter, and none of those that conditions know",
      }),
      parameter,
      { error: "parameters is a map of names to what each of them is" },
    )
    .default({}),
  steps: steps("steps").min(1, { error: "steps has none: a runbook does something" }),
  "on failure": steps("on failure").default([]),
  "on abort": z.enum(["rollback", "keep"], { error: "on abort is rollback or keep" }).default("rollback"),
});

export type FileShape = z.output<typeof fileSchema>;
export type StepShape = FileShape["steps"][number];
export type ParameterShape = FileShape["parameters"][string];
