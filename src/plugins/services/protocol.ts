import { z } from "zod";

/** The handler every command service has (`toolkit.md §3.7`). */
export const HELP = "Command.Help";
export const EXEC = "Command.Exec";
/** Ours: what makes it a typed command. */
export const SPEC = "Command.Spec";

/** What `Command.Help` answers. Go leaves out what is empty. */
export const helpSchema = z.object({
  usage: z.string().max(1000).default(""),
  description: z.string().max(1000).default(""),
});

/** What `Command.Exec` answers: bytes are base64 in JSON, as Go has them. */
export const execSchema = z.object({
  result: z.string().nullish(),
  error: z.string().nullish(),
});

const field = z.strictObject({
  type: z.enum(["string", "integer", "number", "boolean"]),
  description: z.string().max(200).default(""),
  enum: z.array(z.string().max(64)).min(1).max(100).optional(),
  default: z.union([z.string().max(1000), z.number(), z.boolean()]).optional(),
  minimum: z.number().optional(),
  maximum: z.number().optional(),
});

/**
 * What `Command.Spec` answers, as JSON text in its field `spec`: a command as data. `input` is a JSON Schema of one flat
 * object, of these types and no others; a pattern in it could make the bot think for ever, so there are none.
 */
export const specSchema = z.strictObject({
  summary: z.string().min(1).max(200),
  input: z
    .strictObject({
      type: z.literal("object"),
      properties: z.record(z.string().regex(/^[a-z][a-z0-9_]{0,31}$/), field).default({}),
      required: z.array(z.string()).default([]),
    })
    .default({ type: "object", properties: {}, required: [] }),
  words: z.array(z.string()).max(16).optional(),
  rest: z.string().optional(),
  /** The part behind `command:`; left out, the command's word. */
  permission: z
    .string()
    .regex(/^command:[a-z0-9][a-z0-9_-]{0,63}$/, {
      error: "a permission is command:name, since no service hands out others",
    })
    .optional(),
  effect: z.enum(["read", "write"]),
  /** `false`: saying it is saying it. */
  confirm: z.literal(false).optional(),
  examples: z.array(z.string().max(200)).max(10).optional(),
  secrets: z.array(z.string()).max(16).optional(),
  /** It takes longer than 30 s, but no longer than this. */
  maxMs: z.number().int().min(1000).max(3_600_000).optional(),
  /** What `result` is: text as it is, or JSON. */
  result: z.enum(["text", "json"]).default("text"),
});

/** A command, as its service describes it. */
export type Spec = z.output<typeof specSchema>;

/** What `Command.Exec` is asked: go-micro's words, and what was typed beside them where there is a `Spec`. */
export interface ExecRequest {
  /** The command's word first. */
  readonly args: readonly string[];
  readonly input?: Readonly<Record<string, unknown>>;
  /** Who asks, and where: for the service's own log. */
  readonly caller?: string;
  readonly room?: string;
}
